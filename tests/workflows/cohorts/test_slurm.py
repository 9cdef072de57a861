"""Jobs of SLURM are asked for, looked after and taken back; its commands are toys."""

import importlib.util
import shutil
import signal
import stat
import sys
from types import SimpleNamespace

import pytest

from dipy_tractogen.workflows.cohorts import slurm
from dipy_tractogen.workflows.cohorts.run import open_run
from dipy_tractogen.workflows.cohorts.workers import open_workers, outcomes
from dipy_tractogen.workflows.runtime.interrupts import INTERRUPTS

from . import toys
from .toys import toy

pytest.importorskip("dask")
# To import it is what some of these tests are about.
needs_jobqueue = pytest.mark.skipif(
    importlib.util.find_spec("dask_jobqueue") is None, reason="needs dask-jobqueue"
)

# A job is a file of the queue, with its state and reason; it runs if there is "runs".
TOYS = {
    "sbatch": """
        [ ! -e refuses ] || { cat refuses >&2; exit 1; }
        number=$(($(cat count 2>/dev/null || echo 10) + 1))
        echo $number > count
        cat > script_$number
        echo 'PENDING|Resources' > job_$number
        if [ -e runs ]; then
            setsid sh script_$number > log_$number 2>&1 & echo $! > pid_$number
            echo 'RUNNING|None' > job_$number
        fi
        echo "$number;cluster" """,
    "squeue": """
        [ ! -e refuses ] || { cat refuses >&2; exit 1; }
        for one in job_*; do
            [ ! -e "$one" ] || echo "${one#job_}|$(cat $one)"
        done""",
    "scancel": """
        [ ! -e refuses ] || { cat refuses >&2; exit 1; }
        for number in "$@"; do
            [ ! -e pid_$number ] || kill -9 -- -$(cat pid_$number)
            mv job_$number cancelled_$number
        done""",
    "scontrol": """
        state=$(cat state_$4)
        [ $state = FAILED ] && code=2:0 || code=0:15
        echo "JobId=$4 JobState=$state ExitCode=$code StdErr=$PWD/%j.err Power=" """,
}


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """The folder of a queue, whose commands alone are on the PATH."""
    queue, programs = tmp_path / "queue", tmp_path / "bin"
    queue.mkdir()
    programs.mkdir()
    for name, text in TOYS.items():
        path = programs / name
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\ncd {queue} || exit 1\n{text}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(slurm, "_SECONDS_BETWEEN", 0.0)
    return queue


class Cluster:
    """A cluster whose jobs have scripts with their names alone."""

    name = "toy"

    def __init__(self):
        self.scheduler = SimpleNamespace(address="tcp://a:1", workers={})

    def job_cls(self, address, *, name, processes):
        return SimpleNamespace(job_script=lambda: f"{name} {address} {processes}")

    def begin(self, *names):
        """Have workers of these names alone."""
        workers = {name: SimpleNamespace(name=name) for name in names}
        self.scheduler.workers = workers


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def jobs(queue, cluster):
    import dask

    with dask.config.set({"jobqueue.slurm": {"cores": 2, "processes": None}}):
        yield slurm.SlurmJobs(cluster, 4)


def end(queue, number, state, log=""):
    (queue / f"job_{number}").unlink()
    (queue / f"state_{number}").write_text(state)
    (queue / f"{number}.err").write_text(log)


def runs(queue, *numbers):
    for number in numbers:
        (queue / f"job_{number}").write_text("RUNNING|None")


def names(queue):
    return sorted(path.name for path in queue.glob("job_*"))


def messages(caplog):
    found = [one.getMessage() for one in caplog.records]
    caplog.clear()
    return found


def test_jobs_that_end_are_replaced(queue, cluster, jobs, caplog):
    caplog.set_level("INFO")
    jobs.tend(100)
    # Two workers of one thread in a job of two cores.
    assert (queue / "script_12").read_text() == "toy-1 tcp://a:1 2"
    assert messages(caplog) == ["Asked SLURM for 2 jobs: 11, 12"]
    jobs.tend(100)
    jobs.tend(100)
    (said,) = messages(caplog)
    assert said == "No job of SLURM runs, they are pending: 2 Resources"
    runs(queue, 11, 12)
    cluster.begin("toy-0-0", "toy-0-1", "toy-1-0")
    jobs.tend(100)
    assert messages(caplog) == []
    end(queue, 12, "TIMEOUT")
    jobs.tend(100)
    said = ["Job 12 of SLURM has ended: TIMEOUT", "Asked SLURM for a job: 13"]
    assert messages(caplog) == said
    assert names(queue) == ["job_11", "job_13"]
    # No more than there is work for.
    end(queue, 11, "NODE_FAIL")
    jobs.tend(2)
    assert names(queue) == ["job_13"]


def test_a_job_that_waits_to_run_again_is_kept(queue, cluster, jobs):
    jobs.tend(100)
    cluster.begin("toy-0-0", "toy-1-0")
    runs(queue, 11, 12)
    jobs.tend(100)
    (queue / "job_11").write_text("PENDING|BeginTime")
    jobs.tend(100)
    # One that cannot leave its machine has ended.
    (queue / "job_12").write_text("COMPLETING|None")
    (queue / "state_12").write_text("COMPLETING")
    jobs.tend(100)
    assert names(queue) == ["job_11", "job_12", "job_13"]


def test_jobs_that_end_before_their_workers_begin_are_an_error(queue, cluster, jobs):
    jobs.tend(100)
    end(queue, 11, "FAILED")
    end(queue, 12, "FAILED")
    jobs.tend(100)
    assert names(queue) == ["job_13"]
    log = f"{'first ' * 1000}\nno such   file\n"
    end(queue, 13, "FAILED", log)
    with pytest.raises(OSError, match="--slurm: 3 jobs ended before") as error:
        jobs.tend(100)
    assert str(error.value).endswith(f"FAILED, {queue}/13.err: no such file")


def test_jobs_that_end_in_vain_while_others_work_do_not_end_it(queue, cluster, jobs):
    jobs.tend(100)
    cluster.begin("toy-0-0")
    runs(queue, 11)
    for number in range(12, 18):
        end(queue, number, "CANCELLED")
        jobs.tend(100)
    assert names(queue) == ["job_11", "job_18"]


def test_a_refusal_at_the_beginning_is_an_error(queue, jobs):
    (queue / "refuses").write_text("sbatch: error: invalid partition\nmore\n")
    with pytest.raises(OSError, match=r"--slurm: sbatch: error: invalid partition$"):
        jobs.tend(100)


def test_a_machine_without_slurm_is_an_error(jobs, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="there is no sbatch on this machine"):
        jobs.tend(100)


def test_work_goes_on_while_slurm_does_not_answer(queue, cluster, jobs, caplog):
    jobs.tend(100)
    (queue / "refuses").write_text("Unable to contact slurm controller")
    jobs.tend(100)
    jobs.tend(100)
    (said,) = messages(caplog)
    assert said == "SLURM, at the moment: Unable to contact slurm controller"
    assert names(queue) == ["job_11", "job_12"]
    jobs.close()
    (said,) = messages(caplog)
    assert said.endswith("(Unable to contact slurm controller): scancel 11 12")


def test_jobs_are_taken_from_the_queue(queue, jobs):
    jobs.tend(100)
    jobs.close()
    assert names(queue) == []


def test_an_interrupt_loses_no_job(queue, jobs, monkeypatch):
    def interrupted(*given, **options):
        INTERRUPTS._interrupt()
        return run(*given, **options)

    run = slurm.subprocess.run
    monkeypatch.setattr(slurm.subprocess, "run", interrupted)
    monkeypatch.setattr(INTERRUPTS, "_times", [])
    with pytest.raises(KeyboardInterrupt):
        jobs.tend(100)
    assert names(queue) == ["job_11"]
    monkeypatch.setattr(slurm.subprocess, "run", run)
    jobs.close()
    assert names(queue) == []


@needs_jobqueue
def test_a_configuration_that_is_not_complete_is_one_line(tmp_path, monkeypatch):
    """And to import dask-jobqueue does not change what Ctrl-C does."""
    for name in [one for one in sys.modules if one.startswith("dask_jobqueue")]:
        monkeypatch.delitem(sys.modules, name)
    handler = signal.getsignal(signal.SIGINT)
    given = {"nb_workers": 1, "scheduler": None, "slurm": True}
    with (
        pytest.raises(OSError, match=r"--slurm: You must .* in ~/\.config") as error,
        open_workers(given, tmp_path),
    ):
        pass
    assert "\n" not in str(error.value)
    assert "dask_jobqueue.runner" in sys.modules
    assert signal.getsignal(signal.SIGINT) is handler


@needs_jobqueue
@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid")
def test_workers_of_a_job_do_the_work(queue, tmp_path):
    import dask

    cloudpickle = pytest.importorskip("cloudpickle")
    cloudpickle.register_pickle_by_value(toys)
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
        jobs = work._tend.__self__
        jobs._look()
        assert [job.has_begun for job in jobs._jobs.values()] == [True]
    assert found == ["done", "done"]
    assert (queue / "cancelled_11").exists()
