"""Jobs of SLURM are asked for, replaced and cancelled; its commands are toys."""

import pytest

from dipy_tractogen.workflows.cohorts import slurm, slurm_queue
from dipy_tractogen.workflows.cohorts.distribute import WorkersLost
from dipy_tractogen.workflows.runtime.interrupts import INTERRUPTS

from .slurm_toys import Cluster, new_queue

pytest.importorskip("dask")


@pytest.fixture
def queue(tmp_path, monkeypatch):
    return new_queue(tmp_path, monkeypatch)


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def jobs(queue, cluster):
    import dask

    with dask.config.set({"jobqueue.slurm": {"cores": 2, "processes": None}}):
        yield slurm.SlurmJobs(cluster, 4)


def end(queue, number, state, log="", code="0:0"):
    (queue / f"job_{number}").unlink()
    (queue / f"state_{number}").write_text(state)
    (queue / f"code_{number}").write_text(code)
    (queue / f"a log {number}.err").write_text(log)


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
    jobs.update(100)
    # Two workers of one thread in a job of two cores.
    assert (queue / "script_12").read_text() == "toy-1 tcp://a:1 2"
    assert messages(caplog) == ["Asked SLURM for 2 jobs: 11, 12"]
    jobs.update(100)
    jobs.update(100)
    (said,) = messages(caplog)
    assert said == "No job of SLURM runs, they are pending: 2 Resources"
    runs(queue, 11, 12)
    cluster.begin("toy-0-0", "toy-0-1", "toy-1-0")
    jobs.update(100)
    assert messages(caplog) == []
    end(queue, 12, "TIMEOUT")
    jobs.update(100)
    said = ["Job 12 of SLURM has ended: TIMEOUT", "Asked SLURM for a job: 13"]
    assert messages(caplog) == said
    assert names(queue) == ["job_11", "job_13"]
    # No more than there is work for.
    end(queue, 11, "NODE_FAIL")
    jobs.update(2)
    assert names(queue) == ["job_13"]


def test_a_job_that_waits_to_run_again_is_kept(queue, cluster, jobs):
    jobs.update(100)
    cluster.begin("toy-0-0", "toy-1-0")
    runs(queue, 11, 12)
    jobs.update(100)
    (queue / "job_11").write_text("PENDING|BeginTime")
    jobs.update(100)
    # One that cannot leave its machine has ended.
    (queue / "job_12").write_text("COMPLETING|None")
    (queue / "state_12").write_text("COMPLETING")
    (queue / "code_12").write_text("0:0")
    jobs.update(100)
    assert names(queue) == ["job_11", "job_12", "job_13"]


@pytest.mark.parametrize(
    ("state", "code"),
    [("FAILED", "2:0"), ("FAILED", "0:9"), ("OUT_OF_MEMORY", "0:0")],
)
def test_jobs_that_end_before_their_workers_begin_are_an_error(
    queue, jobs, state, code
):
    jobs.update(100)
    end(queue, 11, "FAILED")
    end(queue, 12, "FAILED")
    jobs.update(100)
    assert names(queue) == ["job_13"]
    log = f"{'first ' * 1000}\nno such   file\n"
    end(queue, 13, state, log, code)
    with pytest.raises(WorkersLost, match="3 jobs ended before") as error:
        jobs.update(100)
    assert str(error.value).endswith(f"{state}, {queue}/a log 13.err: no such file")


def test_jobs_that_fail_to_start_while_others_work_do_not_end_it(queue, cluster, jobs):
    jobs.update(100)
    cluster.begin("toy-0-0")
    runs(queue, 11)
    for number in range(12, 18):
        end(queue, number, "CANCELLED")
        jobs.update(100)
    assert names(queue) == ["job_11", "job_18"]


def test_a_refusal_at_the_beginning_is_an_error(queue, jobs):
    (queue / "refuses").write_text("sbatch: error: invalid partition\nmore\n")
    with pytest.raises(OSError, match=r"--slurm: sbatch: error: invalid partition$"):
        jobs.update(100)


def test_a_machine_without_slurm_is_an_error(jobs, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="there is no sbatch on this machine"):
        jobs.update(100)


def test_work_goes_on_while_slurm_does_not_answer(queue, cluster, jobs, caplog):
    jobs.update(100)
    (queue / "refuses").write_text("Unable to contact slurm controller")
    jobs.update(100)
    jobs.update(100)
    (said,) = messages(caplog)
    assert said == "SLURM, at the moment: Unable to contact slurm controller"
    assert names(queue) == ["job_11", "job_12"]
    jobs.close()
    (said,) = messages(caplog)
    assert said.endswith("(Unable to contact slurm controller): scancel 11 12")


def test_jobs_are_taken_from_the_queue(queue, jobs):
    jobs.update(100)
    jobs.close()
    assert names(queue) == []


def test_jobs_of_another_cluster_are_found_there(queue, jobs, caplog):
    caplog.set_level("INFO")
    (queue / "of_a_cluster").touch()
    jobs.update(100)
    jobs.update(100)
    end(queue, 11, "TIMEOUT")
    jobs.update(100)
    assert "Job 11 of SLURM has ended: TIMEOUT" in messages(caplog)
    jobs.close()
    assert names(queue) == []
    assert (queue / "cancelled_13").exists()


NO_ANSWER = ["echo 'error: Socket timed out on send/recv' >&2; exit 1", "exec sleep 9"]


@pytest.mark.parametrize("does", NO_ANSWER)
def test_a_job_that_sbatch_gave_no_number_of_is_found(
    queue, cluster, jobs, does, monkeypatch
):
    jobs.update(2)
    monkeypatch.setattr(slurm_queue, "_SECONDS_TO_ANSWER", 0.5)
    (queue / "no_answer").write_text(does)
    jobs.update(100)
    assert names(queue) == ["job_11", "job_12"]
    (queue / "no_answer").unlink()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(queue.parent / "bin"))
    monkeypatch.setattr(slurm, "_SECONDS_BETWEEN", 0.0)
    runs(queue, 12)
    cluster.begin("toy-1-0")
    jobs.update(100)
    # It is one of the two that are wanted.
    assert names(queue) == ["job_11", "job_12"]
    assert [job.has_begun for job in jobs._jobs.values()] == [False, True]


def test_a_first_job_without_an_answer_is_an_error_and_cancelled(queue, jobs):
    (queue / "no_answer").write_text(NO_ANSWER[0])
    with pytest.raises(OSError, match="--slurm: error: Socket timed out"):
        jobs.update(100)
    assert names(queue) == ["job_11"]
    # Of others with the same configuration, none.
    (queue / "job_10").write_text("PENDING|Resources")
    (queue / "name_10").write_text("my job-0")
    jobs.close()
    assert names(queue) == ["job_10"]


def test_pending_jobs_are_given_back_and_those_that_run_kept(queue, cluster, jobs):
    jobs.update(100)
    runs(queue, 11)
    cluster.begin("toy-0-0")
    jobs.update(2)
    assert names(queue) == ["job_11"]
    # That it never began is no failure.
    end_of_12 = {"state_12": "CANCELLED", "code_12": "0:0"}
    for name, text in end_of_12.items():
        (queue / name).write_text(text)
    jobs.update(2)
    assert (names(queue), jobs._nb_failed_to_start) == (["job_11"], 0)


def test_a_job_that_begins_before_it_is_given_back_stays_known(queue, jobs):
    jobs.update(100)
    jobs._look()
    runs(queue, 12)
    jobs._give_back(1)
    assert names(queue) == ["job_11", "job_12"]
    jobs.update(2)
    # Now the other one is given back.
    assert names(queue) == ["job_12"]


def test_jobs_that_run_without_a_worker_are_said_once(
    queue, cluster, jobs, caplog, monkeypatch
):
    jobs.update(100)
    runs(queue, 11)
    jobs.update(100)
    assert messages(caplog) == []
    monkeypatch.setattr(slurm, "_SECONDS_TO_COME", 0.0)
    jobs.update(100)
    runs(queue, 12)
    jobs.update(100)
    (said,) = messages(caplog)
    assert said.startswith("1 job of SLURM runs, but no worker has come yet: ")
    monkeypatch.setattr(slurm, "_SECONDS_SILENT", 0.0)
    cluster.begin("toy-0-0")
    jobs.update(100)
    (said,) = messages(caplog)
    assert said.startswith("1 job of SLURM runs")
    cluster.begin("toy-0-0", "toy-1-1")
    jobs.update(100)
    assert messages(caplog) == []


def test_reasons_that_alternate_are_said_once(queue, jobs, caplog, monkeypatch):
    for first, second in ("Priority", "Priority"), ("Resources", "Priority"):
        jobs.update(100)
        (queue / "job_11").write_text(f"PENDING|{first}")
        (queue / "job_12").write_text(f"PENDING|{second}")
    jobs.update(100)
    (queue / "job_12").write_text("PENDING|Resources")
    jobs.update(100)
    assert [one.split(": ")[1] for one in messages(caplog)] == [
        *("2 Priority", "1 Resources, 1 Priority")
    ]
    monkeypatch.setattr(slurm, "_SECONDS_SILENT", 0.0)
    jobs.update(100)
    assert [one.split(": ")[1] for one in messages(caplog)] == ["2 Resources"]


def test_an_interrupt_loses_no_job(queue, jobs, monkeypatch):
    def interrupted(*given, **options):
        INTERRUPTS._interrupt()
        return run(*given, **options)

    run = slurm_queue.subprocess.run
    monkeypatch.setattr(slurm_queue.subprocess, "run", interrupted)
    monkeypatch.setattr(INTERRUPTS, "_times", [])
    with pytest.raises(KeyboardInterrupt):
        jobs.update(100)
    assert names(queue) == ["job_11"]
    monkeypatch.setattr(slurm_queue.subprocess, "run", run)
    jobs.close()
    assert names(queue) == []
