"""Measure what a command on a cohort costs beside the work, by the number of subjects.

    python benchmarks/cohort_size.py
    python benchmarks/cohort_size.py --subjects 2000

A tree of empty tractograms is made, with outputs and records as a run of
dipy_process_cohort has them. Then it is measured, in seconds of the processor: to list
the subjects, to find that all are done, to write the table. And of Dask: memory of the
scheduler and of the client with a task a subject, all at once and as `Distributor` asks
for them, and seconds a task.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

import psutil

from dipy_tractogen.streamlines.bids.tree import find_sessions, find_tractograms
from dipy_tractogen.utils.versions import versions_to_use
from dipy_tractogen.workflows.cohorts.distribute import Distributor
from dipy_tractogen.workflows.cohorts.process import ProcessTask
from dipy_tractogen.workflows.cohorts.records import Record, describe_inputs
from dipy_tractogen.workflows.cohorts.run import open_run
from dipy_tractogen.workflows.cohorts.steps import Steps
from dipy_tractogen.workflows.cohorts.subjects import find_subject_files
from dipy_tractogen.workflows.cohorts.table import OutcomeTable
from dipy_tractogen.workflows.cohorts.task import Task

RESULTS = Path(__file__).parent / "results" / "cohort_size.json"
OUTPUTS = ("labelled_tractogram.trx", "labelled_tractogram.json")
OUTPUTS = (*OUTPUTS, "labelled_counts.tsv", "labelled_metrics.json")
OUTPUTS = (*OUTPUTS, "plausible_tractogram.trx", "plausible_tractogram.json")
OUTPUTS = (*OUTPUTS, "plausible_metrics.json", "encoded_latents.npz")


class Watch:
    """Seconds of the processor and of the clock since it was made."""

    def __init__(self):
        self._began = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        """Return both."""
        now = time.process_time(), time.perf_counter()
        passed = (round(end - begin, 2) for begin, end in zip(self._began, now))
        return dict(zip(("cpu_s", "wall_s"), passed))


def make_tree(folder: Path, number: int) -> None:
    """Make inputs of subjects, and outputs as if they were done."""
    for each in range(number):
        name = f"sub-{each:06d}"
        for root, ends in (("raw", ("_tractogram.trx",)), ("out", OUTPUTS)):
            place = folder / root / name / "dwi"
            place.mkdir(parents=True)
            for end in ends:
                joint = "_desc-" if root == "out" else ""
                (place / f"{name}{joint}{end}").touch()
    (folder / "out" / "logs").mkdir()


def tasks_of(folder: Path) -> list[ProcessTask]:
    """Return the tasks of a tree, as the command makes them."""
    root, out = folder / "raw", folder / "out"
    steps = Steps(("encode", "reconstruct"), folder / "model.keras")
    asked = {
        **{"steps": list(steps.names), "model": 64 * "0", "pattern": "*"},
        **{"options": {"label": {}, "filter": {}}, "versions": versions_to_use()},
    }
    tasks = []
    for session, known in find_subject_files(
        find_sessions(root), root, None, {}
    ).items():
        files = tuple(find_tractograms(root, session))
        given = session, root, files, out, asked, steps, files, known
        tasks.append(ProcessTask(*given))
    return tasks


def write_records(tasks: list[ProcessTask]) -> None:
    """Write records as of runs that ended."""
    for task in tasks:
        name = task.part.name
        said = {
            "state": "done",
            "inputs": describe_inputs(task.inputs, task.root),
            "asked": task.asked,
            "outputs": {f"{name}/dwi/{name}_desc-{end}": 0 for end in OUTPUTS},
            "seconds": 1.0,
            "messages": [],
        }
        path = Record(task.out_dir, name).path
        path.write_text(json.dumps(said, indent=2), encoding="utf-8")


def measure_second_run(folder: Path, number: int) -> dict:
    """Measure what a second run does, that finds all done."""
    make_tree(folder, number)
    watch = Watch()
    tasks = tasks_of(folder)
    found = {"list": watch.read()}
    write_records(tasks)
    watch = Watch()
    table = OutcomeTable(folder / "out" / "logs" / "cohort.tsv", tasks, anew=False)
    found["find_all_done"] = watch.read()
    if table.left:
        raise SystemExit(f"{len(table.left)} subjects are not found")
    watch = Watch()
    table.write()
    found["write_table"] = watch.read()
    watch = Watch()
    with open_run(folder / "out"):
        pass
    found["clean"] = watch.read()
    records = list((folder / "out" / "logs").glob("sub-*.json"))
    found["table_bytes"] = table.path.stat().st_size
    found["record_bytes"] = records[0].stat().st_size
    return found


def begin(task: Task) -> str:
    """Do nothing with a task."""
    return task.part.name


def mb(pid: int) -> float:
    """Return the memory of a process."""
    return round(psutil.Process(pid).memory_info().rss / 1e6, 1)


def measure_scheduler(folder: Path, nb_run: int) -> dict:
    """Measure memory and time of Dask."""
    from distributed import Client

    tasks = tasks_of(folder)
    file = folder / "scheduler.json"
    words = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    words += ["--port", "0", "--scheduler-file", str(file)]
    scheduler = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        while not file.exists():
            time.sleep(0.1)
        with Client(scheduler_file=str(file)) as client:
            # What is imported for the first task is not counted.
            first = client.submit(begin, tasks[0], pure=False)
            _wait_for(client, 1)
            empty, before, watch = mb(scheduler.pid), mb(os.getpid()), Watch()
            futures = client.map(begin, tasks, pure=False)
            _wait_for(client, 1 + len(tasks))
            found = {
                "empty_mb": empty,
                "all_at_once": {
                    "more_mb": round(mb(scheduler.pid) - empty, 1),
                    "more_client_mb": round(mb(os.getpid()) - before, 1),
                    "submit": watch.read(),
                },
            }
            first.release()
            client.cancel(futures)
            del futures
        found["window"] = _measure_window(folder, tasks[:nb_run])
    finally:
        scheduler.terminate()
        scheduler.wait()
    return found


def _wait_for(client, number: int) -> None:
    """Wait until the scheduler has so many tasks."""
    while client.run_on_scheduler(_nb_tasks) < number:
        time.sleep(0.5)


def _nb_tasks(dask_scheduler=None) -> int:
    return len(dask_scheduler.tasks)


def _measure_window(folder: Path, tasks: list[ProcessTask]) -> dict:
    """Find tasks done by one worker of a new scheduler, some at a time."""
    from distributed import Client, LocalCluster

    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with (
        LocalCluster(**options) as cluster,
        Client(cluster) as client,
        open_run(folder / "out") as mark,
    ):
        before, watch, most = mb(os.getpid()), Watch(), 0
        distribute = Distributor(client, mark)
        for _ in distribute(tasks):
            most = max(most, len(cluster.scheduler.tasks))
        return {
            "subjects": len(tasks),
            "most_tasks": most,
            # The scheduler is in this process.
            "more_mb": round(mb(os.getpid()) - before, 1),
            "run": watch.read(),
        }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=50_000)
    parser.add_argument("--run", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = {
            "subjects": given.subjects,
            "load": round(os.getloadavg()[0], 1),
            "second_run": measure_second_run(Path(name), given.subjects),
            "scheduler": measure_scheduler(Path(name), given.run),
        }
    text = json.dumps(result, indent=1)
    print(text)
    given.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
