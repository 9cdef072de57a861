"""A command on a cohort is killed or interrupted before each change of a file."""

import csv
import json
import os
import signal
import sys

import pytest

from dipy_tractogen.workflows.cohorts.flow import CohortFlow
from dipy_tractogen.workflows.cohorts.run import open_run

from .toys import toy

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

HERE = {"nb_workers": 1, "scheduler": None, "slurm": False}
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "open"}
SUBJECTS = ("sub-01", "sub-02")


def tasks_of(root, text="short"):
    return [toy(root, 1, text=text), toy(root, 2, text="text")]


def work(root, **options):
    """Run a command on two subjects."""
    table = root / "out" / "logs" / "cohort.tsv"
    with open_run(root / "out", [table]) as mark:
        CohortFlow(quiet=True).work_on(tasks_of(root, **options), table, HERE, mark)


def begin(root):
    """Make the first subject as it was asked for before, with a file more."""
    root.mkdir()
    with open_run(root / "out") as mark:
        table = root / "out" / "logs" / "cohort.tsv"
        tasks = tasks_of(root, text="longer")[:1]
        CohortFlow(quiet=True).work_on(tasks, table, HERE, mark)
    table.unlink()


def work_until(root, number, end, since=None):
    """Work in a child, which ends before a change below the outputs; give its status.

    It ends by a signal, or as if it was interrupted. Changes are counted from when a
    file `since` is there.
    """
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    count, out = 0, str(root / "out")

    def before(event, given):
        nonlocal count
        if event not in CHANGES or not str(given[0]).startswith(out):
            return
        if event == "open" and not given[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if since is not None and not since.exists():
            return
        count += 1
        if count == number:
            if end == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt

    code = 1
    try:
        sys.addaudithook(before)
        work(root)
        code = 0
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def table_of(root):
    path = root / "out" / "logs" / "cohort.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["participant_id"]: row["status"] for row in rows}


def outputs_of(root):
    """The contents of all outputs of subjects."""
    return {
        path.relative_to(root / "out").as_posix(): path.read_text()
        for path in sorted(root.glob("out/sub-*/**/*"))
        if path.is_file()
    }


def names_of(root):
    """All names, such as those of what is left over."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("end", ["kill", "interrupt"])
def test_it_goes_on_wherever_it_was_ended(tmp_path, end):
    whole = tmp_path / "whole"
    begin(whole)
    work(whole)
    # Before each of them takes half a minute: EACH_CHANGE=1 pytest ...
    number, ended, step = 0, True, 1 if "EACH_CHANGE" in os.environ else 11
    while ended:
        number += step
        root = tmp_path / str(number)
        begin(root)
        status = work_until(root, number, end)
        ended = status != 0
        _check_what_is_left(root, status, end)
        work(root)
        assert outputs_of(root) == outputs_of(whole)
        assert set(table_of(root)) == set(SUBJECTS)
        assert set(table_of(root).values()) <= {"done", "already done"}
        assert names_of(root) == names_of(whole)
        # Only the one that it was at is made again.
        nb_made = len((root / "made.txt").read_text().splitlines())
        assert nb_made <= 3 + ended
    assert number > 50


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_what_is_finished_is_not_made_again(tmp_path):
    """Wherever it was killed, once the record says that it is whole; twice as well."""
    work(tmp_path / "whole")
    number, state = 0, ""
    while state != "done":
        number += 1
        root = tmp_path / str(number)
        record = root / "out" / "logs" / "sub-01.json"
        assert os.WIFSIGNALED(work_until(root, number, "kill", record))
        state = json.loads(record.read_text())["state"]
        work_until(root, number, "kill", record)
        work(root)
        assert (root / "made.txt").read_text().split().count("sub-01") == 1
        assert outputs_of(root) == outputs_of(tmp_path / "whole")
        assert names_of(root) == names_of(tmp_path / "whole")
    assert number > 4


def _check_what_is_left(root, status, end):
    killed = os.WIFSIGNALED(status)
    assert killed == (status != 0 and end == "kill")
    assert killed or os.WEXITSTATUS(status) in (0, 130)
    for place, text in outputs_of(root).items():
        assert text in ("longer", "short") if "sub-01" in place else text == "text"
    is_done = {task.part.subject: task.is_done for task in tasks_of(root)}
    for subject, said in table_of(root).items():
        if said in ("done", "already done"):
            assert is_done[subject]
        elif end == "interrupt":
            assert not is_done[subject]
