import csv
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dipy_tractogen.nn import (
    AAE,
    VAE,
    ConvBackbone,
    SpectralBackbone,
    TrainingDivergedError,
    TrainingOptions,
    backend,
)
from dipy_tractogen.nn.training.callbacks import KeepBest
from dipy_tractogen.nn.training.trainer import plan_steps

from ..compilation import watch_compilation


def small(**options):
    return VAE(24, 4, backbone_options={"hidden_units": (16,)}, **options)


@pytest.fixture(scope="module")
def short(arrays):
    model = small()
    model.fit(**arrays, epochs=10, batch_size=21)
    return model


def test_epochs_settle_the_steps(short, arrays):
    assert len(arrays["points"]) == 63
    assert short.record.history[-1]["step"] == 30


def test_backbone_says_what_was_not_asked_for(short):
    assert short.record.parameters["learning_rate"] == short.backbone.learning_rate
    assert short.record.parameters["batch_size"] == 21
    given = TrainingOptions(learning_rate=0.1).for_backbone(ConvBackbone(256), 1000)
    assert (given.learning_rate, given.batch_size) == (0.1, 128)


def test_large_data_are_trained_on_in_larger_batches(arrays, monkeypatch, caplog):
    monkeypatch.setattr("dipy_tractogen.nn.training.options.DEFAULT_STEPS", 20)
    monkeypatch.setattr(SpectralBackbone, "batch_size", 4)
    model = small()
    with caplog.at_level("INFO", "dipy_tractogen"):
        model.fit(**arrays, epochs=8)
    used = model.record.parameters
    # Twice as many in a step would make fewer than twenty of them.
    assert (used["batch_size"], used["learning_rate"]) == (16, 4e-3)
    assert model.record.history[-1]["step"] == 32
    assert "Steps of 16 streamlines, at a learning rate of 0.004" in caplog.text


def test_adversary_keeps_the_batch_of_the_backbone(arrays, monkeypatch):
    monkeypatch.setattr("dipy_tractogen.nn.training.options.DEFAULT_STEPS", 20)
    monkeypatch.setattr(SpectralBackbone, "batch_size", 4)
    model = AAE(24, 4, backbone_options={"hidden_units": (16,)})
    model.fit(**arrays, epochs=8)
    used = model.record.parameters
    assert (used["batch_size"], used["learning_rate"]) == (4, 2e-3)


def test_weights_decay_by_a_share_of_the_learning_rate(short, arrays):
    """At a hundredth a step they lose a good part over the cosine of 30 steps."""
    model = small()
    model.fit(**arrays, epochs=10, batch_size=21, weight_decay=5.0)

    def size(model):
        return np.linalg.norm(model.network.encoder.get_weights()[0])

    kept = np.prod(1 - 5.0 * np.array([0.002 * share for share in cosine(30)]))
    assert size(model) / size(short) == pytest.approx(kept, abs=0.05)


def cosine(nb_steps):
    """Learning rate of each step over the first one."""
    spent = np.arange(nb_steps) / nb_steps
    return 0.01 + 0.99 * (1 + np.cos(np.pi * spent)) / 2


def test_time_limits_the_steps(arrays):
    model = small()
    model.fit(**arrays, max_minutes=0.005, patience=1)
    last = model.record.history[-1]
    assert 0.3 <= last["seconds"] < 5
    assert last["learning_rate"] == pytest.approx(2e-5)


def test_history_is_a_table_and_progress_is_shown(arrays, tmp_path, capsys):
    model = small()
    model.backbone.steps_per_validation = 2
    path = tmp_path / "history.csv"
    model.fit(**arrays, epochs=5, history_file=path, show_progress=True)
    assert "Training 100%" in capsys.readouterr().err
    with pytest.raises(FileExistsError, match=r"history\.csv"):
        model.fit(**arrays, epochs=1, history_file=path)
    with open(path, encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(model.record.history) > 1
    for column in ("step", "loss", "kl", "reconstruction_mm", "val_loss", "seconds"):
        written = [float(row[column]) for row in rows]
        kept = [row[column] for row in model.record.history]
        np.testing.assert_allclose(written, kept, rtol=1e-6)


def test_best_weights_are_kept(arrays, monkeypatch):
    """The loss that the kept weights give is the best of the history."""
    model = small()
    given = {**arrays, "points": arrays["points"][:10], "labels": arrays["labels"][:10]}
    given["bundle_names"] = arrays["bundle_names"][:2]
    given["held_out"] = arrays["held_out"][arrays["held_out_labels"] < 2]
    given["held_out_labels"] = arrays["held_out_labels"][arrays["held_out_labels"] < 2]
    best = []
    end = KeepBest.on_train_end
    monkeypatch.setattr(
        KeepBest, "on_train_end", lambda self, logs=None: best.append(self) or end(self)
    )
    model.fit(**given, epochs=450, learning_rate=0.1, patience=0.2)
    losses = [row["val_loss"] for row in model.record.history]
    step = model.record.history[int(np.argmin(losses))]["step"]
    assert best[0].best_step == model.record.parameters["kept_step"] == step
    assert step < model.record.history[-1]["step"]


def test_weights_are_kept_once_the_schedules_have_settled(monkeypatch):
    budget = SimpleNamespace(spent=0.0, steps=0)
    keep = KeepBest(budget, patience=0.3, settled_after=0.7)
    weights = [None]
    keep.set_model(SimpleNamespace(stop_training=False))
    monkeypatch.setattr(backend.current(), "weights_of", lambda network: weights[0])
    losses = {0.2: 1.0, 0.5: 2.0, 0.75: 3.0, 0.8: 4.0, 1.0: 3.5}
    kept = []
    for budget.spent, loss in losses.items():
        weights[0] = budget.spent
        keep.on_epoch_end(0, {"val_loss": loss})
        kept.append(keep.weights)
    assert kept == [0.2, 0.5, 0.75, 0.75, 0.75]
    assert not keep.model.stop_training


def test_training_without_held_out_streamlines(arrays, capsys):
    model = small()
    model.fit(arrays["points"], epochs=3)
    assert capsys.readouterr().err == ""
    assert model.record.bundle_names == ["bundle_0"]
    assert model.record.held_out_mm == {}
    assert model.generate(4)[0].shape == (4, 24, 3)


@pytest.mark.skipif(
    backend.backend_name() == "torch", reason="PyTorch has no graph of a step"
)
def test_a_step_is_traced_once(arrays, monkeypatch):
    """Tracing takes most of a short training."""
    traced = []
    step = keras.Model.train_step

    def watched(model, *given):
        traced.append(model)
        return step(model, *given)

    monkeypatch.setattr(keras.Model, "train_step", watched)
    model = small()
    model.fit(arrays["points"], epochs=1)
    assert traced == [model.network]


def test_divergence_says_what_to_change(arrays):
    with pytest.raises(TrainingDivergedError, match="smaller learning_rate"):
        small(log_var_limit=None).fit(**arrays, epochs=5, learning_rate=100)


def test_lack_of_memory_is_said_in_a_line(arrays, monkeypatch):
    def exhaust(*args, **kwargs):
        raise RuntimeError("OOM\nwhen allocating")

    monkeypatch.setattr("keras.Model.fit", exhaust)
    monkeypatch.setattr(backend.current(), "is_out_of_memory", lambda error: True)
    with pytest.raises(MemoryError, match=r"^a step on 50 .* smaller batch_size\)$"):
        small().fit(arrays["points"], batch_size=50)


@pytest.mark.parametrize("place", ["held_out", "compiled"])
def test_lack_of_memory_outside_of_the_steps(short, arrays, monkeypatch, place):
    """As with held-out data on the device, or the batches of the texture."""

    def exhaust(*args, **kwargs):
        raise RuntimeError("OOM\nwhen allocating")

    current = backend.current()
    monkeypatch.setattr(
        current, "is_out_of_memory", lambda error: isinstance(error, RuntimeError)
    )
    if place == "held_out":
        monkeypatch.setattr(current.Training, "held_out", exhaust)
        with pytest.raises(MemoryError, match="smaller batch_size"):
            small().fit(**arrays)
    else:
        monkeypatch.setitem(short.coder._functions, "decode", exhaust)
        with pytest.raises(MemoryError, match="more than the device has free"):
            short.decode(np.zeros((1, 4)))


def test_direction_of_storage_does_not_change_the_training(short, arrays):
    turned = {**arrays, "points": arrays["points"].copy()}
    turned["points"][::3] = turned["points"][::3, ::-1]
    other = small()
    other.fit(**turned, epochs=10, batch_size=21)
    for one, two in zip(short.network.get_weights(), other.network.get_weights()):
        np.testing.assert_array_equal(one, two)


def test_compiled_training_does_as_the_plain_one(arrays, monkeypatch):
    plain, compiled = small(), small()
    of_plain, of_compiled = watch_compilation(plain), watch_compilation(compiled)
    plain.fit(**arrays, epochs=20)
    compiled.backbone.steps_worth_compiling = 1
    compiled.backbone.steps_per_call = 2
    compiled.fit(**arrays, epochs=20)
    # By XLA; JAX does so in any case.
    name = backend.backend_name()
    assert of_compiled.is_used == (name != "torch")
    assert of_plain.is_used == (name == "jax")
    # Only the learning rate differs: it falls by the step, or by the call.
    assert compiled.record.history[-1]["val_reconstruction_mm"] == pytest.approx(
        plain.record.history[-1]["val_reconstruction_mm"], rel=0.05
    )


def test_calls_and_rounds_are_longer_where_a_device_is_fast(monkeypatch):
    backbone = SpectralBackbone(24)
    options = TrainingOptions(epochs=1000)
    assert plan_steps(options, backbone, 2560, 256) == (10000, 100, 50)
    monkeypatch.setattr(backend.current(), "pace", lambda: (4, 10))
    assert plan_steps(options, backbone, 2560, 256) == (10000, 1000, 200)
    by_time = TrainingOptions(max_minutes=1.0)
    assert plan_steps(by_time, backbone, 2560, 256) == (None, 1000, 200)


@pytest.mark.parametrize("steps", [1, 450, 500, 610, 2000, 6000, 6050, 123456])
@pytest.mark.parametrize("backbone", [SpectralBackbone(24), ConvBackbone(64)])
def test_fast_device_makes_the_steps_of_a_processor(monkeypatch, backbone, steps):
    options = TrainingOptions(epochs=float(steps))
    expected, rounds, per_call = plan_steps(options, backbone, 256, 256)
    monkeypatch.setattr(backend.current(), "pace", lambda: (4, 10))
    found = plan_steps(options, backbone, 256, 256)
    assert found[0] == expected
    assert found[0] % found[2] == found[1] % found[2] == 0
    assert found[0] // found[2] >= min(40, expected // per_call)
    assert found[0] // found[1] >= min(10, expected // rounds)
