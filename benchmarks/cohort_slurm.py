"""A command on a cohort with ``--slurm`` on a real SLURM, whose jobs are lost.

    python benchmarks/cohort_slurm.py
    python benchmarks/cohort_slurm.py --only job_cancelled controller_restarted

Needs Linux and the rights of root. SLURM is started in a temporary folder, with a
controller and two nodes on this machine; one line says what to install. Subjects are
files that are copied (`cohort_copies`). After each fault the same command is run
without SLURM until it ends well; then outputs and table are looked at as in
`cohort_faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
import json
import os
from pathlib import Path
import shutil
import signal
import sys
import tempfile
import time

from cohort_hosts import (
    HERE,
    NB_SUBJECTS,
    PYTHON,
    Bench,
    check_programs,
    end,
    run_all,
)
from slurm import PACKAGES, PROGRAMS, Slurm

RESULTS = Path(__file__).parent / "results" / "cohort_slurm.json"
_OPTIONS = ("--slurm", "--nb_workers", 2)
_MOST_SECONDS = 600
# As where the controller is slow: the job is in the queue.
_NO_NUMBER = """#!/bin/sh
said=$({real} "$@") || exit 1
echo x >> {folder}/times
[ $(wc -l < {folder}/times) != 2 ] || {{ echo 'Socket timed out' >&2; exit 1; }}
echo $said
"""


class SlurmBench(Bench):
    """Inputs, outputs and processes of a fault, with a SLURM."""

    def __init__(self, folder: Path, stack: ExitStack):
        super().__init__(folder, stack, seconds=1.5)
        self.slurm = Slurm(folder / "slurm", stack)
        (folder / "dask").mkdir()
        self.environment |= self.slurm.environment
        self.environment |= {"DASK_CONFIG": str(folder / "dask")}
        self.configure()

    def configure(self, **changes) -> None:
        """Write the configuration of dask-jobqueue; JSON is YAML as well."""
        logs = str(self.log.parent / "logs")
        said = {"cores": 1, "memory": "1 GiB", "walltime": "00:10:00"}
        said |= {"interface": "lo", "log-directory": logs, **changes}
        path = self.log.parent / "dask" / "jobqueue.yaml"
        path.write_text(json.dumps({"jobqueue": {"slurm": said}}))

    def command(self, *options, before: tuple = ()):
        """Start the command on this machine."""
        words = [HERE / "cohort_copies.py", self.raw, self.out]
        words += ["--seconds", self.seconds, *options]
        return self.start(*words, host="", before=before)

    def ended(self, process, **given) -> dict:
        """Return how a command ended, and what its jobs did."""
        found = super().ended(process, **given)
        numbers = self.slurm.ask("scontrol", "--oneliner", "show", "jobs", check=False)
        in_queue = len(self.slurm.jobs())
        self.wait_for_queue(0)
        nb_jobs = numbers.count("JobId=")
        return {**found, "jobs": nb_jobs, "in_queue_at_end": in_queue}

    def wait_for_queue(self, number: int, state: str = "all") -> None:
        """Wait until so many jobs are in the queue."""
        until = time.monotonic() + _MOST_SECONDS
        while len(self.slurm.jobs(state)) != number:
            if time.monotonic() > until:
                raise TimeoutError(f"jobs: {self.slurm.jobs()}")
            time.sleep(0.5)

    def wait_for_line(self, text: str) -> None:
        """Wait until the command says something."""
        until = time.monotonic() + _MOST_SECONDS
        while text not in self.log.read_text():
            if time.monotonic() > until:
                raise TimeoutError(self.log.read_text()[-9999:])
            time.sleep(0.5)


def no_fault(bench: SlurmBench) -> dict:
    """Let all go well."""
    return bench.ended(bench.command(*_OPTIONS))


def job_cancelled(bench: SlurmBench) -> dict:
    """Cancel a job in mid-task."""
    command = bench.command(*_OPTIONS)
    bench.wait_for(3, "begun")
    bench.slurm.ask("scancel", bench.slurm.jobs()[0])
    return bench.ended(command)


def large_job_cancelled(bench: SlurmBench) -> dict:
    """Cancel a job of two workers."""
    bench.configure(cores=2)
    command = bench.command("--slurm", "--nb_workers", 4)
    bench.wait_for(4, "begun")
    bench.slurm.ask("scancel", bench.slurm.jobs()[0])
    return bench.ended(command)


def job_requeued(bench: SlurmBench) -> dict:
    """Put a job back into the queue, as for one that is more urgent."""
    command = bench.command(*_OPTIONS)
    bench.wait_for(3, "begun")
    bench.slurm.ask("scontrol", "requeue", bench.slurm.jobs()[0])
    return bench.ended(command)


def node_down(bench: SlurmBench) -> dict:
    """Take down the node of the jobs."""
    command = bench.command(*_OPTIONS)
    bench.wait_for(3, "begun")
    where = "NodeName=node1"
    bench.slurm.ask("scontrol", "update", where, "State=DOWN", "Reason=test")
    return bench.ended(command)


def time_limit(bench: SlurmBench) -> dict:
    """Give jobs a minute, and subjects a quarter of it."""
    bench.configure(walltime="00:01:00")
    bench.seconds = 15
    return bench.ended(bench.command(*_OPTIONS))


def pending_cancelled(bench: SlurmBench) -> dict:
    """Cancel a job that waits for nodes which take none at the moment."""
    nodes = "NodeName=node[1-2]"
    bench.slurm.ask("scontrol", "update", nodes, "State=DRAIN", "Reason=test")
    command = bench.command(*_OPTIONS)
    bench.wait_for_line("they are pending")
    bench.slurm.ask("scancel", bench.slurm.jobs()[0])
    bench.wait_for_line("CANCELLED")
    bench.slurm.ask("scontrol", "update", nodes, "State=RESUME")
    return bench.ended(command)


def fewer_subjects_than_workers(bench: SlurmBench) -> dict:
    """Have jobs that wait for nodes until no subjects are left for them."""
    bench.configure(cores=4, processes=1)
    bench.seconds = 8
    found = bench.ended(bench.command("--slurm", "--nb_workers", 4))
    # Those that are left at the end are cancelled without a word.
    lines = bench.log.read_text().splitlines()
    said = next((one for one in lines if "that are not needed: " in one), "")
    return {**found, "nb_given_back": len(said.rpartition(": ")[2].split())}


def no_number(bench: SlurmBench) -> dict:
    """Have the second job asked for by an sbatch that says no number of it."""
    programs = bench.log.parent / "bin"
    programs.mkdir()
    path = programs / "sbatch"
    path.write_text(_NO_NUMBER.format(real=shutil.which("sbatch"), folder=programs))
    path.chmod(0o700)
    bench.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    return bench.ended(bench.command(*_OPTIONS))


def controller_restarted(bench: SlurmBench, seconds: float = 40) -> dict:
    """End the controller in mid-task, and start it again."""
    bench.seconds = 9
    command = bench.command(*_OPTIONS)
    bench.wait_for(3, "begun")
    bench.slurm.stop_controller()
    time.sleep(seconds)
    bench.slurm.start_controller()
    return bench.ended(command)


def command_ended(bench: SlurmBench, number: int) -> dict:
    """End the command by a signal in mid-task."""
    command = bench.command(*_OPTIONS)
    bench.wait_for(3, "begun")
    command.send_signal(number)
    began = time.monotonic()
    found = bench.ended(command, killed=number == signal.SIGKILL)
    return {**found, "seconds_to_empty_queue": round(time.monotonic() - began, 1)}


def command_in_a_job(bench: SlurmBench) -> dict:
    """Run the command in a job, and cancel this in mid-task."""
    _submit(bench, " ".join(map(str, _OPTIONS)))
    bench.wait_for(3, "begun")
    bench.slurm.ask("scancel", "--full", bench.slurm.jobs()[0])
    began = time.monotonic()
    bench.wait_for_queue(0)
    seconds = round(time.monotonic() - began, 1)
    return {"seconds_to_empty_queue": seconds, "table_is_true": bench.is_true()}


def array(bench: SlurmBench) -> dict:
    """Give each subject a job of an array, without Dask, and cancel one."""
    subject = "sub-$(printf %02d $SLURM_ARRAY_TASK_ID)"
    options = f"--participant_label {subject} --out_table logs/{subject}.tsv"
    number = _submit(bench, options, f"--array=1-{NB_SUBJECTS}")
    bench.wait_for(3, "begun")
    bench.slurm.ask("scancel", f"{number}_{_at_work(bench)}")
    bench.wait_for_queue(0)
    subjects = [path.name for path in bench.raw.glob("sub-*")]
    return {"whole": sum(map(bench.is_whole, subjects))}


def _at_work(bench: SlurmBench) -> int:
    """Return the number of a subject that is begun and not made."""
    while True:
        notes = bench.notes()
        for number in range(1, NB_SUBJECTS + 1):
            name = f"sub-{number:02d}"
            if notes[f"{name} begun"] > notes[f"{name} made"]:
                return number
        time.sleep(0.05)


def _submit(bench: SlurmBench, options: str, *more: str) -> str:
    """Have a job with the command; return its number."""
    words = [*PYTHON, HERE / "cohort_copies.py", bench.raw, bench.out]
    line = " ".join(map(str, [*words, "--seconds", bench.seconds, options]))
    paths = f"PYTHONPATH={HERE.parent}:{HERE}"
    dask = f"DASK_CONFIG={bench.environment['DASK_CONFIG']}"
    line = f"exec env {paths} {dask} OMP_NUM_THREADS=1 {line}"
    given = ("--parsable", "--mem=1G", f"--output={bench.log}", *more)
    return bench.slurm.ask("sbatch", *given, f"--wrap={line}")


def partition_unknown(bench: SlurmBench) -> dict:
    """Ask for a partition that does not exist."""
    bench.configure(queue="nowhere")
    return bench.ended(bench.command(*_OPTIONS))


def partition_closed(bench: SlurmBench) -> dict:
    """Ask for a partition that starts no job, and interrupt the command."""
    bench.configure(queue="closed")
    command = bench.command(*_OPTIONS)
    bench.wait_for_line("they are pending")
    command.send_signal(signal.SIGINT)
    lines = bench.log.read_text().splitlines()
    warned = [one for one in lines if one.startswith("WARNING: ")]
    return {**bench.ended(command), "warned": warned[0]}


def prologue_broken(bench: SlurmBench) -> dict:
    """Have jobs that end before their workers begin."""
    bench.configure(**{"job-script-prologue": ["source /nowhere/activate || exit 1"]})
    return bench.ended(bench.command(*_OPTIONS))


def no_sbatch(bench: SlurmBench) -> dict:
    """Have no commands of SLURM."""
    bench.environment["PATH"] = "/nowhere"
    found = bench.ended(bench.command(*_OPTIONS))
    del bench.environment["PATH"]
    return found


def no_controller(bench: SlurmBench) -> dict:
    """Have no controller at the beginning."""
    bench.slurm.stop_controller()
    command = bench.command(*_OPTIONS)
    command.wait(_MOST_SECONDS)
    bench.slurm.start_controller()
    return bench.ended(command)


_FAULTS = (no_fault, job_cancelled, large_job_cancelled, job_requeued, node_down)
_FAULTS = (*_FAULTS, time_limit, pending_cancelled, controller_restarted)
_FAULTS = (*_FAULTS, fewer_subjects_than_workers, no_number)
FAULTS: dict[str, Callable[[SlurmBench], dict]] = {
    **{one.__name__: one for one in _FAULTS},
    **{
        f"command_{sent.name}": partial(command_ended, number=sent)
        for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    },
    **{one.__name__: one for one in (command_in_a_job, array)},
}
ERRORS = (partition_unknown, partition_closed, prologue_broken, no_sbatch)
FAULTS |= {one.__name__: one for one in (*ERRORS, no_controller)}


def run(name: str) -> dict:
    """Cause a fault, run the command again until it ends well, and look."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = SlurmBench(folder, stack)
        try:
            found = {"fault": FAULTS[name](bench)}
        except TimeoutError:
            print(bench.log.read_text()[-9999:], file=sys.stderr)
            raise
        again = bench.command()
        stack.callback(end, again)
        return {**found, **bench.result(again.wait(900))}


def main() -> None:
    """Cause faults, and write what each has left."""
    check_programs(PROGRAMS, PACKAGES)
    run_all(__doc__.splitlines()[0], FAULTS, run, RESULTS)


if __name__ == "__main__":
    main()
