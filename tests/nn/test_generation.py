"""What can be asked of a generation, whatever the model."""

import logging

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.sampling.plausibility import LengthRange, Plausibility
from dipy_tractogen.streamlines.geometry import lengths


@pytest.fixture(scope="module")
def model(model_file):
    return load_model(model_file)


def test_bundles_come_in_the_proportions_asked_for(model):
    _, labels = model.generate(40, proportions={"bundle_2": 0.3, "bundle_1": 0.1})
    np.testing.assert_array_equal(labels, np.repeat([0, 1], [10, 30]))


def test_steps_of_one_size_between_the_same_ends(model):
    points, _ = model.generate(20)
    stepped, _ = model.generate(20, step_size=1.5)
    sizes = lengths(points)
    np.testing.assert_array_equal(stepped._lengths, np.rint(sizes / 1.5) + 1)
    for index in (0, -1):
        ends = np.stack([each[index] for each in stepped])
        np.testing.assert_array_equal(ends, points[:, index])


@pytest.fixture
def longer(model):
    """Accepts the longer half of the streamlines of the first bundle."""
    sizes = lengths(model.generate(100, "bundle_1", seed=9)[0])
    return Plausibility([LengthRange(float(np.median(sizes)))])


@pytest.mark.parametrize("nb_points", [None, 3])
def test_all_are_plausible_before_they_are_resampled(model, longer, nb_points):
    points, _ = model.generate(60, "bundle_1", plausibility=longer, nb_points=nb_points)
    assert len(points) == 60
    assert longer.shortfall == {}
    # A bundle has a few streamlines, about which the others are drawn.
    assert 80 < longer.nb_tried < 240
    low = longer.criteria[0].low
    assert (lengths(points) >= low).all() == (nb_points is None)


def test_what_is_missing_is_logged_and_known(model, longer, caplog):
    limits = {"plausibility": longer, "max_tries": 1}
    with caplog.at_level(logging.WARNING, "dipy_tractogen"):
        points, _ = model.generate(60, "bundle_1", **limits)
    assert 0 < len(points) < 60
    assert longer.shortfall == {"bundle_1": 60 - len(points)}
    assert f"{60 - len(points)} streamlines are missing: bundle_1" in caplog.text


def test_criteria_alone_are_refused(model):
    with pytest.raises(ValueError, match="type LengthRange: give a Plausibility"):
        model.generate(5, plausibility=LengthRange(10))


def test_nothing_plausible_is_an_error(model):
    with pytest.raises(ValueError, match="No streamline is plausible"):
        model.generate(20, plausibility=Plausibility([LengthRange(1e4)]), max_tries=3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"proportions": {"bundle_1": 1}, "balanced": True}, "leave out one"),
        ({"proportions": {"bundle_1": 1}, "bundles": "bundle_2"}, "leave out one"),
        ({"proportions": {"bundle_1": -1}}, "positive number"),
        ({"proportions": {"fornix": 1}}, "fornix is not in the model"),
        ({"nb_points": 4, "step_size": 1.0}, "give one of them"),
        ({"max_tries": 0}, "max_tries=0"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_batch(model, asked, said):
    with pytest.raises(ValueError, match=said):
        model.generate_batches(5, **asked)
