"""Work on the next batches while one is being used, in threads.

NumPy, SciPy and TensorFlow let go of Python's lock in their loops, so that threads keep
all cores busy. What is given does not depend on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
import os
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# More threads than this hold more batches in memory, and wait for each other.
_MOST_THREADS = 8


def map_in_order(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    nb_threads: int | None = None,
) -> Iterator[Result]:
    """Apply a function to tasks in threads, and give the results in order.

    Memory is bounded: at any time there are at most two results for each thread that
    were not taken yet, those that are worked on included.

    Parameters
    ----------
    function : callable
        Takes a task. Calls must not depend on each other.
    tasks : iterable
        The tasks; taken as they are needed.
    nb_threads : int, optional
        Number of threads; by default one for each core, up to eight.

    Yields
    ------
    object
        What the function gives for each task, in the order of the tasks. Where it
        raises, so does this, and the tasks after it are given up.
    """
    nb_threads = nb_threads or default_threads()
    tasks = iter(tasks)
    executor = ThreadPoolExecutor(nb_threads, thread_name_prefix="map_in_order")
    try:
        ahead = islice(tasks, 2 * nb_threads)
        pending = deque(executor.submit(function, task) for task in ahead)
        while pending:
            result = pending.popleft().result()
            pending.extend(executor.submit(function, task) for task in islice(tasks, 1))
            yield result
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def default_threads() -> int:
    """Return how many threads there are by default.

    Returns
    -------
    int
        One for each core, up to eight.
    """
    return min(_nb_usable_cores(), _MOST_THREADS)


def _nb_usable_cores() -> int:
    """Count the cores that this process may use, where the system says which."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
