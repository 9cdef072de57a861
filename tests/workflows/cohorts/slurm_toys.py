"""Commands of SLURM, and a cluster of Dask, that are toys."""

import asyncio
import stat
from types import SimpleNamespace

from dipy_tractogen.workflows.cohorts import slurm

# A job is a file of the queue, with its state and reason; it runs if there is "runs".
# What is in "no_answer" is done once the job is in the queue.
TOYS = {
    "sbatch": """
        number=$(($(cat count 2>/dev/null || echo 10) + 1))
        echo $number > count
        echo "${2#--job-name=}" > name_$number
        cat > script_$number
        echo 'PENDING|Resources' > job_$number
        if [ -e runs ]; then
            setsid sh script_$number > log_$number 2>&1 & echo $! > pid_$number
            echo 'RUNNING|None' > job_$number
        fi
        [ ! -e no_answer ] || . ./no_answer
        echo "$number${of:+;toys}" """,
    "squeue": """
        [ "$4" = "$of" ] || exit 0
        for one in job_*; do
            number=${one#job_}
            [ ! -e "$one" ] || echo "$number|$(cat $one)|$(cat name_$number)"
        done""",
    "scancel": """
        [ -z "$of" ] || { [ "$1" = "$of" ] && shift; } || exit 0
        [ "$1" != --state=PENDING ] || { shift; only=PENDING; }
        for number in "$@"; do
            grep -q "^$only" job_$number || continue
            [ ! -e pid_$number ] || kill -9 -- -$(cat pid_$number)
            mv job_$number cancelled_$number
        done""",
    "scontrol": """
        [ -z "$of" ] || { [ "$1" = "$of" ] && shift; } || exit 0
        echo "JobId=$3 JobState=$(cat state_$3) Reason=None"
        echo "   Requeue=1 ExitCode=$(cat code_$3)"
        echo "   StdErr=$PWD/a log %j.err"
        echo "   StdIn=/dev/null" """,
}
_FIRST = """#!/bin/sh
PATH=/usr/bin:/bin
cd {queue} || exit 1
[ ! -e refuses ] || {{ cat refuses >&2; exit 1; }}
[ ! -e of_a_cluster ] || of=--clusters=toys
"""


def new_queue(folder, monkeypatch):
    """Return the folder of a queue, whose commands alone are on the PATH."""
    queue, programs = folder / "queue", folder / "bin"
    queue.mkdir()
    programs.mkdir()
    for name, text in TOYS.items():
        path = programs / name
        path.write_text(_FIRST.format(queue=queue) + text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(slurm, "_SECONDS_BETWEEN", 0.0)
    return queue


class Workers(dict):
    """Workers of a scheduler, which its event loop may change at any time."""

    def values(self):
        asyncio.get_running_loop()
        return super().values()


class Cluster:
    """A cluster whose jobs have scripts with their names alone."""

    name, job_name = "toy", "my job"

    def __init__(self):
        self.scheduler = SimpleNamespace(address="tcp://a:1", workers=Workers())

    def sync(self, function):
        return asyncio.run(function())

    def job_cls(self, address, *, name, processes):
        return SimpleNamespace(job_script=lambda: f"{name} {address} {processes}")

    def begin(self, *names):
        """Have workers of these names alone."""
        workers = {name: SimpleNamespace(name=name) for name in names}
        self.scheduler.workers = Workers(workers)
