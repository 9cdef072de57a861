import logging
from types import SimpleNamespace

import numpy as np
import pytest

from dipy_tractogen.nn import AAE
from dipy_tractogen.nn.training.collapse import CollapseWatch, coverage
from dipy_tractogen.streamlines.conditions import Condition, Conditions

RNG = np.random.default_rng(0)


def test_what_is_the_same_is_covered():
    real = RNG.normal(size=(100, 4, 3))
    assert coverage(real, real) == 1
    assert coverage(real, RNG.normal(size=(100, 4, 3))) > 0.8


def test_one_point_covers_little_and_a_far_one_nothing():
    real = RNG.normal(size=(100, 6))
    assert 0 < coverage(real, np.repeat(real[:1], 100, axis=0)) < 0.2
    assert coverage(real, real + 100) == 0


def test_a_part_covers_itself():
    real = RNG.normal(size=(100, 2)) + 50 * (np.arange(100) % 2)[:, None]
    assert coverage(real, real[::2]) == pytest.approx(0.5)


def test_radius_is_that_of_the_neighbour():
    """On a grid the second neighbour of an inner point is one step away."""
    real = np.arange(10.0)[:, None]
    assert coverage(real, real + 0.5, k=1) == 1
    assert coverage(real, np.array([[4.4]]), k=1) == 0.2
    assert coverage(real, np.array([[4.4]]), k=3) == 0.4


@pytest.fixture
def watched(lines):
    """A watch on a model that is not trained, and decodes as is asked of it."""
    values = {"bundle": np.array(["x", "y"])[lines["labels"]]}
    conditions = Conditions(
        [
            Condition("bundle", ("x", "y")),
            Condition("length", mean=60.0, deviation=11.5, low=40.0, high=80.0),
        ]
    )
    model = AAE(24, 2, conditions=conditions, backbone_options={"hidden_units": (8,)})
    features = model.backbone.analyse(lines["points"])
    size = np.linalg.norm(lines["points"][:, -1] - lines["points"][:, 0], axis=-1)
    matrix = conditions.encode({**values, "length": size})
    budget = SimpleNamespace(spent=0.5, steps=70)
    inputs = {"features": features, "conditions": matrix}
    watch = CollapseWatch(model, budget, inputs)
    return watch, model, lines["points"]


def said(caplog):
    return [record for record in caplog.records if record.name == "dipy_tractogen"]


def look(watch):
    logs = {}
    watch.on_epoch_end(0, logs)
    return logs


def decoding(model, points, monkeypatch):
    """Let a model decode real streamlines, others at each call."""
    rng = np.random.default_rng(1)
    monkeypatch.setattr(
        model.coder,
        "decode_channels",
        lambda z, matrix: rng.permutation(points)[: len(z)],
    )


def test_good_streamlines_raise_no_alarm(watched, monkeypatch, caplog):
    watch, model, points = watched
    decoding(model, points, monkeypatch)
    logs = look(watch)
    assert logs["coverage"] > 0.9
    assert logs["prior_coverage"] > 0.9
    assert not said(caplog)


def test_constant_decoder_is_said_once_with_what_to_change(
    watched, monkeypatch, caplog
):
    watch, model, points = watched
    decoding(model, np.repeat(points[:1], len(points), axis=0), monkeypatch)
    assert look(watch)["coverage"] < 0.3
    look(watch)
    (record,) = said(caplog)
    assert record.levelno == logging.WARNING
    assert "After 70 steps" in record.getMessage()
    assert "smaller adversarial_weight" in record.getMessage()


def test_beginning_of_a_training_is_no_collapse(watched, monkeypatch, caplog):
    watch, model, points = watched
    decoding(model, np.zeros_like(points), monkeypatch)
    watch.budget.spent = 0.1
    assert look(watch)["coverage"] == 0
    assert not said(caplog)


def test_too_few_streamlines_are_not_measured(watched):
    watch, model, _ = watched
    few = {"features": np.zeros((10, 24, 3)), "conditions": np.zeros((10, 3))}
    logs = look(CollapseWatch(model, watch.budget, few))
    assert not {"coverage", "prior_coverage"} & set(logs)


def test_looking_changes_nothing(watched):
    """Two looks at one model give the same, and leave its random layers alone."""
    watch, model, _ = watched
    before = [np.array(variable) for variable in model.network.variables]
    assert look(watch) == look(watch)
    for one, two in zip(before, model.network.variables):
        np.testing.assert_array_equal(one, two)
