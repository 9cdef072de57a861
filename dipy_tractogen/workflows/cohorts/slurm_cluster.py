"""The cluster of dask-jobqueue, as the configuration of Dask has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import signal
import threading

from ..runtime.logs import one_line

_SECTION = "jobqueue.slurm"
_FILE = "~/.config/dask/jobqueue.yaml"


def open_cluster():
    """Return a cluster of dask-jobqueue with a scheduler, and no jobs yet.

    Raises ImportError where dask-jobqueue is missing, OSError where the configuration
    of Dask is not complete, or no scheduler starts.
    """
    import dask

    with _no_new_handlers():
        from dask_jobqueue import SLURMCluster
    workers_of_a_job()
    # Any free port for what Dask serves of itself, and only to this machine.
    options = {"dashboard_address": "127.0.0.1:0"}
    try:
        options |= dask.config.get(f"{_SECTION}.scheduler-options", None) or {}
        return SLURMCluster(scheduler_options=options)
    except Exception as error:
        # Dask raises errors of any kind for what its configuration says.
        raise OSError(
            f"--slurm: {one_line(error)}; {_SECTION} in {_FILE} has to have what a job "
            "needs, as cores and memory"
        ) from error


@contextmanager
def _no_new_handlers() -> Iterator[None]:
    """Have this thread leave the handlers of signals as they are.

    dask-jobqueue sets one when it is imported: Ctrl-C would end Python with exit code
    0, and the import would fail in all threads but the main one.
    """
    set_handler, thread = signal.signal, threading.get_ident()

    def keep(number, handler):
        if threading.get_ident() == thread:
            return signal.getsignal(number)
        return set_handler(number, handler)

    signal.signal = keep
    try:
        yield
    finally:
        signal.signal = set_handler


def workers_of_a_job() -> int | None:
    """Return the number of workers in a job, by the configuration; None if not said.

    They have one thread each, unless the configuration says something else.
    """
    import dask

    given = [
        dask.config.get(f"{_SECTION}.{one}", None) for one in ("processes", "cores")
    ]
    for name, value in zip(("processes", "cores"), given, strict=True):
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (is_whole and value >= 1):
            raise OSError(
                f"--slurm: {_SECTION}.{name} in {_FILE} is {value!r}; it has to be a "
                "whole number of at least 1"
            )
    return given[0] or given[1]
