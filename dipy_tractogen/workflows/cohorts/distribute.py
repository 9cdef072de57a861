"""Work on the subjects of a cohort by the workers of a scheduler of Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
import ctypes
from functools import cache
import logging
from pathlib import Path
from queue import Empty, SimpleQueue
import time

from ..runtime.logs import one_line
from .run import nb_broken_off
from .task import FAILED, Outcome, Task, carry_out

logger = logging.getLogger("dipy_tractogen")

# Tasks that the scheduler has for each thread of a worker, and at least. It keeps what
# it knows of each, some kilobytes, and who comes late finds the rest.
_AHEAD = 3
_LEAST = 16
# Times that a task is given to the scheduler which came to no end.
_MOST_TRIES = 4
_SECONDS_TO_LOOK = 5.0
# Parameters of glibc's mallopt (malloc.h); it takes no more than this for the first.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
_MMAP_BYTES, _TRIM_BYTES = 2**25, 2**28


class WorkersLost(OSError):
    """There are no workers any more, in mid-run."""

    def with_rest(self, rest: str) -> WorkersLost:
        """Return an error of this kind that says what is not done, and what to do."""
        return type(self)(
            f"{self}; {rest}. Once this is mended, the same command goes on."
        )


class SchedulerLost(WorkersLost):
    """The scheduler is gone, and did not come back."""


class Distributor:
    """Work on tasks by workers, that have a few of them at a time.

    A worker that cannot do the work, whatever the subject, gets no more of it as long
    as there are others. Where the connection to the scheduler is lost and found again,
    what was not finished is asked for again.

    Parameters
    ----------
    client : distributed.Client
        The client of the scheduler.
    mark : Path
        Mark of the run, by which workers know that they see the same disk.
    update : callable, optional
        Replaces workers that have ended, from time to time, given the number of tasks
        left.
    """

    def __init__(self, client, mark: Path, update: Callable | None = None):
        self._client, self._mark, self._update = client, mark, update
        # Workers by address with their threads, and those that cannot do the work.
        self._workers: dict[str, int] = {}
        self._avoided: set[str] = set()
        self._looked = -float("inf")
        self._tries: dict[object, int] = {}

    def __call__(self, tasks: Sequence[Task], **options) -> Iterator[Outcome]:
        """Yield what becomes of tasks, in whatever order; `options` of `carry_out`.

        Raises WorkersLost if the scheduler is gone, or workers cannot be replaced; what
        is not yielded is not done.
        """
        left, ended = list(reversed(tasks)), SimpleQueue()
        at_work: dict[object, tuple[Task, set[str]]] = {}
        try:
            while left or at_work:
                if self._update is not None:
                    self._update(len(left) + len(at_work))
                self._look()
                while left and len(at_work) < self._nb_at_once:
                    future, *what = self._submit(left.pop(), options)
                    at_work[future] = what
                    future.add_done_callback(ended.put)
                try:
                    future = ended.get(timeout=_SECONDS_TO_LOOK)
                except Empty:
                    left += self._of_no_worker(at_work)
                    continue
                if future not in at_work:
                    continue
                task, _ = at_work.pop(future)
                outcome = self._outcome(future, task)
                if outcome is None:
                    left.append(task)
                else:
                    yield outcome
        finally:
            with suppress(Exception):
                # There may be no scheduler any more that could be told.
                self._client.cancel(list(at_work))

    @property
    def _nb_at_once(self) -> int:
        return max(_LEAST, _AHEAD * sum(self._workers.values()))

    def _submit(self, task: Task, options: dict) -> tuple:
        """Ask for a task; return its future, itself, and the workers it is for."""
        chosen = set(self._workers) - self._avoided if self._avoided else set()
        self._tries[task.part] = self._tries.get(task.part, 0) + 1
        future = self._client.submit(
            _carry_out_there,
            task,
            mark=self._mark,
            **options,
            # The same command again asks for the same work, which may fail no more.
            pure=False,
            workers=sorted(chosen) or None,
        )
        return future, task, chosen

    def _outcome(self, future, task: Task) -> Outcome | None:
        """Return what became of a task; None if it is to be asked for again."""
        tries = self._tries[task.part]
        try:
            where, outcome = future.result()
        except (Exception, CancelledError) as error:
            if future.status == "error" and not _only_waited(task, error):
                return Outcome(task.part, FAILED, _reason(error))
            self._wait_for_scheduler()
            if tries < _MOST_TRIES:
                return None
            return Outcome(task.part, FAILED, _reason(error))
        finally:
            # The scheduler forgets it.
            future.release()
        if outcome.of_worker:
            return self._avoid(where, outcome) if tries < _MOST_TRIES else outcome
        return outcome

    def _avoid(self, where: str, outcome: Outcome) -> Outcome | None:
        """Give no more work to a worker, if there are others that may do it."""
        if where not in self._avoided:
            self._avoided.add(where)
            logger.warning(
                "%s, a worker, is given no more subjects: %s", where, outcome.reason
            )
        self._look(now=True)
        return outcome if self._avoided.issuperset(self._workers) else None

    def _of_no_worker(self, at_work: dict) -> list[Task]:
        """Return the tasks for workers that are all gone, and forget them."""
        self._look(now=True)
        alone = {
            future: task
            for future, (task, chosen) in at_work.items()
            if chosen and chosen.isdisjoint(self._workers)
        }
        if alone:
            self._client.cancel(list(alone))
        for future in alone:
            del at_work[future]
        return list(alone.values())

    def _look(self, *, now: bool = False) -> None:
        """Look which workers there are, from time to time."""
        if not now and time.monotonic() - self._looked < _SECONDS_TO_LOOK:
            return
        is_first, before = self._looked < 0, self._workers
        try:
            self._workers = dict(self._client.nthreads())
        except OSError:
            # What is cancelled tells whether the connection is lost.
            return
        self._looked = time.monotonic()
        if self._workers:
            return
        if before:
            # As those do that lack the package, when they have read a task.
            logger.warning(
                "All workers have ended, and the work waits for others: their logs say "
                "why. Each needs dipy_tractogen, of the version of the command"
            )
        elif is_first and self._update is None:
            logger.warning(
                "The scheduler has no worker: the work begins with the first"
            )

    def _wait_for_scheduler(self) -> None:
        """Wait as long as Dask tries to find the scheduler again."""
        while self._client.status == "connecting":
            time.sleep(0.1)
        if self._client.status != "running":
            raise SchedulerLost("the connection to the scheduler is lost")
        self._looked = -float("inf")


def _carry_out_there(task: Task, **options) -> tuple[str, Outcome]:
    """Work on a task; return the address of the worker, and the outcome."""
    from distributed import get_worker

    keep_freed_memory()
    return get_worker().address, carry_out(task, **options)


@cache
def keep_freed_memory() -> None:
    """Have glibc keep some of the memory that is freed for what comes next.

    Dask's workers return it to the system at once. Getting it back, page by page, took
    as long as the work on a subject itself.
    """
    # Other libraries have no such function, or none can be asked.
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_TRIM_THRESHOLD, _TRIM_BYTES)


def _only_waited(task: Task, error: BaseException) -> bool:
    """Return whether workers were killed that had a task, but did not all begin it."""
    from distributed.scheduler import KilledWorker

    return isinstance(error, KilledWorker) and (
        nb_broken_off(task.out_dir, task.part.name) <= error.allowed_failures
    )


def _reason(error: BaseException) -> str:
    """Return on one line why a task has no outcome."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return (
            "the workers that began it were killed: is the memory enough, and the time "
            "of a job?"
        )
    if isinstance(error, CancelledError):
        return "it was cancelled"
    return one_line(error)
