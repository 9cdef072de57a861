"""Workers of Dask as jobs of SLURM, which are replaced when they end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
import logging
import math
import secrets
import shlex
import time

from dipy_tractogen.utils.messages import format_count, listed

from ..runtime.interrupts import INTERRUPTS
from .distribute import WorkersLost
from .slurm_cluster import workers_of_a_job
from .slurm_queue import (
    ENDED,
    PENDING,
    RUNNING,
    JobId,
    JobState,
    SlurmError,
    SlurmTimeout,
    cancel,
    commands_to_cancel,
    end_of,
    states,
    submit,
)

logger = logging.getLogger("dipy_tractogen")

_SECONDS_BETWEEN = 10.0
_SECONDS_TO_LEAVE = 10.0
# In which the workers of a job that runs should come.
_SECONDS_TO_COME = 60.0
# What was said, and is so all the time, is not said again.
_SECONDS_SILENT = 600.0
# Jobs in a row that end before their workers come, after which others will as well.
_MOST_FAILED_TO_START = 3


@dataclass
class _Job:
    """A job that SLURM was asked for.

    Attributes
    ----------
    name : str
        That of its worker; several have a number more.
    state, reason : str
        As squeue has it.
    running_since : float
        When it was first seen to run.
    has_begun : bool
        Whether a worker of it has come.
    is_given_back : bool
        Whether it was cancelled, unless it has begun to run.
    """

    name: str
    state: str = PENDING
    reason: str = ""
    running_since: float = math.inf
    has_begun: bool = False
    is_given_back: bool = False


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
        self._cluster, self._nb_workers = cluster, nb_workers
        self._processes = workers_of_a_job()
        self._jobs: dict[JobId, _Job] = {}
        # Names of jobs that may be in the queue, with those of their workers.
        self._unanswered: dict[str, str] = {}
        self._token, self._number = secrets.token_hex(4), 0
        self._nb_failed_to_start = 0
        self._looked, self._said = -math.inf, {}

    def update(self, nb_tasks: int) -> None:
        """Look at the jobs, from time to time, and ask for those that are missing.

        Parameters
        ----------
        nb_tasks : int
            Tasks that are left; no more workers are needed.

        Raises
        ------
        OSError
            If SLURM takes no job at the beginning.
        WorkersLost
            If jobs end before their workers have come.
        """
        if time.monotonic() - self._looked < _SECONDS_BETWEEN:
            return
        is_first = self._looked < 0
        try:
            if self._jobs or self._unanswered:
                self._look()
            wanted = math.ceil(min(self._nb_workers, nb_tasks) / self._processes)
            nb_missing = wanted - len(self._jobs)
            # Where others begin, one may be enough to see whether it goes on so.
            self._submit(min(nb_missing, 1) if self._nb_failed_to_start else nb_missing)
            self._give_back(-nb_missing)
        except SlurmError as error:
            if is_first and not self._jobs:
                raise OSError(f"--slurm: {error}") from error
            self._warn(f"SLURM, at the moment: {error}", str(error))
        self._looked = time.monotonic()

    def close(self) -> None:
        """Take the jobs from the queue, and wait a moment until they have left it."""
        if not (self._jobs or self._unanswered):
            return
        try:
            cancel(self._jobs)
            if self._unanswered:
                cancel(self._adopt(self._states()))
            until = time.monotonic() + _SECONDS_TO_LEAVE
            while not self._jobs.keys().isdisjoint(self._states()):
                if time.monotonic() > until:
                    break
                time.sleep(0.5)
        except SlurmError as error:
            commands = commands_to_cancel(self._jobs)
            commands += [["scancel", f"--name={one}"] for one in self._unanswered]
            what = listed(map(shlex.join, commands), "; ")
            logger.warning("Jobs may be in the queue (%s): %s", error, what)

    def _states(self) -> dict[JobId, JobState]:
        """Return the states of the jobs of this user, where there may be ours."""
        return states({one.cluster for one in self._jobs} or {""})

    def _adopt(self, found: dict[JobId, JobState]) -> list[JobId]:
        """Return jobs in the queue that sbatch gave no number of, now ours."""
        new = [one for one, said in found.items() if said.name in self._unanswered]
        for one in new:
            self._jobs[one] = _Job(self._unanswered.pop(found[one].name))
        return new

    def _look(self) -> None:
        """Forget jobs that have ended, and warn if there are no workers."""
        found = self._states()
        self._adopt(found)
        worker_names = self._cluster.sync(self._worker_names)
        ended = {
            one: self._jobs.pop(one)
            for one in list(self._jobs)
            if one not in found or found[one].state in ENDED
        }
        for one, job in self._jobs.items():
            job.state, job.reason, _ = found[one]
            job.is_given_back &= job.state == PENDING
            since = min(job.running_since, time.monotonic())
            job.running_since = since if job.state == RUNNING else math.inf
        for job in (*self._jobs.values(), *ended.values()):
            several = {f"{job.name}-{each}" for each in range(self._processes)}
            job.has_begun |= not worker_names.isdisjoint({job.name, *several})
        self._count_failed(ended)
        for one in ended:
            logger.info("Job %s of SLURM has ended: %s", one, end_of(one))
        self._warn_of_no_worker()

    async def _worker_names(self) -> set[str]:
        """Return the names of the workers there are, in the thread of the scheduler."""
        return {str(one.name) for one in self._cluster.scheduler.workers.values()}

    def _count_failed(self, ended: dict[JobId, _Job]) -> None:
        """Count jobs that ended before their workers came; raise after several."""
        failed = [
            one
            for one, job in ended.items()
            if not (job.has_begun or job.is_given_back)
        ]
        has_begun = any(job.has_begun for job in ended.values())
        if has_begun or any(job.has_begun for job in self._jobs.values()):
            self._nb_failed_to_start = 0
        self._nb_failed_to_start += len(failed)
        runs = any(job.state != PENDING for job in self._jobs.values())
        too_many = self._nb_failed_to_start >= _MOST_FAILED_TO_START
        if failed and too_many and not (runs or has_begun):
            number = format_count(self._nb_failed_to_start, "job")
            raise WorkersLost(
                f"{number} ended before a worker began, the last, {failed[-1]}: "
                f"{end_of(failed[-1])}"
            )

    def _warn_of_no_worker(self) -> None:
        """Warn of jobs that wait, and why, or whose workers do not come."""
        jobs = self._jobs.values()
        waiting = [job for job in jobs if job.state == PENDING]
        if waiting and len(waiting) == len(jobs):
            reasons = Counter(job.reason for job in waiting)
            texts = listed(f"{number} {reason}" for reason, number in reasons.items())
            text = f"No job of SLURM runs, they are pending: {texts}"
            self._warn(text, *reasons)
        late = time.monotonic() - _SECONDS_TO_COME
        number = sum(job.running_since <= late and not job.has_begun for job in jobs)
        if number:
            text = format_count(number, "job")
            verb = "runs" if number == 1 else "run"
            self._warn(
                f"{text} of SLURM {verb}, but no worker has come yet: see the logs, "
                "and whether the nodes reach this machine",
                "no worker",
            )

    def _submit(self, number: int) -> None:
        """Ask SLURM for so many jobs more."""
        job_name, new = self._cluster.job_name or "dask-worker", []
        try:
            for _ in range(number):
                name = f"{self._cluster.name}-{self._number}"
                own_name = f"{job_name}-{self._token}-{self._number}"
                self._number += 1
                script = self._script(name)
                # An interrupt here would leave a job that is never cancelled.
                with INTERRUPTS.held():
                    try:
                        new.append(submit(script, own_name))
                    except SlurmTimeout:
                        self._unanswered[own_name] = name
                        raise
                    self._jobs[new[-1]] = _Job(name)
        finally:
            if new:
                what = "a job" if len(new) == 1 else format_count(len(new), "job")
                logger.info("Asked SLURM for %s: %s", what, listed(new))

    def _give_back(self, number: int) -> None:
        """Cancel so many of the jobs that are pending, the last ones first."""
        number -= sum(job.is_given_back for job in self._jobs.values())
        waiting = [
            one
            for one, job in reversed(self._jobs.items())
            if job.state == PENDING and not job.is_given_back
        ]
        chosen = waiting[: max(0, number)]
        # One may have begun to run since, and has to be known then.
        cancel(chosen, f"--state={PENDING}")
        for one in chosen:
            self._jobs[one].is_given_back = True
        if chosen:
            logger.info("Cancelled jobs that are not needed: %s", listed(chosen))

    def _script(self, name: str) -> str:
        scheduler = self._cluster.scheduler
        address = getattr(scheduler, "contact_address", None) or scheduler.address
        given = {"name": name, "processes": self._processes}
        return self._cluster.job_cls(address, **given).job_script()

    def _warn(self, text: str, *reasons: str) -> None:
        """Warn, unless these reasons were there within the last minutes."""
        now = time.monotonic()
        is_new = any(
            now - self._said.get(one, -math.inf) > _SECONDS_SILENT for one in reasons
        )
        self._said |= dict.fromkeys(reasons, now)
        if is_new:
            logger.warning("%s", text)
