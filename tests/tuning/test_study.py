"""The search itself, with trials that only pretend to train."""

from contextlib import closing
import shutil
import sqlite3
import threading

import optuna
import pytest

from dipy_tractogen.tuning import database
from dipy_tractogen.tuning.study import BetaStudy

BETAS = (0.0, 1.0, 4.0)


def measure(chosen):
    error = 1 + chosen["beta"] + abs(chosen.get("sigma_mm", 1) - 1)
    measures = {"point_error_mm": error, "quality": 1 / error}
    return {**measures, "kl_nats": 9.0, "active_units": 2}


@pytest.fixture
def make(tmp_path):
    def study(*, settings=None, betas=BETAS, ranges=None, nb_trials=0):
        return BetaStudy(
            tmp_path / "study.db",
            settings or {"epochs": 3},
            betas=betas,
            ranges=ranges or {},
            nb_trials=nb_trials,
            seed=0,
        )

    return study


def test_every_beta_is_tried_once_and_the_best_named(make):
    study = make()
    ended = []
    study.run(measure, ended.append)
    rows = study.rows(0.0)
    assert [row["beta"] for row in rows] == [0, 1, 4]
    assert [row["recommended"] for row in rows] == [True, False, False]
    assert [row["pareto"] for row in rows] == [True, False, False]
    assert all(row["kl_nats"] == 9 for row in rows)
    assert [row["trial"] for row in ended] == [0, 1, 2]
    assert study.nb_ended() == 3


def test_search_goes_on_where_it_was(make):
    def stop_at_second(chosen):
        if chosen["beta"] == 1:
            raise KeyboardInterrupt
        return measure(chosen)

    with pytest.raises(KeyboardInterrupt):
        make().run(stop_at_second)
    tried = []
    study = make()
    study.run(lambda chosen: tried.append(chosen["beta"]) or measure(chosen))
    assert sorted(tried) == [1, 4]
    assert [row["beta"] for row in study.rows(0)] == [0, 1, 4]
    study.run(pytest.fail)


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_trial_of_a_process_that_died_is_made_again(make, tmp_path):
    study = make()
    # Taken, and never heard of again: one sign of life, long ago.
    lost = study._study.ask()
    study._study._storage.record_heartbeat(lost._trial_id)
    with sqlite3.connect(tmp_path / "study.db") as data:
        data.execute("UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'")
    data.close()
    study.run(measure)
    assert [row["beta"] for row in study.rows(0)] == [0, 1, 4]
    assert study.nb_ended() == 3


def test_several_workers_share_the_trials(make):
    make()
    tried = []

    def work():
        make().run(lambda chosen: tried.append(chosen["beta"]) or measure(chosen))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(tried) == [0, 1, 4]
    assert len(make().rows(0)) == 3


def test_failed_trials_are_reported_and_not_the_end(make):
    def diverge_at_four(chosen):
        if chosen["beta"] == 4:
            raise ValueError("The loss became nan")
        return measure(chosen)

    study = make()
    study.run(diverge_at_four)
    failed = study.rows(0)[-1]
    assert (failed["beta"], failed["state"]) == (4, "fail")
    assert failed["reason"] == "The loss became nan"
    assert not failed.get("recommended")


def test_other_parameters_are_searched_after_the_betas(make, tmp_path):
    ranges = {"sigma_mm": (0.5, 2.0)}

    def found():
        study = make(ranges=ranges, nb_trials=8)
        study.run(measure)
        rows = sorted(study.rows(0), key=lambda row: row["trial"])
        return [(row["beta"], row["sigma_mm"]) for row in rows]

    first = found()
    assert len(first) == 8
    assert [beta for beta, _ in first[:3]] == list(BETAS)
    assert len({sigma for _, sigma in first}) == 8
    (tmp_path / "study.db").unlink()
    assert found() == first


def test_other_settings_are_not_mixed(make):
    make()
    with pytest.raises(ValueError, match=r"another epochs \(3, now 4\)"):
        make(settings={"epochs": 4})
    with pytest.raises(ValueError, match="another betas"):
        make(betas=(1.0,))


def test_files_that_are_no_study_are_refused_and_kept(make, tmp_path):
    path = tmp_path / "study.db"
    path.write_text("step,loss\n" * 200)
    with pytest.raises(ValueError, match="no SQLite database"):
        make()
    assert path.read_text(encoding="utf-8") == "step,loss\n" * 200
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (a)")
    connection.close()
    with pytest.raises(ValueError, match="something else"):
        make()


def test_verbosity_of_others_is_left_alone(make):
    before = optuna.logging.get_verbosity()
    make().run(measure)
    assert optuna.logging.get_verbosity() == before


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that ended; not to be changed."""
    path = tmp_path_factory.mktemp("whole") / "study.db"
    study = BetaStudy(
        path, {"epochs": 3}, betas=(0.0, 1.0), ranges={}, nb_trials=0, seed=0
    )
    study.run(measure)
    return path


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE study_user_attributes SET value_json = '[1]'",
        "UPDATE study_user_attributes SET value_json = '{'",
        f"UPDATE study_user_attributes SET value_json = '{'[' * 5000}'",
        "UPDATE trial_user_attributes SET value_json = '3'",
        """UPDATE trial_user_attributes SET value_json = '{"quality": "good"}'""",
        "UPDATE trial_user_attributes SET key = 'other'",
        "UPDATE trials SET state = 'ODD'",
        "UPDATE trials SET number = 'x'",
        "UPDATE trials SET datetime_start = 'yesterday'",
        "UPDATE trial_params SET param_value = 7",
        "UPDATE trial_params SET distribution_json = '{}'",
        "UPDATE trial_params SET param_name = 'gamma'",
        "UPDATE trial_values SET value = NULL",
        "UPDATE study_directions SET direction = 'UP'",
        "DELETE FROM study_directions",
        "DELETE FROM studies",
        "DROP TABLE trial_user_attributes",
        "CREATE TRIGGER t AFTER UPDATE ON trials BEGIN DELETE FROM studies; END",
        # It would be waited for, for ever.
        "UPDATE trials SET state = 'RUNNING'; DELETE FROM trial_heartbeats",
    ],
)
def test_edited_databases_are_refused(whole, tmp_path, edit, monkeypatch):
    monkeypatch.setattr(database, "_SECONDS_TO_SAY_SO", 0.01)
    path = shutil.copy(whole, tmp_path / "study.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(edit)
    with pytest.raises(ValueError, match=r"study\.db") as raised:
        BetaStudy(path, {"epochs": 3}, betas=(0.0, 1.0), ranges={}, nb_trials=0, seed=0)
    assert len(str(raised.value).splitlines()) == 1
