"""A subject is made once, whole or not at all."""

import dataclasses
import json
import os
import shutil
import threading

from filelock import FileLock
import pytest

from dipy_tractogen.workflows.cohorts.task import carry_out
from dipy_tractogen.workflows.runtime.interrupts import INTERRUPTS

from .toys import toy


def files(root):
    """All files below the outputs, but for records and locks, with their contents."""
    return {
        path.relative_to(root / "out").as_posix(): path.read_text()
        for path in (root / "out").rglob("*")
        if path.is_file() and path.parent.name != "logs"
    }


def record_of(task):
    path = task.out_dir / "logs" / f"{task.part.name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_is_made_once(tmp_path):
    task = toy(tmp_path, 1)
    assert not task.is_done
    assert carry_out(task).status == "done"
    assert files(tmp_path) == {"sub-01/dwi/a.txt": "text", "sub-01/dwi/b.txt": "text"}
    assert task.is_done
    assert carry_out(task).status == "already done"
    assert carry_out(task, force=True).status == "done"


@pytest.mark.parametrize("change", ["input", "output", "record", "asked", "more"])
def test_what_changed_is_made_anew(tmp_path, change):
    given, more = tmp_path / "given.trx", tmp_path / "more.trx"
    given.write_text("1")
    more.write_text("1")
    task = toy(tmp_path, 1, inputs=[given])
    assert carry_out(task).status == "done"
    if change == "input":
        given.write_text("2")
    elif change == "output":
        (tmp_path / "out/sub-01/dwi/b.txt").unlink()
    elif change == "record":
        (tmp_path / "out/logs/sub-01.json").write_text("{")
    elif change == "asked":
        task = toy(tmp_path, 1, inputs=[given], text="short")
    else:
        task = toy(tmp_path, 1, inputs=[given, more])
    assert not task.is_done
    # Without its record nothing says whose the files are.
    assert carry_out(task, force=change == "record").status == "done"
    assert task.is_done
    left = {"sub-01/dwi/a.txt"} | ({"sub-01/dwi/b.txt"} if change != "asked" else set())
    assert set(files(tmp_path)) == left


def test_a_file_that_was_only_touched_has_not_changed(tmp_path):
    given = tmp_path / "given.trx"
    given.write_text("1")
    task = toy(tmp_path, 1, inputs=[given])
    carry_out(task)
    os.utime(given, (1, 1))
    assert task.is_done
    given.unlink()
    assert not task.is_done


def test_files_of_others_are_not_replaced(tmp_path):
    place = tmp_path / "out/sub-01/dwi"
    place.mkdir(parents=True)
    (place / "b.txt").write_text("of others")
    found = carry_out(toy(tmp_path, 1))
    assert found.status == "failed"
    assert "b.txt exists, and is of no record" in found.reason
    assert files(tmp_path) == {"sub-01/dwi/b.txt": "of others"}
    assert carry_out(toy(tmp_path, 1), force=True).status == "done"


def test_a_failure_is_one_line_and_leaves_nothing(tmp_path):
    task = toy(tmp_path, 1, act="raise")
    found = carry_out(task)
    assert (found.status, found.reason) == ("failed", "of no kind that is foreseen")
    assert files(tmp_path) == {}
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["logs"]
    assert carry_out(task).status == "done"


def test_an_interrupt_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        carry_out(toy(tmp_path, 1, act="interrupt"))
    assert files(tmp_path) == {}


def test_what_was_broken_off_while_files_were_moved_is_mended(tmp_path):
    task = toy(tmp_path, 1)
    carry_out(task)
    path = tmp_path / "out/logs/sub-01.json"
    path.write_text(path.read_text().replace('"done"', '"moving"'))
    (tmp_path / "out/sub-01/dwi/b.txt").unlink()
    assert not task.is_done
    assert carry_out(task).status == "done"
    assert record_of(task)["state"] == "done"


@pytest.mark.parametrize(
    "change", ["asked", "size", "gone", "other", "force", "messages", "place"]
)
def test_what_is_not_surely_finished_is_made_anew(tmp_path, change):
    """A record of what was to be moved is not enough."""
    task, out = toy(tmp_path, 1), tmp_path / "out"
    carry_out(task)
    folder = out / ".sub-01-making-01234567"
    place = folder / "sub-01" / "dwi"
    place.mkdir(parents=True)
    os.replace(out / "sub-01/dwi/b.txt", place / "b.txt")
    record = out / "logs/sub-01.json"
    said = record_of(task) | {"state": "moving", "folder": folder.name}
    if change == "asked":
        task = toy(tmp_path, 1, text="other")
    elif change == "size":
        (place / "b.txt").write_text("texts")
    elif change == "gone":
        shutil.rmtree(folder)
    elif change == "messages":
        said["messages"] = {"text": 1}
    elif change == "place":
        said["outputs"]["."] = out.stat().st_size
    elif change == "other":
        said["folder"] = ".sub-02-making-01234567"
        os.rename(folder, out / said["folder"])
    record.write_text(json.dumps(said))
    assert not task.is_done
    # A damaged record names no files as ours.
    force = change in ("force", "messages", "place")
    assert carry_out(task, force=force).status == "done"
    assert (tmp_path / "made.txt").read_text().split() == ["sub-01"] * 2
    assert files(tmp_path)["sub-01/dwi/b.txt"] == task.asked["text"]
    assert task.is_done


@pytest.mark.parametrize("link", [".sub-01-making-01234567", "sub-01", "dwi/b.txt"])
def test_nothing_is_moved_from_behind_a_link(tmp_path, link):
    task, out = toy(tmp_path, 1), tmp_path / "out"
    carry_out(task)
    folder = out / ".sub-01-making-01234567"
    (folder / "sub-01/dwi").mkdir(parents=True)
    os.replace(out / "sub-01/dwi/b.txt", folder / "sub-01/dwi/b.txt")
    linked = next(
        each for each in (folder, *folder.rglob("*")) if str(each).endswith(link)
    )
    linked.rename(tmp_path / "mine")
    linked.symlink_to(tmp_path / "mine")
    before = sorted((tmp_path / "mine").rglob("*"))
    said = record_of(task) | {"state": "moving", "folder": folder.name}
    (out / "logs/sub-01.json").write_text(json.dumps(said))
    assert carry_out(task).status == "done"
    assert (tmp_path / "made.txt").read_text().split() == ["sub-01"] * 2
    assert (tmp_path / "mine").exists()
    assert sorted((tmp_path / "mine").rglob("*")) == before
    assert not (out / "sub-01/dwi/b.txt").is_symlink()


def test_a_record_names_nothing_outside(tmp_path):
    task = toy(tmp_path, 1)
    carry_out(task)
    (tmp_path / "precious.txt").write_text("text")
    path = tmp_path / "out/logs/sub-01.json"
    said = record_of(task)
    said["outputs"]["../precious.txt"] = 4
    path.write_text(json.dumps(said))
    assert not task.is_done
    carry_out(task, force=True)
    assert (tmp_path / "precious.txt").exists()


def test_two_processes_do_not_work_on_the_same(tmp_path):
    task = toy(tmp_path, 1)
    with FileLock(tmp_path / "out/logs/.sub-01.lock"):
        assert carry_out(task).status == "busy"
        found = []
        other = threading.Thread(
            target=lambda: found.append(carry_out(task, wait=True))
        )
        other.start()
        other.join(0.1)
        assert found == []
    other.join()
    assert found[0].status == "done"


def test_a_worker_with_other_software_is_refused(tmp_path):
    task = toy(tmp_path, 1)
    versions = {**task.asked["versions"], "dipy_tractogen": "0.0.1"}
    other = dataclasses.replace(task, asked={**task.asked, "versions": versions})
    found = carry_out(other)
    assert found.status == "failed"
    assert "dipy_tractogen" in found.reason
    assert "0.0.1" in found.reason


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_interrupt_waits_until_files_are_at_their_places(tmp_path, monkeypatch, step):
    def interrupted(*given):
        INTERRUPTS._interrupt()
        go_on(*given)

    go_on = getattr(os, step)
    monkeypatch.setattr(os, step, interrupted)
    monkeypatch.setattr(INTERRUPTS, "_times", [])
    work = toy(tmp_path, 1)
    with pytest.raises(KeyboardInterrupt):
        carry_out(work)
    assert work.is_done
