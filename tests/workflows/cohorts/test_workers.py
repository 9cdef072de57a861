"""Workers of Dask do what this process does, and may be killed."""

from pathlib import Path
import sys

import pytest

from dipy_tractogen.workflows.cohorts.distribute import _only_waited
from dipy_tractogen.workflows.cohorts.records import Record
from dipy_tractogen.workflows.cohorts.run import new_folder, open_run
from dipy_tractogen.workflows.cohorts.task import BUSY, Outcome
from dipy_tractogen.workflows.cohorts.workers import open_workers, outcomes

from .toys import toy

MARK = Path("of_no_run.lock")
HERE = {"nb_workers": 1, "scheduler": None, "slurm": False}


def statuses(found):
    return {one.part.subject: one.status for one in found}


def test_what_a_killed_worker_began_is_done_by_another(tmp_path):
    pytest.importorskip("distributed")
    tasks = [toy(tmp_path, 1, act="die"), toy(tmp_path, 2), toy(tmp_path, 3)]
    with (
        open_run(tmp_path / "out") as mark,
        open_workers({**HERE, "nb_workers": 2}, mark) as work,
    ):
        found = statuses(outcomes(work, tasks, force=False))
    assert found == dict.fromkeys(("sub-01", "sub-02", "sub-03"), "done")
    assert (tmp_path / "sub-01.marker").exists()
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        *("logs", "sub-01", "sub-02", "sub-03")
    ]


def test_a_subject_that_kills_each_worker_is_a_failure_and_no_other(tmp_path):
    """Those that only waited on the same worker are given to another one."""
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    tasks = [toy(tmp_path, 1, act="die"), *(toy(tmp_path, n) for n in range(2, 6))]
    with (
        # One is enough here: each takes seconds.
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        open_run(tmp_path / "out") as mark,
        open_workers({**HERE, "nb_workers": 2}, mark) as work,
    ):
        found = list(outcomes(work, tasks, force=False))
    failed = [one for one in found if one.status != "done"]
    assert [one.part.subject for one in failed] == ["sub-01"]
    assert "workers that began it were killed" in failed[0].reason


def test_a_killed_worker_is_a_failure_of_what_it_had_begun(tmp_path):
    pytest.importorskip("distributed")
    from distributed.scheduler import KilledWorker

    task, other = toy(tmp_path, 1), toy(tmp_path, 2)
    error = KilledWorker("key", None, 0)
    begun = new_folder(task.out_dir, task.part.name)
    new_folder(other.out_dir, other.part.name).mkdir()
    assert _only_waited(task, error)
    begun.mkdir()
    assert not _only_waited(task, error)
    assert _only_waited(task, KilledWorker("key", None, 1))
    assert not _only_waited(other, RuntimeError())
    # All was made, and about to be moved.
    record = Record(task.out_dir, task.part.name)
    record.write("moving", {}, {}, {}, temporary=begun, folder=begun.name)
    assert _only_waited(task, error)


@pytest.mark.parametrize("option", [{"nb_workers": 2}, {"scheduler": "tcp://a:1"}])
def test_missing_dask_is_one_line(option, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ImportError, match=r'pip install "dipy_tractogen\[cluster\]"'),
        open_workers({**HERE, **option}, MARK),
    ):
        pass


def test_missing_jobqueue_is_one_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with (
        pytest.raises(ImportError, match="--slurm needs dask-jobqueue"),
        open_workers({**HERE, "slurm": True}, MARK),
    ):
        pass


def test_one_worker_needs_no_dask(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with open_workers(HERE, MARK) as work:
        found = statuses(work([toy(tmp_path, 1), toy(tmp_path, 2)]))
    assert found == {"sub-01": "done", "sub-02": "done"}


def test_scheduler_and_slurm_exclude_each_other():
    with (
        pytest.raises(ValueError, match="leave out one"),
        open_workers({**HERE, "scheduler": "tcp://a:1", "slurm": True}, MARK),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_one_line():
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(OSError, match="no scheduler of Dask answers"),
        open_workers({**HERE, "scheduler": "tcp://127.0.0.1:9"}, MARK),
    ):
        pass


def test_busy_subjects_are_waited_for_at_the_end(tmp_path):
    """Without making anew what another process has just made, whatever `force`."""
    calls = []

    def work(tasks, *, force, wait=False):
        calls.append((len(tasks), force, wait))
        for task in tasks:
            is_busy = task.part.subject == "sub-01" and not wait
            yield Outcome(task.part, BUSY if is_busy else "done")

    tasks = [toy(tmp_path, 1), toy(tmp_path, 2)]
    found = [one.part.subject for one in outcomes(work, tasks, force=True)]
    assert found == ["sub-02", "sub-01"]
    assert calls == [(2, True, False), (1, False, True)]


def test_workers_that_end_slowly_do_not_undo_what_is_done(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    closed = []

    class Slow(distributed.LocalCluster):
        def __init__(self, **options):
            super().__init__(processes=False, **options)

        def close(self, timeout=None):
            super().close(timeout)
            closed.append(self)
            raise TimeoutError

    monkeypatch.setattr(distributed, "LocalCluster", Slow)
    with (
        open_run(tmp_path / "out") as mark,
        open_workers({**HERE, "nb_workers": 2}, mark) as work,
    ):
        assert statuses(work([toy(tmp_path, 1)])) == {"sub-01": "done"}
    assert closed


def test_workers_that_do_not_start_are_one_line(monkeypatch):
    distributed = pytest.importorskip("distributed")

    def fail(**options):
        raise TimeoutError

    monkeypatch.setattr(distributed, "LocalCluster", fail)
    with (
        pytest.raises(OSError, match="2 workers did not start"),
        open_workers({**HERE, "nb_workers": 2}, MARK),
    ):
        pass
