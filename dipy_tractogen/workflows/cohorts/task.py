"""The work on one part, such as a subject: made once, whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
import logging
import os
from pathlib import Path
import shutil
import threading
import time
from typing import Protocol

from dipy_tractogen.utils.disk import disk_full_reason, write_errors
from dipy_tractogen.utils.files import flush_to_disk
from dipy_tractogen.utils.messages import first_difference
from dipy_tractogen.utils.versions import versions_to_use

from ..runtime.interrupts import INTERRUPTS
from ..runtime.logs import one_line
from .records import Record, describe_inputs
from .run import WorkerError, check_worker, lock_of, new_folder

logger = logging.getLogger("dipy_tractogen")

DONE, FOUND, FAILED, BUSY = "done", "already done", "failed", "busy"
"""What became of a part; a busy one is at work in another process."""

_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_ALONE = threading.Lock()


class Part(Protocol):
    """What a task makes; it is hashable.

    Attributes
    ----------
    name : str
        Name of its record and its lock.
    """

    name: str


@dataclass(frozen=True)
class Outcome:
    """What became of a part.

    Parameters
    ----------
    part : Session or Shard
        The part.
    status : str
        ``"done"``, ``"already done"``, ``"failed"`` or ``"busy"``.
    reason : str
        Why it failed, on one line.
    seconds : float
        Time that it took.
    of_worker : bool
        Whether it failed because of the machine, such as for a full disk.
    """

    part: Part
    status: str
    reason: str = ""
    seconds: float = 0.0
    of_worker: bool = False


@dataclass(frozen=True)
class Task(ABC):
    """What is to be made as one part of a whole, in whatever process.

    Parameters
    ----------
    part : Session or Shard
        The part: a subject with its session, or a shard of a tractogram.
    root : Path
        Root of the inputs, absolute, below which a record names them.
    inputs : tuple of Path
        Files of the part that are read.
    out_dir : Path
        Root of the outputs, absolute.
    asked : dict
        All that the outputs depend on beside the inputs, as plain values: parameters,
        digests of files that parts share, versions.
    """

    part: Part
    root: Path
    inputs: tuple[Path, ...]
    out_dir: Path
    asked: dict

    @abstractmethod
    def make(self) -> None:
        """Write all outputs below the current folder, as they will lie below the root.

        What the outputs say of one another's names thus holds wherever they are.
        """

    @property
    def is_done(self) -> bool:
        """Whether the outputs are there, of these inputs and as asked for."""
        record = Record(self.out_dir, self.part.name)
        try:
            return record.is_of(self.root, self.inputs, self.asked)
        except OSError:
            return False


def carry_out(
    task: Task, *, force: bool = False, wait: bool = False, mark: Path | None = None
) -> Outcome:
    """Make what is asked for, unless it is there; return what became of it.

    The lock of a part keeps other processes, on other machines too, from making it
    at the same time. Any error is the reason of a failure, and stops no one else.

    Parameters
    ----------
    task : Task
        What is to be made.
    force : bool, optional
        Make it anew, and replace files that are of no record.
    wait : bool, optional
        Wait for another process that is at work on it, in place of ``"busy"``.
    mark : Path, optional
        The mark of the command, in another process, that this one works for.
    """
    from filelock import Timeout
    from threadpoolctl import threadpool_limits

    use_one_thread()
    began = time.perf_counter()
    try:
        _check_versions(task.asked["versions"])
        if mark is not None:
            check_worker(mark)
        lock = lock_of(task.out_dir, task.part.name, wait=wait)
        # One at a time in this process, whose current folder is that of the part.
        with _ALONE, lock, threadpool_limits(1):
            if task.is_done and not force:
                return Outcome(task.part, FOUND)
            if force or not _take_over(task):
                _make(task, force=force, began=began)
    except Timeout:
        return Outcome(task.part, BUSY)
    except Exception as error:
        # Whatever it is, it is that of one part.
        if task.is_done and not force:
            # By a process that got the lock because this one was thought to be gone.
            return Outcome(task.part, FOUND)
        seconds = time.perf_counter() - began
        of_worker = isinstance(error, WorkerError) or bool(disk_full_reason(error))
        return Outcome(task.part, FAILED, one_line(error), seconds, of_worker)
    return Outcome(task.part, DONE, seconds=time.perf_counter() - began)


def use_one_thread() -> None:
    """Have libraries that are loaded from now on use one thread, unless it is set.

    Results must not depend on the threads that a machine has.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")


def _check_versions(wanted: dict) -> None:
    """Raise WorkerError where this worker has other software than the command."""
    here = versions_to_use()
    if here != wanted:
        raise WorkerError(
            "the worker has other software than the command: "
            f"{first_difference(here, wanted)}; install the same"
        )


def _make(task: Task, *, force: bool, began: float) -> None:
    """Make the outputs in a folder of their own, and move them to their places."""
    record = Record(task.out_dir, task.part.name)
    inputs = describe_inputs(task.inputs, task.root)
    with _own_folder(task) as folder, _kept_messages() as messages:
        with write_errors(task.out_dir), chdir(folder):
            task.make()
        # What is finished is not lost by an interrupt any more.
        with INTERRUPTS.held():
            with write_errors(task.out_dir):
                made = _made_in(folder)
            earlier = record.outputs()
            _check_places(task, made, earlier, force=force)
            sizes = {str(path): size for path, size in made.items()}
            known = {**dict.fromkeys(earlier, 0)} | sizes
            facts = {"seconds": round(time.perf_counter() - began, 3)}
            facts["messages"] = messages
            said = {**facts, "folder": folder.name} if _are_free(task, known) else facts
            # Should it be broken off here, files at their places are known as ours.
            record.write("moving", inputs, task.asked, known, temporary=folder, **said)
            for name in sizes:
                _move(task, folder, name)
            for name in set(earlier).difference(sizes):
                (task.out_dir / name).unlink(missing_ok=True)
            record.write("done", inputs, task.asked, sizes, temporary=folder, **facts)


def _take_over(task: Task) -> bool:
    """Move the outputs of a process that was killed while it did; return whether it is.

    They are whole, and safe on the disk, since the record says so.
    """
    record = Record(task.out_dir, task.part.name)
    said = record.moving(task.root, task.inputs, task.asked)
    if said is None:
        return False
    folder = task.out_dir / said["folder"]
    with INTERRUPTS.held():
        for name in said["outputs"]:
            if not os.path.lexists(task.out_dir / name):
                _move(task, folder, name)
        facts = {name: said[name] for name in ("seconds", "messages") if name in said}
        given = said["inputs"], said["asked"], said["outputs"]
        record.write("done", *given, temporary=folder, **facts)
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _are_free(task: Task, names: Iterable[str]) -> bool:
    """Return whether nothing is at the places, so that what is there later is new."""
    return not any(os.path.lexists(task.out_dir / name) for name in names)


def _move(task: Task, folder: Path, name: str) -> None:
    place = task.out_dir / name
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(folder / name, place)


def _made_in(folder: Path) -> dict[Path, int]:
    """Return the sizes of the files below a folder by their paths in it, once safe."""
    made = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            flush_to_disk(path)
            made[path.relative_to(folder)] = path.stat().st_size
    if not made:
        raise FileNotFoundError(f"{folder} is gone: another process has removed it")
    return made


def _check_places(task: Task, made: dict, earlier: list[str], *, force: bool) -> None:
    """Raise FileExistsError where a file that no record names would be replaced."""
    others = [
        str(task.out_dir / path)
        for path in made
        if str(path) not in earlier and os.path.lexists(task.out_dir / path)
    ]
    if others and not force:
        raise FileExistsError(
            f"{others[0]} exists, and is of no record of this command: give --force "
            "to overwrite it, or another folder"
        )


@contextmanager
def _own_folder(task: Task) -> Iterator[Path]:
    """Yield a new folder beside the outputs, and remove it."""
    folder = new_folder(task.out_dir, task.part.name)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kept_messages() -> Iterator[list[str]]:
    """Yield a list of the messages in the body, which are not shown."""
    messages: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: messages.append(
        f"{record.levelname}: {record.getMessage()}"
    )
    targets = [logger, logging.getLogger("dipy")]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in targets]
    for each in targets:
        each.handlers[:], each.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield messages
    finally:
        for each, handlers, level, propagate in before:
            each.handlers[:], each.propagate = handlers, propagate
            each.setLevel(level)
