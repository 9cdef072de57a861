"""A training by several processes: what the environment says of them, and their end.

Those of a step of SLURM with more than one task are one training, and so are those that
JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import logging
import os
import sys

from .interrupts import INTERRUPTS

logger = logging.getLogger("dipy_tractogen")

_ADDRESS, _COUNT, _INDEX = (
    "JAX_COORDINATOR_ADDRESS",
    "JAX_NUM_PROCESSES",
    "JAX_PROCESS_ID",
)
_NAMES = (_ADDRESS, _COUNT, _INDEX)
# By what JAX knows a step of SLURM.
_OF_SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID")
_OF_SLURM = (*_OF_SLURM, "SLURM_LOCALID")
_MOST_PROCESSES = 100_000


@dataclass(frozen=True)
class Job:
    """The processes of a training, and this one among them.

    Attributes
    ----------
    count : int
        Number of processes.
    index : int
        Number of this one, from 0; the first one writes the outputs.
    address : str or None
        Where the first one listens; JAX finds that in a step of SLURM.
    """

    count: int
    index: int
    address: str | None


def job_in(environment: Mapping[str, str]) -> Job | None:
    """Return the processes that environment variables name; None for a single one.

    Raises ValueError where variables are missing or impossible.
    """
    given = [name for name in _NAMES if environment.get(name)]
    if environment.get(_COUNT) == "1":
        return None
    of_slurm = all(environment.get(name) for name in _OF_SLURM)
    if given in ([], [_ADDRESS]) and of_slurm:
        nb_tasks = environment.get("SLURM_STEP_NUM_TASKS") or environment[_OF_SLURM[2]]
        count = _whole("SLURM_NTASKS", nb_tasks, 1, _MOST_PROCESSES)
        index = _whole("SLURM_PROCID", environment["SLURM_PROCID"], 0, None)
        if count == 1:
            return None
        return Job(count, index, environment.get(_ADDRESS))
    if not given:
        return None
    missing = [name for name in _NAMES if name not in given]
    if missing:
        raise ValueError(
            f"{' and '.join(given)} without {' and '.join(missing)}: a training by "
            f"several processes needs all three; {_COUNT}=1 is one by this one alone."
        )
    count = _whole(_COUNT, environment[_COUNT], 1, _MOST_PROCESSES)
    index = _whole(_INDEX, environment[_INDEX], 0, count - 1)
    host, _, port = environment[_ADDRESS].rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(
            f"{_ADDRESS}={environment[_ADDRESS]}: give the host where process 0 runs "
            "and a port that is free there, such as node1:12345."
        )
    return Job(count, index, environment[_ADDRESS])


def job_of(flow) -> Job | None:
    """Return the processes that run a workflow together; None for a single one.

    A workflow that does not train, or a backend other than JAX, runs in one process.
    """
    if not flow.on_several_hosts:
        return None
    named = any(os.environ.get(name) for name in (*_NAMES, *_OF_SLURM))
    job = job_in(os.environ) if named else None
    if job is None:
        return None
    from dipy_tractogen.nn.backend import backend_name

    return job if backend_name() == "jax" else None


class Part:
    """What a process does with the others, around the run of its workflow.

    Used in a ``with`` statement; where it ends by an error or with a code, the process
    ends, and the others with it. `job` is None for a single process, `command` is the
    command line, which is the same in all.

    Attributes
    ----------
    code : int
        The exit code, once it is known.
    """

    def __init__(self, job: Job | None, command: str):
        self.job = job
        self.command = command
        self.code = 0
        self._joined = None
        self._last_error = "a fault"

    def begin(self) -> None:
        """Wait until all processes are there.

        Raises ConnectionError where they do not find one another, ValueError where this
        one has another command line than the first.
        """
        job = self.job
        if job is None:
            return
        from dipy_tractogen.nn.backend import processes

        logger.info("Waiting until all %d processes are there", job.count)
        self._joined = processes.ProcessGroup(
            job.count, job.index, job.address, _interrupt
        )
        logger.info("They are there; this one, number 0, writes")
        first = processes.broadcast(self.command)
        if first != self.command:
            raise ValueError(
                f"{self.command} differs from what process 0 was given, {first}: all "
                f"take part in one training; for one of each, set {_COUNT}=1."
            )

    def finish(self) -> None:
        """Wait until all processes have come to the end."""
        if self._joined is not None:
            self._joined.finish()

    def __enter__(self) -> Part:
        if self.job is not None:
            logger.addFilter(self._name)
        return self

    def __exit__(self, kind, error, trace) -> None:
        if self.job is None:
            return
        logger.removeFilter(self._name)
        if kind is None and not self.code:
            return
        INTERRUPTS.ignore()
        from dipy_tractogen.nn.backend import processes

        if kind is KeyboardInterrupt:
            logger.error("Interrupted.")
        elif kind is not None:
            # The process ends here, so that Python would not show it.
            sys.excepthook(kind, error, trace)
        if self._joined is None:
            processes.leave_at_once(self.code or 1)
        self._joined.end(self._last_error, self.code or 1)

    def _name(self, record: logging.LogRecord) -> bool:
        """Put the number of the process before its messages; keep the last error."""
        if record.levelno >= logging.ERROR:
            self._last_error = record.getMessage()
        if self.job.index:
            number = f"process {self.job.index} of {self.job.count}: "
            record.msg, record.args = number + record.getMessage(), None
        return True


def _interrupt(reason: str) -> bool:
    """Keep the reason why another process ended, unless this one ends by itself."""
    if INTERRUPTS.seen:
        return False
    INTERRUPTS.reason = reason
    return True


def _whole(name: str, text: str, low: int, high: int | None) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if number < low or (high is not None and number > high):
        raise ValueError(
            f"{name}={text}: expected a whole number from {low}"
            f"{'' if high is None else f' to {high}'}."
        )
    return number
