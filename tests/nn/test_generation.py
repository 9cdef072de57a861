"""What can be asked of a generation, whatever the model."""

import logging

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.sampling.plausibility import LengthRange, Plausibility
from dipy_tractogen.streamlines.geometry import arc_lengths, lengths


@pytest.fixture(scope="module")
def model(model_file):
    return load_model(model_file)


def test_bundles_come_in_the_proportions_asked_for(model):
    _, labels = model.generate(40, proportions={"bundle_2": 0.3, "bundle_1": 0.1})
    np.testing.assert_array_equal(labels, np.repeat([0, 1], [10, 30]))


def test_steps_of_one_size_between_the_same_ends(model):
    points, _ = model.generate(20)
    stepped, _ = model.generate(20, step_size=1.5)
    sizes = arc_lengths(points)
    np.testing.assert_array_equal(stepped._lengths, np.rint(sizes / 1.5) + 1)
    for index in (0, -1):
        ends = [np.stack([each[index] for each in some]) for some in (stepped, points)]
        np.testing.assert_array_equal(*ends)


def test_points_are_as_dense_as_those_of_the_training(model, phantom):
    points, _ = model.generate(60)
    assert len(set(points._lengths)) > 10
    both = points, phantom.streamlines
    sizes = [arc_lengths(some) / (some._lengths - 1) for some in both]
    assert np.median(sizes[0]) == pytest.approx(np.median(sizes[1]), rel=0.02)
    assert model.generate(4, nb_points=9)[0].shape == (4, 9, 3)


@pytest.fixture
def longer(model):
    """Accepts the longer half of the streamlines of the first bundle."""
    sizes = arc_lengths(model.generate(100, "bundle_1", seed=9)[0])
    return Plausibility([LengthRange(float(np.median(sizes)))])


@pytest.mark.parametrize("nb_points", [None, 3])
def test_all_are_plausible_before_they_are_resampled(model, longer, nb_points):
    points, _ = model.generate(60, "bundle_1", plausibility=longer, nb_points=nb_points)
    assert len(points) == 60
    assert longer.shortfall == {}
    # A bundle has a few streamlines, about which the others are drawn.
    assert 80 < longer.nb_tried < 240
    low = longer.criteria[0].low
    assert (arc_lengths(points) >= low).all() == (nb_points is None)


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


def test_generation_gives_what_is_asked(trained):
    names = trained.record.bundle_names
    points, labels = trained.generate(50, bundles=[names[2], names[5]], seed=1)
    assert points.shape == (50, trained.nb_points, 3)
    assert set(labels) == {2, 5}
    assert np.isfinite(points).all()
    _, labels = trained.generate(70, balanced=True)
    np.testing.assert_array_equal(np.bincount(labels), [10] * 7)


def test_length_is_a_condition_of_every_model(trained):
    low, high = trained.record.length_ranges[0]
    asked = {"length": (low, (low + high) / 2), "bundle": "bundle_1"}
    points, labels, values = trained.generate(
        20, conditions=asked, return_values=True, nb_points=9
    )
    assert points.shape == (20, 9, 3)
    assert set(values) == {"length", "asked_length"}
    assert (values["asked_length"] >= low - 1e-3).all()
    assert (values["asked_length"] <= (low + high) / 2 + 1e-3).all()
    np.testing.assert_allclose(values["length"], lengths(points))
    assert not labels.any()
    free = trained.generate(3, return_values=True)[2]
    assert set(free) == {"length"}


def test_smooth_streamlines_are_as_they_are_decoded(trained):
    smooth, textured = (trained.generate(9, smooth=s)[0] for s in (True, False))
    decoded = next(trained.generate_batches(9, smooth=True))[0]
    np.testing.assert_array_equal(smooth[: len(decoded)], decoded)
    assert not np.allclose(smooth, textured, atol=1e-3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"bundles": "fornix"}, "bundle fornix is not in the model; it has bundle_1"),
        ({"bundles": []}, r"bundle=nothing: it is one of"),
        ({"bundles": "bundle_1", "conditions": {"bundle": "bundle_2"}}, "both given"),
        ({"conditions": {"age": 3}}, "age is no condition of the model"),
        ({"conditions": {"length": "long"}}, "give a number or a range"),
        ({"nb_streamlines": 0}, "nb_streamlines=0"),
    ],
)
def test_what_cannot_be_generated_is_refused(trained, asked, said):
    with pytest.raises(ValueError, match=said):
        trained.generate(**{"nb_streamlines": 5, **asked})


def test_generated_streamlines_are_near_their_bundle_and_vary(trained, arrays):
    points, labels = trained.generate(140, seed=0)
    for label in range(7):
        real = arrays["points"][arrays["labels"] == label].mean(axis=(0, 1))
        made = points[labels == label]
        assert np.linalg.norm(made.mean(axis=(0, 1)) - real) < 15
        assert made.std(axis=0).max() > 0.5


def test_seed_fixes_generation(trained):
    first, again, other = (trained.generate(10, seed=seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.fixture
def drawn(trained, monkeypatch):
    """Count the streamlines that get texture, the first time with half the length."""
    texture = trained.record.texture
    apply, numbers = texture.apply_to_coefficients, []

    def halve_at_first(*given, **options):
        points = apply(*given, **options)
        numbers.append(len(points))
        return points if len(numbers) > 1 else points / 2

    monkeypatch.setattr(texture, "apply_to_coefficients", halve_at_first)
    return numbers


def middle(model, label):
    return float(np.mean(model.record.length_ranges[label]))


def test_streamlines_of_another_length_are_drawn_again(trained, drawn):
    name, length = trained.record.bundle_names[0], middle(trained, 0)
    points, _ = trained.generate(40, name, conditions={"length": length})
    assert drawn[:2] == [40, 40]
    assert lengths(points).min() > 0.7 * length


def test_nothing_is_drawn_again_where_no_length_is_asked(trained, drawn):
    name = trained.record.bundle_names[0]
    trained.generate(40, name)
    assert drawn == [40]
    trained.generate(40, name, conditions={"length": middle(trained, 0)}, smooth=True)
    assert drawn == [40]
