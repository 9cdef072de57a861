"""Workers of Dask as jobs of SLURM, which are replaced when they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import logging
import math
import os
from pathlib import Path
import re
import signal
import subprocess
import time

from dipy_tractogen.utils.messages import format_count, listed

from ..runtime.interrupts import INTERRUPTS
from ..runtime.logs import one_line

logger = logging.getLogger("dipy_tractogen")

_SECTION = "jobqueue.slurm"
_FILE = "~/.config/dask/jobqueue.yaml"
_SECONDS_BETWEEN = 10.0
_SECONDS_TO_ANSWER = 60
_SECONDS_TO_LEAVE = 10.0
# Jobs in a row that end before their workers come, after which others will as well.
_MOST_IN_VAIN = 3
_OVER = ("COMPLETING", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL")
_OVER = (*_OVER, "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "PREEMPTED")
_BYTES_OF_LOG = 4096


def open_cluster():
    """Return a cluster of dask-jobqueue with a scheduler, and no jobs yet.

    Raises ImportError where dask-jobqueue is missing, OSError where the configuration
    of Dask is not complete, or no scheduler starts.
    """
    import dask

    with _kept_interrupt():
        from dask_jobqueue import SLURMCluster
    # Any free port for what Dask serves of itself, and only to this machine.
    options = {"dashboard_address": "127.0.0.1:0"}
    options |= dask.config.get(f"{_SECTION}.scheduler-options", {})
    try:
        return SLURMCluster(scheduler_options=options)
    except Exception as error:
        # Dask raises errors of any kind for what its configuration says.
        raise OSError(
            f"--slurm: {one_line(error)}; {_SECTION} in {_FILE} has to have what a job "
            "needs, as cores and memory"
        ) from error


@contextmanager
def _kept_interrupt() -> Iterator[None]:
    """Keep what Ctrl-C does, which dask-jobqueue has end Python with exit code 0."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class _Job:
    """A job that SLURM was asked for; `has_begun` once its worker has come."""

    name: str
    has_begun: bool = False


class SlurmJobs:
    """Jobs of SLURM, each with some workers of a scheduler.

    Not those of ``SLURMCluster``, which waits forever where a job is refused or ends
    before its worker has come, and replaces none that has several workers.

    Parameters
    ----------
    cluster : dask_jobqueue.SLURMCluster
        Has the scheduler, and no jobs.
    nb_workers : int
        Workers that are wanted.
    """

    def __init__(self, cluster, nb_workers: int):
        import dask

        self._cluster, self._nb_workers = cluster, nb_workers
        # A worker has one thread, unless the configuration says something else.
        names = (f"{_SECTION}.processes", f"{_SECTION}.cores")
        self._processes = next(filter(None, map(dask.config.get, names)))
        self._jobs: dict[str, _Job] = {}
        self._number, self._nb_in_vain = 0, 0
        self._looked, self._said = -math.inf, ""

    def tend(self, nb_tasks: int) -> None:
        """Look after the jobs, from time to time, and ask for those that are missing.

        Parameters
        ----------
        nb_tasks : int
            Tasks that are left; no more workers are needed.

        Raises
        ------
        OSError
            If SLURM takes no job at the beginning, or jobs end before their workers
            have come.
        """
        if time.monotonic() - self._looked < _SECONDS_BETWEEN:
            return
        is_first = self._looked < 0
        try:
            waits = self._look() if self._jobs else ""
            wanted = math.ceil(min(self._nb_workers, nb_tasks) / self._processes)
            nb_missing = wanted - len(self._jobs)
            # Where others begin, one may be enough to see whether it goes on so.
            self._submit(min(nb_missing, 1) if self._nb_in_vain else nb_missing)
            self._say(waits)
        except SlurmError as error:
            if is_first and not self._jobs:
                raise OSError(f"--slurm: {error}") from error
            self._say(f"SLURM, at the moment: {error}")
        self._looked = time.monotonic()

    def close(self) -> None:
        """Take the jobs from the queue, and wait a moment until they have left it."""
        if not self._jobs:
            return
        try:
            _ask("scancel", *self._jobs)
            until = time.monotonic() + _SECONDS_TO_LEAVE
            while not self._jobs.keys().isdisjoint(_states()):
                if time.monotonic() > until:
                    break
                time.sleep(0.5)
        except SlurmError as error:
            jobs = " ".join(self._jobs)
            logger.warning("Jobs may be in the queue (%s): scancel %s", error, jobs)

    def _look(self) -> str:
        """Forget jobs that have ended; return why none runs, if so."""
        states = _states()
        come = {str(one.name) for one in list(self._cluster.scheduler.workers.values())}
        for job in self._jobs.values():
            # Those of a job with several workers have a number more.
            job.has_begun |= not come.isdisjoint({job.name, f"{job.name}-0"})
        ended = [one for one in self._jobs if states.get(one, _OVER)[0] in _OVER]
        in_vain = [one for one in ended if not self._jobs[one].has_begun]
        has_begun = len(in_vain) < len(ended)
        for one in ended:
            del self._jobs[one]
        runs = any(states[one][0] != "PENDING" for one in self._jobs)
        if has_begun or any(job.has_begun for job in self._jobs.values()):
            self._nb_in_vain = 0
        self._nb_in_vain += len(in_vain)
        if self._nb_in_vain >= _MOST_IN_VAIN and not (runs or has_begun):
            raise OSError(
                f"--slurm: {format_count(self._nb_in_vain, 'job')} ended before a "
                f"worker began, the last, {in_vain[-1]}: {_end_of(in_vain[-1])}"
            )
        for one in ended:
            logger.info("Job %s of SLURM has ended: %s", one, _end_of(one))
        return "" if runs else self._why_none_runs(states)

    def _why_none_runs(self, states: dict[str, tuple[str, str]]) -> str:
        """Return why jobs wait, as SLURM has it."""
        if not self._jobs:
            return ""
        reasons = Counter(states[one][1] for one in self._jobs)
        texts = listed(f"{number} {reason}" for reason, number in reasons.items())
        return f"No job of SLURM runs, they are pending: {texts}"

    def _submit(self, number: int) -> None:
        """Ask SLURM for so many jobs more."""
        new = []
        try:
            for _ in range(number):
                name = f"{self._cluster.name}-{self._number}"
                self._number += 1
                script = self._script(name)
                # Nobody would know of a job whose number is not read any more.
                with INTERRUPTS.held():
                    said = _ask("sbatch", "--parsable", given=script)
                    # Behind a semicolon is the name of the cluster.
                    new.append(said.strip().split(";")[0])
                    self._jobs[new[-1]] = _Job(name)
        finally:
            if new:
                what = "a job" if len(new) == 1 else format_count(len(new), "job")
                logger.info("Asked SLURM for %s: %s", what, listed(new))

    def _script(self, name: str) -> str:
        scheduler = self._cluster.scheduler
        address = getattr(scheduler, "contact_address", None) or scheduler.address
        given = {"name": name, "processes": self._processes}
        return self._cluster.job_cls(address, **given).job_script()

    def _say(self, text: str) -> None:
        """Warn once of what goes on."""
        if text and text != self._said:
            logger.warning("%s", text)
        self._said = text


class SlurmError(Exception):
    """A command of SLURM did not do what it was asked for."""


def _ask(*words: str, given: str | None = None) -> str:
    """Run a command of SLURM; return what it says."""
    options = {"capture_output": True, "text": True, "errors": "replace"}
    # Ctrl-C in a terminal is not for them.
    options |= {"timeout": _SECONDS_TO_ANSWER, "start_new_session": True}
    try:
        done = subprocess.run(words, input=given, check=False, **options)
    except FileNotFoundError as error:
        raise SlurmError(
            f"there is no {words[0]} on this machine: start the command on one from "
            "which jobs are submitted"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(one_line(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{words[0]} failed"]
        raise SlurmError(lines[0])
    return done.stdout


def _states() -> dict[str, tuple[str, str]]:
    """Return state and reason of the jobs of this user, by their numbers."""
    said = _ask("squeue", "--noheader", f"--user={os.getuid()}", "--format=%i|%T|%r")
    found = {}
    for line in said.splitlines():
        number, state, reason = (*line.split("|", 2), "", "")[:3]
        found[number.strip()] = state, reason.strip()
    return found


def _end_of(number: str) -> str:
    """Return how a job has ended, with the last line of its log where it failed."""
    try:
        said = _ask("scontrol", "--oneliner", "show", "job", number)
    except SlurmError:
        # SLURM forgets jobs after some minutes.
        return "SLURM does not know it any more"
    state = re.search(r"\bJobState=(\S+)", said)
    log = re.search(r"\bStdErr=(\S+)", said)
    text = state[1] if state else "of no known state"
    if log and re.search(r"\bExitCode=[1-9]", said):
        path = Path(re.sub("%[jJ]", number, log[1]))
        text = f"{text}, {path}: {_last_line(path)}"
    return text


def _last_line(path: Path) -> str:
    """Return the last line of a log, which may be of any size."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _BYTES_OF_LOG))
            lines = stream.read().decode(errors="replace").strip().splitlines()
    except OSError as error:
        return one_line(error)
    return one_line(ValueError(lines[-1])) if lines else "nothing"
