import json
import os

import pytest

from dipy_tractogen.tuning.journal import JournalFile, check_journal, new_journal
from dipy_tractogen.tuning.study import BetaStudy
from dipy_tractogen.utils.disk import WriteError


def make(path, betas=(0.0,)):
    return BetaStudy(path, {}, betas=betas, ranges={}, nb_trials=0, seed=0)


def measure(chosen):
    return {"point_error_mm": 1.0, "quality": 1.0, "kl_nats": 1.0, "active_units": 1}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_journal_is_where_it_is_named(tmp_path):
    folder = tmp_path / "run%201" / "what?mode=memory" / "a#b [1] 100% {SCHEMA}"
    folder.mkdir(parents=True)
    make(folder / "sweep.journal").run(measure)
    assert names(tmp_path) == ["run%201"]
    assert names(folder) == ["sweep.journal"]
    assert len(make(folder / "sweep.journal").rows(0)) == 1


@pytest.mark.parametrize(
    "contents",
    [b"streamlines" * 100, b"\0", b"[0]\n", b'{"op_code":4}\n', b"[" * 10**5, b'"a"\n'],
)
@pytest.mark.parametrize("force", [False, True])
def test_another_file_is_no_way_for_a_new_search(tmp_path, contents, force):
    path = tmp_path / "AF.trk"
    path.write_bytes(contents)
    with (
        pytest.raises(ValueError, match=r"AF\.trk is no journal"),
        new_journal(path, force=force),
    ):
        pytest.fail("entered")
    assert path.read_bytes() == contents
    assert names(tmp_path) == ["AF.trk"]


def test_line_without_an_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dipy_tractogen.tuning.journal._LONGEST_LINE", 10**4)
    path = tmp_path / "sweep.journal"
    make(path)
    check_journal(path)
    with path.open("ab") as stream:
        stream.write(b" " * 10**4)
    with pytest.raises(ValueError, match="no line as long"):
        make(path)


def replace(path, error, *, is_begun):
    """Begin a search in place of another, which ends by an error."""
    with new_journal(path, force=True):
        study = make(path, betas=(1.0,))
        study._enqueue_missing()
        if is_begun:
            study._study.ask()
        raise error


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_search_that_never_began_leaves_things_as_they_were(tmp_path, error):
    path = tmp_path / "sweep.journal"
    with pytest.raises(type(error)):
        replace(path, error, is_begun=False)
    assert names(tmp_path) == []
    make(path)
    before = path.read_bytes()
    with pytest.raises(type(error)):
        replace(path, error, is_begun=False)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["sweep.journal"]


def test_search_with_a_trial_is_kept(tmp_path):
    path = tmp_path / "sweep.journal"
    make(path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        replace(path, KeyboardInterrupt(), is_begun=True)
    assert not path.read_bytes().startswith(before)
    assert names(tmp_path) == ["sweep.journal"]


@pytest.mark.parametrize("left", [None, b""], ids=["no file", "empty file"])
def test_search_that_a_killed_process_set_aside_is_brought_back(tmp_path, left):
    path = tmp_path / "sweep.journal"
    make(path)
    before = path.read_bytes()
    path.rename(tmp_path / ".sweep-0123abcd.journal")
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(FileExistsError, match=r"sweep\.journal"), new_journal(path):
        pytest.fail("entered")
    assert path.read_bytes() == before
    assert names(tmp_path) == ["sweep.journal"]


@pytest.mark.parametrize("is_begun", [True, False])
def test_search_set_aside_is_kept_until_another_is_begun(tmp_path, is_begun):
    path, aside = (
        tmp_path / name for name in ("sweep.journal", ".sweep-0123abcd.journal")
    )
    make(path)
    aside.write_bytes(path.read_bytes())
    (tmp_path / ".sweep-of-mine.journal").write_text("mine")
    with pytest.raises(KeyboardInterrupt):
        replace(path, KeyboardInterrupt(), is_begun=is_begun)
    assert aside.exists()
    with pytest.raises(FileExistsError), new_journal(path):
        pytest.fail("entered")
    assert aside.exists() is not is_begun
    assert ".sweep-of-mine.journal" in names(tmp_path)


def test_search_that_is_there_is_kept(tmp_path):
    path = tmp_path / "sweep.journal"
    make(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"sweep\.journal"), new_journal(path):
        pytest.fail("entered")
    assert path.read_bytes() == before


def test_link_is_replaced_and_what_it_points_to_stays(tmp_path):
    target, path = tmp_path / "other.journal", tmp_path / "sweep.journal"
    make(target)
    before = target.read_bytes()
    path.symlink_to(target)
    with new_journal(path, force=True):
        make(path)
    assert target.read_bytes() == before
    assert not path.is_symlink()


def test_file_of_the_name_of_the_lock_is_kept(tmp_path):
    lock = tmp_path / "sweep.journal.lock"
    lock.write_text("mine")
    with pytest.raises(ValueError, match=r"journal\.lock has the name of the lock"):
        make(tmp_path / "sweep.journal")
    assert names(tmp_path) == ["sweep.journal.lock"]


def test_line_of_a_killed_write_is_left_out(tmp_path):
    path = tmp_path / "sweep.journal"
    study = make(path, betas=(0.0, 1.0))
    with path.open("ab") as stream:
        stream.write(b'{"op_code":4,"wor')
    study.run(measure)
    assert [row["beta"] for row in make(path, betas=(0.0, 1.0)).rows(0)] == [0, 1]
    assert all(map(json.loads, path.read_bytes().splitlines()))


def test_full_disk_leaves_no_part_of_a_line(tmp_path, monkeypatch):
    path = tmp_path / "sweep.journal"
    study, write = make(path), os.write
    before = path.read_bytes()

    def limited(file, data):
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return write(file, data[:10])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", limited)
        with pytest.raises(WriteError, match=r"sweep\.journal cannot be written \(No"):
            study.run(measure)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["sweep.journal"]
    study.run(measure)
    assert len(study.rows(0)) == 1


def test_journal_that_is_gone_is_not_made_anew(tmp_path):
    path = tmp_path / "sweep.journal"
    journal = JournalFile(path)
    path.unlink()
    with pytest.raises(OSError, match=r"sweep\.journal"):
        journal.append_logs([{"op_code": 0}])
    assert names(tmp_path) == []
