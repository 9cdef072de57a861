"""The search itself, with trials that only pretend to train."""

import json
import threading

import optuna
import pytest

from dipy_tractogen.tuning import storage
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
            tmp_path / "study.journal",
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


def test_trial_of_a_process_that_died_is_made_again(make, monkeypatch):
    # Taken, and never heard of again: one before its first sign of life, one after it.
    lost = make()
    lost._enqueue_missing()
    lost._study.ask()
    storage_of = lost._study._storage
    storage_of.record_heartbeat(lost._study.ask()._trial_id)
    monkeypatch.setattr(storage, "SECONDS_OF_SILENCE", 0.2)
    monkeypatch.setattr("dipy_tractogen.tuning.study._POLL_SECONDS", 0.1)
    study = make()
    tried = []
    study.run(lambda chosen: tried.append(chosen["beta"]) or measure(chosen))
    assert sorted(tried) == [0, 1, 4]
    assert tried[0] == 4
    assert [row["beta"] for row in study.rows(0)] == [0, 1, 4]
    assert study.nb_ended() == 3


def test_trial_that_was_given_up_meanwhile_is_no_error(make, caplog):
    """As when a machine sleeps: its trial is made by another, and it goes on."""
    study, other = make(), make()

    def sleep_once(chosen):
        trials = study._study.get_trials(deepcopy=False)
        if len(trials) == 3:
            (running,) = [one for one in trials if one.state.name == "RUNNING"]
            state = optuna.trial.TrialState.FAIL
            other._study._storage.set_trial_state_values(running._trial_id, state)
            other._enqueue_missing()
        return measure(chosen)

    study.run(sleep_once)
    assert [row["beta"] for row in study.rows(0)] == [0, 1, 4]
    assert "it is made again" in caplog.text


def test_trials_that_two_processes_enqueued_are_made_once(make):
    first, second = make(), make()
    for study in (first, second):
        for beta in BETAS:
            study._study.enqueue_trial({"beta": beta})
    tried = []
    first.run(lambda chosen: tried.append(chosen["beta"]) or measure(chosen))
    assert tried == [0, 1, 4]
    assert second.nb_ended() == 3


def test_beta_is_tried_whoever_took_the_last_trial(make):
    """As when the trial of a beta was given up while another process chose one."""
    ranges = {"sigma_mm": (0.5, 2.0)}
    study = make(ranges=ranges, nb_trials=4)
    for beta in BETAS[1:]:
        study._study.enqueue_trial({"beta": beta})
    waiting = optuna.trial.TrialState.WAITING
    for _ in range(2):
        study._study.add_trial(optuna.create_trial(state=waiting))
    assert study._is_left()
    wanted = [number for number in range(5) if study._is_wanted(number)]
    assert wanted == [0, 1, 2, 4]


def test_one_trial_too_many_is_not_made(make):
    study = make()
    study._enqueue_missing()
    study._study.ask()
    late = make()
    late._study.add_trial(optuna.create_trial(state=optuna.trial.TrialState.WAITING))
    assert late._is_wanted(0)
    assert not late._is_wanted(3)


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
    (tmp_path / "study.journal").unlink()
    assert found() == first


def test_other_settings_are_not_mixed(make):
    make()
    with pytest.raises(ValueError, match=r"another epochs \(3, now 4\)"):
        make(settings={"epochs": 4})
    with pytest.raises(ValueError, match="another betas"):
        make(betas=(1.0,))


def test_files_that_are_no_study_are_refused_and_kept(make, tmp_path):
    path = tmp_path / "study.journal"
    path.write_text("step,loss\n" * 200)
    with pytest.raises(ValueError, match="no journal of a search"):
        make()
    assert path.read_text(encoding="utf-8") == "step,loss\n" * 200


def test_verbosity_of_others_is_left_alone(make):
    before = optuna.logging.get_verbosity()
    make().run(measure)
    assert optuna.logging.get_verbosity() == before


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that ended; not to be changed."""
    path = tmp_path_factory.mktemp("whole") / "study.journal"
    study = BetaStudy(
        path, {"epochs": 3}, betas=(0.0, 1.0), ranges={}, nb_trials=0, seed=0
    )
    study.run(measure)
    return path


STUDY, TRIAL, PARAM, STATE, ATTRIBUTE = 0, 4, 5, 6, 8


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        (2, {"user_attr": {"settings": [1]}}),
        (2, {"user_attr": [1]}),
        (ATTRIBUTE, {"user_attr": {"measures": 3}}),
        (ATTRIBUTE, {"user_attr": {"measures": {"quality": "good"}}}),
        (ATTRIBUTE, {"user_attr": {"other": 1}}),
        (ATTRIBUTE, {"trial_id": 10**9}),
        (STATE, {"state": 17}),
        (STATE, {"state": "ODD"}),
        (STATE, {"datetime_complete": "yesterday"}),
        (STATE, {"trial_id": [1]}),
        (PARAM, {"param_value_internal": 7}),
        (PARAM, {"distribution": "{}"}),
        (PARAM, {"distribution": '{"name": "os.system", "attributes": {"a": "ls"}}'}),
        (PARAM, {"distribution": "[" * 10**5}),
        (PARAM, {"param_name": "gamma"}),
        (STUDY, {"directions": [3, 3]}),
        (STUDY, {"directions": [1, 1]}),
        (STUDY, {"directions": []}),
        (STUDY, {"study_name": None, "directions": None}),
        (TRIAL, {"op_code": 99}),
        (TRIAL, {"datetime_start": 3}),
        (TRIAL, {"intermediate_values": {"x": 1}}),
        (TRIAL, {"user_attrs": [1], "params": [3]}),
    ],
)
def test_edited_journals_are_refused(whole, tmp_path, operation, change):
    path = tmp_path / "study.journal"
    lines = [json.loads(line) for line in whole.read_bytes().splitlines()]
    changed = [
        {**one, **change} if one["op_code"] == operation else one for one in lines
    ]
    assert changed != lines
    path.write_text("".join(f"{json.dumps(one)}\n" for one in changed))
    with pytest.raises(ValueError, match=r"study\.journal") as raised:
        BetaStudy(path, {"epochs": 3}, betas=(0.0, 1.0), ranges={}, nb_trials=0, seed=0)
    assert len(str(raised.value).splitlines()) == 1
