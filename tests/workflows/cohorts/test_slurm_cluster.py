"""The cluster of dask-jobqueue, its configuration, and work in its jobs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import shutil
import signal
import sys

import pytest

from dipy_tractogen.workflows.cohorts.run import open_run
from dipy_tractogen.workflows.cohorts.slurm_cluster import (
    _no_new_handlers,
    open_cluster,
)
from dipy_tractogen.workflows.cohorts.workers import open_workers, outcomes

from . import toys
from .slurm_toys import new_queue
from .toys import toy

dask = pytest.importorskip("dask")
with _no_new_handlers():
    pytest.importorskip("dask_jobqueue")

MISSING = r"--slurm: You must .*; jobqueue.slurm in ~/\.config"


def in_a_thread(function):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function).result()


@pytest.mark.parametrize("run", [lambda function: function(), in_a_thread])
def test_the_import_of_jobqueue_leaves_ctrl_c_as_it_is(run, monkeypatch):
    """And a configuration that is not complete is one line."""
    for name in [one for one in sys.modules if one.startswith("dask_jobqueue")]:
        monkeypatch.delitem(sys.modules, name)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match=MISSING) as error:
        run(open_cluster)
    assert "\n" not in str(error.value)
    assert "dask_jobqueue.runner" in sys.modules
    assert signal.getsignal(signal.SIGINT) is handler


def test_options_of_the_scheduler_may_be_empty():
    """As where nothing stands behind the name in the file."""
    with (
        dask.config.set({"jobqueue.slurm.scheduler-options": None}),
        pytest.raises(OSError, match=MISSING),
    ):
        open_cluster()


@pytest.mark.parametrize("name", ["processes", "cores"])
@pytest.mark.parametrize("value", [-1, 0, "two", True])
def test_a_number_of_workers_that_is_none_is_one_line(name, value):
    of_slurm = {"cores": 1, "memory": "1GB", name: value}
    line = rf"jobqueue.slurm.{name} in ~/.* is {value!r}; it has to be a whole number"
    with (
        dask.config.set({f"jobqueue.slurm.{one}": of_slurm[one] for one in of_slurm}),
        pytest.raises(OSError, match=line),
    ):
        open_cluster()


@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid")
def test_workers_of_a_job_do_the_work(tmp_path, monkeypatch):
    # For the toys, which are no part of the package.
    monkeypatch.setenv("PYTHONPATH", str(Path(toys.__file__).parents[3]))
    queue = new_queue(tmp_path, monkeypatch)
    (queue / "runs").touch()
    tasks = [toy(tmp_path, 1), toy(tmp_path, 2)]
    given = {"nb_workers": 2, "scheduler": None, "slurm": True}
    options = {"cores": 2, "memory": "2GB", "scheduler-options": {"host": "127.0.0.1"}}
    of_slurm = {f"jobqueue.slurm.{name}": one for name, one in options.items()}
    with (
        dask.config.set(of_slurm),
        open_run(tmp_path / "out") as mark,
        open_workers(given, mark) as work,
    ):
        found = [one.status for one in outcomes(work, tasks, force=False)]
        jobs = work._update.__self__
        jobs._look()
        assert [job.has_begun for job in jobs._jobs.values()] == [True]
    assert found == ["done", "done"]
    assert (queue / "cancelled_11").exists()
