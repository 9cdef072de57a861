import sqlite3

import pytest

from dipy_tractogen.tuning.database import (
    check_database,
    named_errors,
    new_database,
    open_storage,
)
from dipy_tractogen.tuning.study import BetaStudy
from dipy_tractogen.utils.disk import WriteError


def make(path, betas=(0.0,)):
    return BetaStudy(path, {}, betas=betas, ranges={}, nb_trials=0, seed=0)


def measure(chosen):
    return {"point_error_mm": 1.0, "quality": 1.0, "kl_nats": 1.0, "active_units": 1}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_database_is_where_it_is_named(tmp_path):
    folder = tmp_path / "run%201" / "what?mode=memory" / "a#b [1] 100% {SCHEMA}"
    for each in (folder, tmp_path / "run 1"):
        each.mkdir(parents=True)
    make(folder / "sweep.db").run(measure)
    assert names(tmp_path) == ["run 1", "run%201"]
    assert names(tmp_path / "run%201") == ["what?mode=memory"]
    assert names(folder) == ["sweep.db"]
    assert len(make(folder / "sweep.db").rows(0)) == 1
    assert names(tmp_path / "run 1") == []


@pytest.mark.parametrize("contents", [b"streamlines" * 100, b"\0", None])
def test_another_file_is_no_way_for_a_new_search(tmp_path, contents):
    path = tmp_path / "AF.trk"
    if contents is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE other (a)")
        connection.close()
    else:
        path.write_bytes(contents)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"AF\.trk is"), new_database(path):
        pytest.fail("entered")
    assert path.read_bytes() == before
    assert names(tmp_path) == ["AF.trk"]


def pretend(path, *states):
    """Make the tables of a search that are looked at, with trials."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (a)")
        connection.execute("CREATE TABLE trials (state)")
        rows = [(state,) for state in states]
        connection.executemany("INSERT INTO trials VALUES (?)", rows)
    connection.close()
    return path.read_bytes()


def replace(path, error, *states):
    """Begin a search in place of another, which ends by an error."""
    with new_database(path):
        pretend(path, "WAITING", *states)
        raise error


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_search_that_never_began_leaves_things_as_they_were(tmp_path, error):
    path = tmp_path / "sweep.db"
    with pytest.raises(type(error)):
        replace(path, error)
    assert names(tmp_path) == []
    before = pretend(path, "COMPLETE")
    (tmp_path / "sweep.db-journal").write_bytes(b"")
    with pytest.raises(type(error)):
        replace(path, error)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["sweep.db", "sweep.db-journal"]


def test_search_with_a_trial_is_kept(tmp_path):
    path = tmp_path / "sweep.db"
    before = pretend(path, "COMPLETE")
    with pytest.raises(KeyboardInterrupt):
        replace(path, KeyboardInterrupt(), "RUNNING")
    assert path.read_bytes() != before
    assert names(tmp_path) == ["sweep.db"]


def test_link_is_replaced_and_what_it_points_to_stays(tmp_path):
    target, path = tmp_path / "other.db", tmp_path / "sweep.db"
    before = pretend(target, "COMPLETE")
    path.symlink_to(target)
    with new_database(path):
        pretend(path)
    assert target.read_bytes() == before
    assert not path.is_symlink()


def test_file_of_the_name_of_the_lock_is_kept(tmp_path):
    (tmp_path / "sweep.db.lock").write_text("mine")
    with pytest.raises(ValueError, match=r"sweep\.db\.lock has the name of the lock"):
        make(tmp_path / "sweep.db")
    assert names(tmp_path) == ["sweep.db.lock"]


def test_looking_does_not_change_a_database(tmp_path):
    path = tmp_path / "sweep.db"
    pretend(path)
    path.chmod(0o444)
    before = path.stat().st_mtime_ns
    check_database(path)
    assert path.stat().st_mtime_ns == before
    assert names(tmp_path) == ["sweep.db"]


def test_full_disk_and_damage_are_told_apart(tmp_path, monkeypatch):
    path = tmp_path / "sweep.db"
    study, connect = make(path), sqlite3.connect

    def limited(*args, **kwargs):
        # SQLite's own limit stands for a full disk.
        connection = connect(*args, **kwargs)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    study._study._storage._backend.engine.dispose()
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", limited)
        with pytest.raises(WriteError, match=r"sweep\.db cannot be written \(database"):
            study.run(lambda chosen: {**measure(chosen), "long": "a" * 10**6})
    contents = bytearray(path.read_bytes())
    contents[100:3000] = bytes(2900)
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=r"cannot be used|no SQLite"):
        make(path)


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError), named_errors(tmp_path / "a.db"):
        raise KeyError
    storage = open_storage(tmp_path / "a.db", heartbeat_interval=5)
    # There is no such trial: a thread that says so would be seen as a crash.
    storage.record_heartbeat(17)
