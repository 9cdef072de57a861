"""Where parts, such as subjects, are worked on: this process, or workers of Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.parameters import Parameters, parameter

from ..options.arguments import check_exclusive
from ..runtime.logs import one_line
from .distribute import Distributor, WorkersLost
from .slurm import SlurmJobs
from .slurm_cluster import open_cluster
from .task import BUSY, Outcome, Task, carry_out

logger = logging.getLogger("dipy_tractogen")

_INSTALL = 'pip install "dipy_tractogen[cluster]"'


@dataclass
class WorkerOptions(Parameters):
    """Where subjects, or shards, are worked on."""

    nb_workers: int = parameter(
        1,
        "Processes that each work on one part, a subject or a shard, at a time, with "
        "one thread. One is this process itself; more are started by Dask on this "
        "machine or, with --slurm, as jobs.",
        essential=True,
        within="[1, 1e4]",
    )
    scheduler: str | None = parameter(
        None,
        "Address of a scheduler of Dask, such as tcp://node1:8786, whose workers do "
        "the work; they have to see the same files and have the same packages.",
        essential=True,
    )
    slurm: bool = parameter(
        False,
        "Start --nb_workers workers as jobs of SLURM. Queue, memory and time come from "
        "the configuration of Dask (jobqueue.slurm).",
        essential=True,
    )


@contextmanager
def open_workers(given: dict, mark: Path) -> Iterator[Callable[..., Iterator[Outcome]]]:
    """Yield a function that works on tasks, and yields outcomes as they come.

    `given` are values of `WorkerOptions`, `mark` is that of the run. Raises ImportError
    where Dask is needed and not there, OSError if a scheduler cannot be found,
    WorkersLost, with the option, if workers or their scheduler are lost.
    """
    check_exclusive({**given, "slurm": given["slurm"] or None}, "scheduler", "slurm")
    if given["nb_workers"] == 1 and not (given["scheduler"] or given["slurm"]):
        yield _work_here
        return
    with ExitStack() as stack:
        client, update = _client(given, stack)
        try:
            yield Distributor(client, mark, update)
        except WorkersLost as lost:
            option = "--slurm" if given["slurm"] else "--nb_workers"
            if given["scheduler"]:
                option = f"--scheduler {given['scheduler']}"
            raise type(lost)(f"{option}: {lost}") from lost


def _work_here(tasks: Sequence[Task], **options) -> Iterator[Outcome]:
    """Work on tasks one after another in this process."""
    for task in tasks:
        yield carry_out(task, **options)


def _close(resource) -> None:
    """Close a client or a cluster; the work is done, however slowly it ends."""
    try:
        resource.close()
    except Exception as error:
        # Processes that do not end in time, on a busy machine, are killed.
        logger.debug("Dask did not end in time: %r", error)


def _client(given: dict, stack: ExitStack) -> tuple:
    """Return a client of Dask, and what looks after its workers, if it is needed.

    They end with the stack, as does their cluster.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError(
            f"several workers need Dask, which is not installed: {_INSTALL}"
        ) from error
    address, jobs = given["scheduler"], None
    if not address:
        nb_workers = given["nb_workers"]
        if given["slurm"]:
            address = _slurm_cluster()
            jobs = SlurmJobs(address, nb_workers)
        else:
            address = _local_cluster(LocalCluster, nb_workers)
        stack.callback(_close, address)
    try:
        client = Client(address, set_as_default=False)
    except Exception as error:
        # Dask raises errors of any kind, for what its configuration says as well.
        where = f"--scheduler {given['scheduler']}" if given["scheduler"] else "Dask"
        raise OSError(
            f"{where}: no scheduler of Dask answers ({one_line(error)})"
        ) from error
    stack.callback(_close, client)
    if jobs is None:
        return client, None
    stack.callback(_close, jobs)
    return client, jobs.update


def _local_cluster(kind: type, nb_workers: int):
    """Return a ``LocalCluster`` of processes with one thread."""
    try:
        return kind(
            n_workers=nb_workers,
            threads_per_worker=1,
            # Any free port for what Dask serves of itself, and only to this machine.
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
    except (RuntimeError, TimeoutError) as error:
        raise OSError(
            f"{nb_workers} workers did not start ({one_line(error)}): ask for fewer, "
            "or try again when the machine is less busy"
        ) from error


def _slurm_cluster():
    """Return a cluster whose workers are to be jobs of SLURM."""
    try:
        return open_cluster()
    except ImportError as error:
        raise ImportError(
            f"--slurm needs dask-jobqueue, which is not installed: {_INSTALL}"
        ) from error


def outcomes(
    work: Callable[..., Iterator[Outcome]], tasks: Sequence[Task], *, force: bool
) -> Iterator[Outcome]:
    """Yield what becomes of tasks; busy ones are waited for at the end."""
    by_part = {task.part: task for task in tasks}
    busy = []
    for outcome in work(tasks, force=force):
        if outcome.status == BUSY:
            busy.append(by_part[outcome.part])
        else:
            yield outcome
    if busy:
        what = format_count(len(busy), "part")
        logger.info("Waiting for another process, at work on %s", what)
        yield from work(busy, force=False, wait=True)
