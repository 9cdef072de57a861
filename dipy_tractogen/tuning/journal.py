"""The journal of a search: a file that several processes and machines add to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import json
import os
from pathlib import Path
import secrets
from stat import S_ISREG

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from dipy_tractogen.utils.disk import write_errors
from dipy_tractogen.utils.files import check_outputs, find_temporaries

# Characters of a line; the longest one has the digests of all files of a search.
_LONGEST_LINE = 2**24
# The operation, in the words of Optuna, with which each journal begins.
_MAKE_STUDY = 0


class JournalFile(JournalFileBackend):
    """Optuna's journal, whose lines are whole also after a full disk or a killed write.

    Parameters
    ----------
    path : Path
        The file, made if it is not there.
    """

    def __init__(self, path: Path):
        check_lock_name(path)
        self._path, self._exclusive = path, JournalFileOpenLock(str(path))
        with write_errors(path):
            super().__init__(str(path), self._exclusive)

    def append_logs(self, logs: list[dict]) -> None:
        """Add operations, all or none, once no other process adds some."""
        lines = (json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with write_errors(self._path):
            self._exclusive.acquire()
            try:
                _append(self._path, "".join(lines).encode())
            finally:
                # A process that was asleep for half a minute has lost it.
                with suppress(RuntimeError):
                    self._exclusive.release()


def _append(path: Path, lines: bytes) -> None:
    journal = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        whole = _end_of_lines(journal)
        try:
            while lines:
                lines = lines[os.write(journal, lines) :]
            os.fsync(journal)
        except OSError:
            os.ftruncate(journal, whole)
            raise
    finally:
        os.close(journal)


def _end_of_lines(journal: int) -> int:
    """Return the size of a file, after removal of a line that was not written whole."""
    size = os.fstat(journal).st_size
    if not size or os.pread(journal, 1, size - 1) == b"\n":
        return size
    begin = max(0, size - _LONGEST_LINE)
    whole = begin + os.pread(journal, _LONGEST_LINE, begin).rfind(b"\n") + 1
    os.ftruncate(journal, whole)
    return whole


def check_journal(path: Path) -> None:
    """Raise ValueError for a file that is no journal of a search."""
    what = f"{path} is no journal of a search"
    with path.open("rb") as stream:
        for number, line in enumerate(
            iter(lambda: stream.readline(_LONGEST_LINE), b"")
        ):
            if len(line) == _LONGEST_LINE:
                raise ValueError(f"{what}, which has no line as long: give another.")
            # The rest is for Optuna to read.
            if number == 0 and not _makes_study(line):
                raise ValueError(f"{what}: give another.")


def _makes_study(line: bytes) -> bool:
    try:
        begins = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(begins, dict) and begins.get("op_code") == _MAKE_STUDY


def check_lock_name(path: Path) -> None:
    """Raise ValueError if a file of the user has the name of the lock of a journal.

    Optuna makes an empty one, and removes it, also one that a process has left.
    """
    lock = path.with_name(f"{path.name}.lock")
    with suppress(FileNotFoundError):
        status = lock.lstat()
        if not S_ISREG(status.st_mode) or status.st_size:
            raise ValueError(
                f"{lock} has the name of the lock of {path.name}, and is none: give "
                "another --out_study, or move it away."
            )


@contextmanager
def new_journal(path: Path, *, force: bool = False) -> Iterator[None]:
    """Make an empty file for a new search; an old one is moved aside.

    It is brought back if the body raises before a trial was begun: a search that fails
    later can be gone on with. Raises FileExistsError if there is a search, without
    `force`, and ValueError if there is a file that is none.
    """
    _settle_aside(path)
    if path.exists():
        check_journal(path)
    check_outputs(path, force=force)
    aside = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    with suppress(FileNotFoundError):
        path.rename(aside)
    try:
        # Not what another process has made since.
        path.open("xb").close()
        try:
            yield
        except BaseException:
            if not _is_begun(path):
                path.unlink(missing_ok=True)
                with suppress(FileNotFoundError):
                    aside.rename(path)
            raise
    finally:
        aside.unlink(missing_ok=True)


def _settle_aside(path: Path) -> None:
    """Bring back a search that a killed process has set aside, or remove it.

    It is removed once a trial of another one was begun in its place. Until then another
    process may be at the beginning, and leaves or brings it back itself.
    """
    if not path.parent.is_dir():
        return
    asides = sorted(find_temporaries([path]), key=lambda each: each.stat().st_mtime)
    if asides and not (path.exists() and path.stat().st_size):
        asides.pop().replace(path)
    if asides and _is_begun(path):
        for each in asides:
            each.unlink(missing_ok=True)


def _is_begun(path: Path) -> bool:
    """Return whether a trial was begun, by this process or by others."""
    from optuna.storages import JournalStorage
    from optuna.trial import TrialState

    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        trials = [
            trial
            for study in storage.get_all_studies()
            for trial in storage.get_all_trials(study._study_id, deepcopy=False)
        ]
    except Exception:
        # Whatever is wrong with it, there is nothing to go on with.
        return False
    return any(trial.state is not TrialState.WAITING for trial in trials)
