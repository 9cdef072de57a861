"""Commands of SLURM, and what they say of its jobs."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path
import re
import subprocess
from typing import NamedTuple

from ..runtime.logs import one_line

PENDING, RUNNING = "PENDING", "RUNNING"
ENDED = frozenset(
    {
        *("COMPLETING", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "PREEMPTED"),
    }
)
_SECONDS_TO_ANSWER = 60
_BYTES_OF_LOG = 4096


class SlurmError(Exception):
    """A command of SLURM did not do what it was asked for."""


class SlurmTimeout(SlurmError):
    """A command of SLURM had no answer, and may have done what it was asked for."""


class JobId(NamedTuple):
    """The number of a job, and its cluster if that is not the one of this machine."""

    number: str
    cluster: str = ""

    def __str__(self) -> str:
        return self.number


class JobState(NamedTuple):
    """State of a job, why it is pending, and its name."""

    state: str
    reason: str
    name: str


def submit(script: str, name: str) -> JobId:
    """Ask for a job of this name.

    Raises SlurmTimeout if it may be in the queue, SlurmError if it is not.
    """
    said = _ask("sbatch", "--parsable", f"--job-name={name}", given=script)
    # After a semicolon comes the name of the cluster.
    number, _, cluster = said.strip().partition(";")
    return JobId(number, cluster)


def states(clusters: Iterable[str]) -> dict[JobId, JobState]:
    """Return the states of the jobs of this user."""
    words = ("squeue", "--noheader", f"--user={os.getuid()}", "--format=%i|%T|%r|%j")
    found = {}
    for cluster in sorted(clusters):
        lines = _ask(*words, *_of(cluster)).splitlines()
        for number, *said in (one.strip().split("|", 3) for one in lines if "|" in one):
            found[JobId(number, cluster)] = JobState(*said)
    return found


def cancel(jobs: Iterable[JobId], *options: str) -> None:
    """Cancel jobs; `options` are more ones of scancel."""
    for words in commands_to_cancel(jobs, *options):
        _ask(*words)


def commands_to_cancel(jobs: Iterable[JobId], *options: str) -> list[list[str]]:
    """Return the commands, one for each cluster."""
    numbers: dict[str, list[str]] = {}
    for job in jobs:
        numbers.setdefault(job.cluster, []).append(job.number)
    return [
        ["scancel", *_of(cluster), *options, *those]
        for cluster, those in numbers.items()
    ]


def end_of(job: JobId) -> str:
    """Return how a job has ended, with the last line of its log unless all was well."""
    try:
        said = _ask("scontrol", *_of(job.cluster), "show", "job", job.number)
    except SlurmError:
        # SLURM forgets jobs after some minutes.
        return "SLURM does not know it any more"
    found = re.search(r"\bJobState=(\S+)", said)
    log = re.search(r"^\s*StdErr=(.+)$", said, re.MULTILINE)
    text = found[1] if found else "of no known state"
    # The code, and the signal by which it ended.
    is_well = re.search(r"\bExitCode=0:0\b", said) and text != "OUT_OF_MEMORY"
    if log and not is_well:
        path = Path(re.sub("%[jJ]", job.number, log[1]))
        text = f"{text}, {path}: {_last_line(path)}"
    return text


def _of(cluster: str) -> list[str]:
    return [f"--clusters={cluster}"] if cluster else []


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
    except subprocess.TimeoutExpired as error:
        raise SlurmTimeout(
            f"{words[0]} did not answer in {_SECONDS_TO_ANSWER} s"
        ) from error
    except OSError as error:
        raise SlurmError(one_line(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{words[0]} failed"]
        # So say the commands where they themselves have waited for an answer.
        kind = SlurmTimeout if "timed out" in done.stderr else SlurmError
        raise kind(lines[0])
    return done.stdout


def _last_line(path: Path) -> str:
    """Return the last line of a log, which may be of any size."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _BYTES_OF_LOG))
            lines = stream.read().decode(errors="replace").strip().splitlines()
    except OSError as error:
        return one_line(error)
    return one_line(ValueError(lines[-1])) if lines else "nothing"
