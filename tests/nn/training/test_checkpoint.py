"""A training that is broken off and resumed gives what it would have given."""

import csv
import json

import numpy as np
import pytest

from dipy_tractogen.nn import (
    AAE,
    AE,
    VAE,
    AttributeRegularizer,
    LabelRegularizer,
    backend,
)
from dipy_tractogen.nn.training import checkpoint as module
from dipy_tractogen.nn.training import trainer
from dipy_tractogen.nn.training.callbacks import KeepBest
from dipy_tractogen.nn.training.checkpoint import Checkpoint
from dipy_tractogen.nn.training.history import HistoryTable

EPOCHS = 20


class Killed(BaseException):
    """Ends a training as a kill does, whatever would catch an error."""


@pytest.fixture(autouse=True)
def _write_at_every_round(monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_BETWEEN", 0.0)


def small(*, compiled=False, **options):
    """Make a model with all kinds of state: seeds, a schedule, moving averages."""
    network = {"hidden_units": (8,), "batch_normalisation": True}
    model = VAE(24, 3, beta_schedule="linear", backbone_options=network, **options)
    model.backbone.steps_per_validation = 6
    if compiled:
        model.backbone.steps_per_call = 3
        model.backbone.steps_worth_compiling = 1
    return model


def adversarial():
    """Make a model with two players, draws of a prior, and fading regularisers."""
    model = AAE(
        24,
        2,
        prior="swiss_roll",
        adversarial_loss="wasserstein",
        discriminator_units=(8,),
        regularizers=[LabelRegularizer(), AttributeRegularizer({"length": 1})],
        backbone_options={"hidden_units": (8,)},
    )
    model.backbone.steps_per_validation = 6
    return model


KINDS = {
    "plain": small,
    "compiled": lambda: small(compiled=True),
    "adversarial": adversarial,
}


def train(model, arrays, folder=None, *, resume=False, **options):
    given = {"epochs": EPOCHS, "batch_size": 50, "patience": 1.0, **options}
    history = None
    if folder is not None:
        folder.mkdir(exist_ok=True)
        history = folder / "history.csv"
    model.fit(
        **arrays, checkpoint_dir=folder, resume=resume, history_file=history, **given
    )
    return model


def kill_after(monkeypatch, rounds, error=Killed):
    """Break a training off after so many rounds; later ones go through."""
    end_of_round = Checkpoint.on_epoch_end
    left = [rounds]

    def count(self, epoch, logs=None):
        end_of_round(self, epoch, logs)
        left[0] -= 1
        if left[0] == 0:
            raise error

    monkeypatch.setattr(Checkpoint, "on_epoch_end", count)


def assert_same(model, expected):
    """Compare weights, history, latents and density, bit by bit."""
    assert len(model.network.variables) == len(expected.network.variables)
    for one, two in zip(model.network.variables, expected.network.variables):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    assert without_seconds(model.record.history) == without_seconds(
        expected.record.history
    )
    np.testing.assert_array_equal(model.generate(20)[0], expected.generate(20)[0])


def without_seconds(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def rows_of(path):
    with open(path, encoding="utf-8") as stream:
        return without_seconds(csv.DictReader(stream))


@pytest.fixture(scope="module", params=KINDS)
def unbroken(request, arrays, tmp_path_factory):
    folder, make = tmp_path_factory.mktemp("unbroken"), KINDS[request.param]
    return train(make(), arrays, folder), folder, make


def test_broken_training_goes_on_as_if_nothing_had_been(
    unbroken, arrays, tmp_path, monkeypatch
):
    """It is killed, and one is killed again, when all steps are made."""
    expected, folder, make = unbroken
    nb_rounds = len(expected.record.history)
    assert nb_rounds > 3
    kills = [(2, False), (nb_rounds - 2, True)]
    if make is not small:
        del kills[1]
    for rounds, resume in kills:
        with monkeypatch.context() as patch:
            kill_after(patch, rounds)
            with pytest.raises(Killed):
                train(make(), arrays, tmp_path, resume=resume)
    killed_after = sum(rounds for rounds, _ in kills)
    assert len(rows_of(tmp_path / "history.csv")) == killed_after
    (tmp_path / ".checkpoint-0123abcd.npz").write_bytes(b"half of a state")
    model = train(make(), arrays, tmp_path, resume=True)
    assert_same(model, expected)
    assert len(list(tmp_path.iterdir())) == 2
    assert rows_of(tmp_path / "history.csv") == rows_of(folder / "history.csv")


@pytest.mark.skipif(
    backend.backend_name() == "tensorflow", reason="calls are compiled to be as long"
)
def test_training_goes_on_by_its_plan_on_another_device(arrays, tmp_path, monkeypatch):
    def make():
        return small(compiled=True)

    expected = train(make(), arrays, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(Killed):
            train(make(), arrays, tmp_path / "broken")
    monkeypatch.setattr(backend.current(), "pace", lambda: (2, 2))
    monkeypatch.setattr(trainer, "_FEWEST_CALLS", 1)
    monkeypatch.setattr(trainer, "_FEWEST_VALIDATIONS", 1)
    model = train(make(), arrays, tmp_path / "broken", resume=True)
    assert_same(model, expected)


def test_end_of_the_steps_is_kept(unbroken, arrays, monkeypatch):
    """What is broken off afterwards makes no steps again."""
    expected, folder, make = unbroken
    rows = rows_of(folder / "history.csv")
    (folder / "history.csv").unlink()
    monkeypatch.setattr("keras.Model.fit", None)
    model = train(make(), arrays, folder, resume=True)
    assert_same(model, expected)
    assert rows_of(folder / "history.csv") == rows


def test_interrupt_leaves_the_best_model_and_can_be_resumed(
    arrays, tmp_path, monkeypatch, capsys
):
    kill_after(monkeypatch, 2, KeyboardInterrupt)
    kept = []
    end = KeepBest.on_train_end
    monkeypatch.setattr(
        KeepBest, "on_train_end", lambda self, logs=None: kept.append(self) or end(self)
    )
    model = small()
    with pytest.raises(KeyboardInterrupt):
        train(model, arrays, tmp_path, show_progress=True)
    assert "Training" in capsys.readouterr().err
    assert model.record.parameters["interrupted"] is True
    assert [row["step"] for row in model.record.history] == [6, 12]
    for one, two in zip(model.network.get_weights(), kept[0].weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert model.generate(5)[0].shape == (5, 24, 3)
    resumed = train(small(), arrays, tmp_path, resume=True)
    assert resumed.record.parameters["interrupted"] is False
    assert resumed.record.history[-1]["step"] > 12


def test_interrupt_before_the_first_round_leaves_nothing(arrays, monkeypatch):
    def interrupt(self, epoch, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(KeepBest, "on_epoch_end", interrupt)
    model = small()
    with pytest.raises(KeyboardInterrupt):
        train(model, arrays)
    assert model.record.density is None


def test_interrupt_before_the_first_step(arrays, monkeypatch):
    def interrupt(self, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(HistoryTable, "on_train_begin", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(AE(24, 2), arrays, show_progress=True)


def test_nothing_to_resume_is_a_start(arrays, tmp_path, caplog):
    caplog.set_level("INFO", "dipy_tractogen")
    model = train(AE(24, 2), arrays, tmp_path / "new", resume=True, epochs=1)
    assert "holds no training: starting one" in caplog.text
    assert model.record.history[-1]["step"] == 2


def test_resumption_needs_a_folder(arrays):
    with pytest.raises(ValueError, match="checkpoint_dir"):
        train(AE(24, 2), arrays, resume=True)


@pytest.fixture(scope="module")
def unfinished(arrays, tmp_path_factory):
    """A folder that a killed training left."""
    folder = tmp_path_factory.mktemp("unfinished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SECONDS_BETWEEN", 0.0)
        kill_after(patch, 1)
        with pytest.raises(Killed):
            train(small(), arrays, folder)
    return folder


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (small, {"epochs": 30}, r"epochs \(20, now 30\)"),
        (small, {"seed": 4}, r"seed \(0, now 4\)"),
        (lambda: small(beta=3.0), {}, r"beta \(1.0, now 3.0\)"),
        (lambda: AE(24, 3), {}, r"model \(VAE, now AE\)"),
    ],
)
def test_other_settings_are_not_resumed(unfinished, arrays, make, options, said):
    with pytest.raises(ValueError, match=said):
        train(make(), arrays, unfinished, resume=True, **options)


def test_other_data_are_not_resumed(unfinished, arrays):
    others = {**arrays, "points": arrays["points"] + 1}
    with pytest.raises(ValueError, match="another data"):
        train(small(), others, unfinished, resume=True)


def test_unfinished_training_is_not_overwritten(unfinished, arrays):
    before = (unfinished / "checkpoint.npz").read_bytes()
    with pytest.raises(ValueError, match="unfinished training"):
        train(small(), arrays, unfinished)
    assert (unfinished / "checkpoint.npz").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut short", "text", "pickle"])
def test_damaged_checkpoints_are_refused(arrays, unfinished, tmp_path, damage):
    path = tmp_path / "checkpoint.npz"
    if damage == "cut short":
        path.write_bytes((unfinished / "checkpoint.npz").read_bytes()[:-500])
    elif damage == "text":
        path.write_text("step,loss")
    else:
        state = np.array(json.dumps({"finished": True}), dtype=object)
        np.savez(path, state=state)
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        train(small(), arrays, tmp_path, resume=True)


def in_state(*keys, value):
    """Give what changes an entry of the state."""

    def change(arrays):
        state = json.loads(str(arrays["state"]))
        inner = state
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        arrays["state"] = np.array(json.dumps(state))

    return change


@pytest.mark.parametrize(
    "change",
    [
        in_state("finished", value="no"),
        in_state("budget", value=3),
        in_state("budget", "steps", value=-1),
        in_state("rows", value=[{"loss": "low"}]),
        in_state("rows", value=[{"loss": 1}, {"other": 1}]),
        in_state("best", value=None),
        in_state("best", "step", value=[]),
        lambda arrays: arrays.update(state=np.array("[" * 10**5)),
        lambda arrays: arrays.update(state=np.array(7)),
        lambda arrays: arrays.pop("model_3"),
        lambda arrays: arrays.pop("best_1"),
        lambda arrays: arrays.update(model_0=np.zeros((3, 3), np.float32)),
        lambda arrays: arrays.update(model_0=arrays["model_0"] * np.nan),
        lambda arrays: arrays.update(optimizer_0=-arrays["optimizer_0"]),
        lambda arrays: arrays.update(optimizer_2=np.array("text")),
    ],
)
def test_edited_checkpoints_are_refused(arrays, unfinished, tmp_path, change):
    with np.load(unfinished / "checkpoint.npz") as stored:
        edited = dict(stored)
    change(edited)
    np.savez(tmp_path / "checkpoint.npz", **edited)
    model = small()
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        train(model, arrays, tmp_path, resume=True)
