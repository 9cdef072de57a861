"""Several processes at one search, in a file and on a server."""

import json
import logging
import subprocess
import sys

import pytest

from dipy_tractogen.tuning.storage import check_address, delete_search, open_storage
from dipy_tractogen.tuning.study import BetaStudy

BETAS = (0.0, 1.0, 4.0)
WORKER = """
import json, sys, time
from dipy_tractogen.tuning import storage, study

storage.SECONDS_OF_SILENCE, storage._SECONDS_BETWEEN_SIGNS = 3, 0.3
study._POLL_SECONDS = 0.1
place, kind = sys.argv[1:]

def measure(chosen):
    print(json.dumps(chosen), flush=True)
    time.sleep(1000 if kind == "hangs" else 0.2)
    error = 1 + chosen["beta"] + chosen["sigma_mm"]
    return {"point_error_mm": error, "quality": 1 / error, "kl_nats": 9.0,
            "active_units": 2}

search = study.BetaStudy(
    place, {"epochs": 3}, betas=(0.0, 1.0, 4.0), ranges={"sigma_mm": (0.5, 2.0)},
    nb_trials=8, seed=0)
search.run(measure)
print(json.dumps(search.rows(0.0)))
"""


def make(place, **options):
    space = {"betas": BETAS, "ranges": {}, "nb_trials": 0, "seed": 0}
    return BetaStudy(place, {"epochs": 3}, **{**space, **options})


def measure(chosen):
    error = 1 + chosen["beta"]
    measures = {"point_error_mm": error, "quality": 1 / error}
    return {**measures, "kl_nats": 9.0, "active_units": 2}


def start(place, kind):
    line = [sys.executable, "-c", WORKER, str(place), kind]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)


@pytest.fixture(params=["journal", "server"])
def place(request, tmp_path):
    """Give a new file, or a server without a search."""
    if request.param == "journal":
        return tmp_path / "study.journal"
    address = request.getfixturevalue("server")
    delete_search(address, "beta")
    return address


def test_killed_process_and_two_at_once_make_each_trial_once(place):
    hanging = start(place, "hangs")
    lost = json.loads(hanging.stdout.readline())
    assert lost["beta"] == 0
    workers = [start(place, "works") for _ in range(2)]
    hanging.kill()
    hanging.wait()
    *first, told = workers[0].communicate(timeout=120)[0].splitlines()
    *second, told_as_well = workers[1].communicate(timeout=120)[0].splitlines()
    # Whoever ends last says the same.
    assert told == told_as_well
    rows = json.loads(told)
    made = [tuple(json.loads(line).values()) for line in (*first, *second)]
    assert sorted(made) == sorted((row["beta"], row["sigma_mm"]) for row in rows)
    assert len(set(made)) == len(rows) == 8
    assert {beta for beta, _ in made} == set(BETAS)
    assert first
    assert second


def test_server_goes_on_with_a_search_and_has_several(server):
    delete_search(server, "other")
    make(server, name="other").run(measure)
    make(server, name="other").run(pytest.fail)
    assert make(server, name="third", betas=(1.0,)).nb_ended() == 0
    with pytest.raises(ValueError, match="another betas"):
        make(server, name="other", betas=(1.0,))
    with pytest.raises(FileExistsError, match=r"a search named other.*--study_name"):
        make(server, name="other", is_new=True)
    delete_search(server, "other")
    assert make(server, name="other", is_new=True).nb_ended() == 0


def test_rows_that_no_search_has_written_are_refused(server):
    import sqlalchemy

    engine = sqlalchemy.create_engine(server)
    for edit in (
        "UPDATE study_user_attributes SET value_json = '{'",
        "UPDATE trial_params SET distribution_json = '{}'",
        "UPDATE study_directions SET direction = 'MAXIMIZE'",
    ):
        make(server, name="edited", betas=(1.0,)).run(measure)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(edit))
        with pytest.raises(
            ValueError, match="is not a search, or is damaged"
        ) as raised:
            make(server, name="edited", betas=(1.0,))
        assert len(str(raised.value).splitlines()) == 1
        delete_search(server, "edited")
    engine.dispose()


def test_password_is_not_told(server, caplog):
    user, secret = server.split("@")[0].removeprefix("postgresql://").split(":")
    wrong = server.replace(secret, f"{{0}}%25{secret}")
    caplog.set_level(logging.DEBUG)
    for address in (wrong, server.replace("/postgres", "/none"), f"{server}x?port=1"):
        with pytest.raises(ValueError, match="cannot be used") as raised:
            open_storage(address)
        assert f"postgresql://{user}:***@" in str(raised.value)
        assert secret not in str(raised.value) + caplog.text
    make(server, name="secret")
    with pytest.raises(ValueError, match="another epochs") as raised:
        BetaStudy(
            server,
            {"epochs": 4},
            betas=BETAS,
            ranges={},
            nb_trials=0,
            seed=0,
            name="secret",
        )
    assert secret not in str(raised.value) + caplog.text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:///a.db", "cannot share SQLite"),
        ("a.db", "give the address"),
        ("postgresql://u:sec ret@h:port/name", "give the address"),
        ("other://u:secret@h/name", "other"),
    ],
)
def test_other_addresses_are_refused(address, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=said) as raised:
        check_address(address)
    assert "secret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_driver_is_said():
    with pytest.raises(ImportError, match=r"mysql://u:\*\*\*@h/name needs a driver"):
        open_storage("mysql://u:secret@h/name")


def test_heartbeat_that_fails_is_no_crash(tmp_path):
    # There is no such trial: a thread that says so would be seen as a crash.
    open_storage(tmp_path / "a.journal").record_heartbeat(17)
