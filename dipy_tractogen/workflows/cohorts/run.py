"""Runs of a command on a cohort: their marks, their locks, and what they leave.

A run has a mark in the folder of the records, a file whose lock the command holds. By
it workers know whether they see the same disk, with the same locks, as the command, and
other runs whether it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
import os
from pathlib import Path
import secrets
import shutil

from dipy_tractogen.utils.files import remove_temporaries

from .records import FOLDER, MAKING, Record


class WorkerError(ValueError):
    """A machine cannot do the work, whatever the subject."""


def lock_of(out_dir: Path, name: str, *, wait: bool):
    """Return the lock of a name; `filelock.Timeout` at once without `wait`.

    It is that of the system, which ends with its process.
    """
    from filelock import FileLock

    return FileLock(out_dir / FOLDER / f".{name}.lock", -1 if wait else 0)


def new_folder(out_dir: Path, name: str) -> Path:
    """Return the path of a folder in which the outputs of a subject are made.

    No other process has it, even where it has the lock as well.
    """
    return out_dir / f".{name}-making-{secrets.token_hex(4)}"


def nb_broken_off(out_dir: Path, name: str) -> int:
    """Return how often a subject was begun in this run by what was killed.

    Whatever ends by itself removes its folder. One with finished outputs is left out.
    """
    kept = Record(out_dir, name).kept_folder()
    found = map(MAKING.fullmatch, os.listdir(out_dir))
    broken = (one[0] for one in found if one is not None and one[1] == name)
    return sum(folder != kept for folder in broken)


@contextmanager
def open_run(out_dir: Path, written: Iterable[Path] = ()) -> Iterator[Path]:
    """Yield the mark of a run of a command.

    What processes that were killed have left is removed at the beginning and the end,
    and all that the run has written, if it fails before any work is begun.

    Parameters
    ----------
    out_dir : Path
        Root of the outputs.
    written : iterable of Path, optional
        Files that the command itself writes by `atomic_write`.
    """
    (out_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    written = list(written)
    own = [*written, out_dir / FOLDER / ".runs.lock"]
    new = [path for path in own if not path.exists()]
    lock = lock_of(out_dir, f"run-{secrets.token_hex(4)}", wait=False)
    _remove_folders(out_dir)
    with lock_of(out_dir, "runs", wait=True):
        _remove_files(out_dir, written)
        lock.acquire()
    has_failed = False
    try:
        yield Path(lock.lock_file)
    except Exception:
        has_failed = True
        raise
    finally:
        with suppress(OSError):
            _remove_folders(out_dir)
            with lock_of(out_dir, "runs", wait=True):
                lock.release()
                _remove_files(out_dir, written)
            if has_failed:
                _remove_unless_begun(out_dir, new)


@cache
def check_worker(mark: Path) -> None:
    """Raise WorkerError unless this process sees the mark of a command and its lock."""
    from filelock import FileLock, Timeout

    if not mark.exists():
        raise WorkerError(
            f"the worker does not see {mark}, which the command has written: give it "
            "the same disk under the same name"
        )
    with suppress(Timeout), FileLock(mark, 0):
        raise WorkerError(
            f"the lock of {mark} does not hold on the machine of the worker: mount the "
            "disk with locks, such as Lustre with -o flock"
        )


def _remove_folders(out_dir: Path) -> None:
    """Remove the folders in which subjects were made by processes that are gone.

    Those with finished outputs are left to who makes the subject.
    """
    with os.scandir(out_dir) as entries:
        found = [(MAKING.fullmatch(each.name), Path(each.path)) for each in entries]
    for name, path in found:
        if name:
            _remove(out_dir, name[1], path)


def _remove_files(out_dir: Path, written: Iterable[Path]) -> None:
    """Remove what commands have left that are gone, unless there is one at work."""
    marks = (out_dir / FOLDER).glob(".run-*.lock")
    names = ((mark, mark.name[1 : -len(".lock")]) for mark in marks)
    # Of the many jobs of an array, each looks at one.
    if all(_remove(out_dir, name, mark) for mark, name in names):
        remove_temporaries(written)


def _remove_unless_begun(out_dir: Path, new: Iterable[Path]) -> None:
    """Remove files of a run, if the folder of records has no others."""
    new = {path.absolute() for path in new}
    if new.issuperset((out_dir / FOLDER).absolute().iterdir()):
        for path in new:
            path.unlink(missing_ok=True)


def _remove(out_dir: Path, name: str, path: Path) -> bool:
    """Remove a file or folder unless a process has the lock; return whether it is."""
    from filelock import Timeout

    try:
        with lock_of(out_dir, name, wait=False):
            if not path.is_dir():
                path.unlink(missing_ok=True)
            elif Record(out_dir, name).kept_folder() != path.name:
                shutil.rmtree(path, ignore_errors=True)
    except Timeout:
        return False
    return True
