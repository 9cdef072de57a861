"""Computation of the next batches in threads, while one is used.

NumPy, SciPy and Keras's backends release Python's lock in their loops, so threads keep
all cores busy. Results do not depend on the number of threads.
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
    """Yield what a function returns for each task, in order, computed in threads.

    At any time at most two results for each thread are in memory. Calls must not depend
    on each other; where one raises, so does this, and later tasks are given up.
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
    """Return the default number of threads: one for each core, up to eight."""
    if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
        return min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    return min(os.cpu_count() or 1, _MOST_THREADS)
