"""Tasks go to workers that can do them, as long as there is a scheduler."""

from concurrent.futures import CancelledError
import csv
import os
import platform
import subprocess
import sys

import pytest

from dipy_tractogen.workflows.cohorts import distribute
from dipy_tractogen.workflows.cohorts.distribute import (
    Distributor,
    SchedulerLost,
    WorkersLost,
)
from dipy_tractogen.workflows.cohorts.flow import CohortFlow
from dipy_tractogen.workflows.cohorts.run import WorkerError, check_worker, open_run
from dipy_tractogen.workflows.cohorts.task import Outcome, carry_out

from .toys import toy

SLURM = {"nb_workers": 1, "scheduler": None, "slurm": True}
THERE = {"nb_workers": 1, "scheduler": "tcp://a:1", "slurm": False}


class Future:
    """A future that has ended when it is asked for."""

    def __init__(self, found):
        self._found = found
        self.status = "cancelled" if found is None else "finished"

    def add_done_callback(self, function):
        function(self)

    def result(self):
        if self._found is None:
            raise CancelledError
        return self._found

    def release(self):
        pass


class Client:
    """A client whose workers do as they are told, one task after another."""

    def __init__(self, *workers, does):
        self.workers, self.does, self.status = list(workers), does, "running"
        self.asked = []

    def nthreads(self):
        return dict.fromkeys(self.workers, 1)

    def submit(self, function, task, *, mark, workers, pure, **options):
        chosen = workers or self.workers
        self.asked.append((task.part.subject, chosen))
        return Future(self.does(chosen[0], task, mark))

    def cancel(self, futures):
        assert futures == []


def work(client, tasks, mark=None):
    found = Distributor(client, mark)(tasks)
    return {one.part.subject: one.status for one in found}


def test_a_worker_that_cannot_work_gets_no_more(tmp_path, caplog):
    def does(where, task, mark):
        if where == "full":
            return where, Outcome(task.part, "failed", "No space", of_worker=True)
        return where, carry_out(task)

    client = Client("full", "good", does=does)
    tasks = [toy(tmp_path, number) for number in range(1, 31)]
    assert set(work(client, tasks).values()) == {"done"}
    said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == ["full, a worker, is given no more subjects: No space"]
    # Those that it was given before it had failed, and no others.
    assert [chosen for _, chosen in client.asked].count(["full", "good"]) == 16
    assert ("sub-30", ["good"]) in client.asked
    # Where there is no other, the failure stands.
    assert set(work(Client("full", does=does), tasks).values()) == {"failed"}


def test_what_a_lost_connection_cancelled_is_asked_for_again(tmp_path):
    asked = []

    def does(where, task, mark):
        asked.append(task.part.subject)
        return None if len(asked) <= 2 else (where, carry_out(task))

    tasks = [toy(tmp_path, 1), toy(tmp_path, 2)]
    client = Client("good", does=does)
    assert work(client, tasks) == {"sub-01": "done", "sub-02": "done"}
    assert sorted(asked) == ["sub-01", "sub-01", "sub-02", "sub-02"]
    never = Client("good", does=lambda *_: None)
    assert set(work(never, tasks).values()) == {"failed"}


def test_a_lost_scheduler_is_one_line_and_the_table_is_true(tmp_path, monkeypatch):
    tasks = [toy(tmp_path, number) for number in (1, 2, 3)]

    def does(where, task, mark):
        if task.part.subject == "sub-01":
            return where, carry_out(task)
        # Another worker has done that one meanwhile.
        carry_out(tasks[1])
        client.status = "closed"
        return None

    client = Client("good", does=does)
    monkeypatch.setattr(
        "dipy_tractogen.workflows.cohorts.workers._client", lambda *_: (client, None)
    )
    table = tmp_path / "out" / "logs" / "cohort.tsv"
    with (
        pytest.raises(
            SchedulerLost,
            match=r"--scheduler tcp://a:1: .* 1 subject of 3 left",
        ),
        open_run(tmp_path / "out", [table]) as mark,
    ):
        CohortFlow(quiet=True).work_on(tasks, table, THERE, mark)
    with table.open(encoding="utf-8", newline="") as stream:
        status = [row["status"] for row in csv.DictReader(stream, delimiter="\t")]
    assert status == ["done", "already done", "not begun"]


@pytest.mark.parametrize(("nb_updates", "left"), [(1, 1), (0, 2)])
def test_workers_that_cannot_be_replaced_are_one_line(
    nb_updates, left, tmp_path, monkeypatch
):
    """Which names the table if there is one, and what is left."""
    asked = []

    def update(nb_tasks):
        asked.append(nb_tasks)
        if len(asked) > nb_updates:
            raise WorkersLost("3 jobs ended")

    def does(where, task, mark):
        return (where, carry_out(task)) if task is tasks[0] else None

    client = Client("good", does=does)
    monkeypatch.setattr(
        "dipy_tractogen.workflows.cohorts.workers._client", lambda *_: (client, update)
    )
    tasks = [toy(tmp_path, number) for number in (1, 2)]
    table = tmp_path / "out" / "logs" / "cohort.tsv"
    with (
        pytest.raises(WorkersLost) as error,
        open_run(tmp_path / "out", [table]) as mark,
    ):
        CohortFlow(quiet=True).work_on(tasks, table, SLURM, mark)
    noun = "subject" if left == 1 else "subjects"
    seen = f", see {table}" if left == 1 else ""
    assert str(error.value) == (
        f"--slurm: 3 jobs ended; {left} {noun} of 2 left to do{seen}. Once this is "
        "mended, the same command goes on."
    )
    assert table.exists() == (left == 1)


def test_tasks_for_workers_that_are_gone_are_given_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr(distribute, "_SECONDS_TO_LOOK", 0.01)
    cancelled = []

    class Waiting(Future):
        def add_done_callback(self, function):
            if self._found != "waits":
                function(self)

    class Leaving(Client):
        def submit(self, function, task, *, workers, **_):
            if workers is None:
                return Waiting(self.does(self.workers[0], task, None))
            self.workers = ["full"]
            return Waiting("waits")

        def cancel(self, futures):
            cancelled.extend(futures)

    def does(where, task, mark):
        is_first = task.part.subject == "sub-01" and not cancelled
        reason = "No space" if is_first else ""
        status = "failed" if is_first else "done"
        return where, Outcome(task.part, status, reason, of_worker=is_first)

    client = Leaving("full", "good", does=does)
    found = work(client, [toy(tmp_path, 1), toy(tmp_path, 2)])
    assert found == {"sub-01": "done", "sub-02": "done"}
    assert len(cancelled) == 1


def test_it_is_said_once_that_all_workers_have_ended(caplog):
    client = Client("one", "other", does=None)
    distribute = Distributor(client, None)
    distribute._look(now=True)
    for nb_left in (1, 0, 0):
        client.workers = client.workers[:nb_left]
        distribute._look(now=True)
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 1
    assert "All workers have ended" in said[0]


def test_a_worker_has_to_see_the_disk_of_the_command(tmp_path):
    with open_run(tmp_path) as mark:
        check_worker(mark)
        task = toy(tmp_path, 1)
        assert carry_out(task, mark=mark).status == "done"
    with pytest.raises(WorkerError, match="give it the same disk"):
        check_worker(tmp_path / "logs" / ".run-0.lock")
    other = carry_out(toy(tmp_path, 2), mark=tmp_path / ".run-0.lock")
    assert (other.status, other.of_worker) == ("failed", True)
    # Nothing is made on a disk of its own.
    assert not (tmp_path / "out" / "sub-02").exists()


def test_locks_have_to_hold_between_machines(tmp_path):
    mark = tmp_path / ".run-1.lock"
    mark.touch()
    with pytest.raises(WorkerError, match="mount the disk with locks"):
        check_worker(mark)


_FAULTS = """
import resource
import numpy as np
from dipy_tractogen.workflows.cohorts.distribute import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        # Smaller than the pages of the system may be.
        arrays = [np.ones(2**17) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
keep_freed_memory()
faults()
print(before, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries")
def test_workers_keep_what_they_freed():
    # As Dask starts its workers.
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    options = {"env": environment, "stdout": subprocess.PIPE, "check": True}
    run = subprocess.run([sys.executable, "-c", _FAULTS], text=True, **options)
    before, after = map(int, run.stdout.split())
    assert before > 1000
    assert after < before / 10
