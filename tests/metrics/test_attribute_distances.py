import numpy as np
from numpy.testing import assert_allclose
import pytest
from scipy.stats import wasserstein_distance

from dipy_tractogen.metrics import attribute_distances as module
from dipy_tractogen.metrics.attribute_distances import measure_attributes
from dipy_tractogen.streamlines.conversion import to_sequence


def wasserstein_distances(*attributes):
    found = module.wasserstein_distances(*attributes)
    return {name: estimate.value for name, estimate in found.items()}


def half_circle(radius, *, nb_points=200):
    angles = np.linspace(0, np.pi, nb_points)
    points = np.stack([np.cos(angles), np.sin(angles), np.zeros(nb_points)], axis=1)
    return radius * points[None].astype(np.float32)


def test_attributes_of_a_half_circle():
    attributes = measure_attributes(half_circle(20.0))
    assert_allclose(attributes["length"], np.pi * 20, rtol=1e-3)
    assert_allclose(attributes["curvature"], 1 / 20, rtol=0.02)
    assert_allclose(attributes["tortuosity"], np.pi / 2, rtol=1e-3)
    assert 180 < attributes["winding"][0] < 300


def test_lengths_are_along_the_points_as_stored():
    """Resampling would cut the corners of a zigzag."""
    zigzag = np.zeros((1, 151, 3), dtype=np.float32)
    zigzag[0, :, 0] = np.arange(151) * 0.5
    zigzag[0, 1::2, 1] = 0.3
    size = 150 * np.hypot(0.5, 0.3)
    for given in (zigzag, to_sequence(zigzag)):
        found = measure_attributes(given)
        assert_allclose(found["length"], size, rtol=1e-5)
        assert_allclose(found["tortuosity"], size / 75, rtol=1e-5)


def test_attributes_do_not_depend_on_the_spacing_of_points():
    circle = half_circle(20.0, nb_points=400)
    uneven = circle[:, (np.linspace(0, 1, 300) ** 2 * 399).astype(int)]
    kept = np.flatnonzero(np.any(np.diff(uneven[0], axis=0), axis=1))
    found, expected = measure_attributes(uneven[:, kept]), measure_attributes(circle)
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=0.05)


def test_distance_of_shifted_lengths_is_the_shift(lines):
    rng = np.random.default_rng(0)
    lengths = rng.uniform(30, 60, 50)
    reference = np.concatenate([lines([0.0], length=size) for size in lengths])
    longer = np.concatenate([lines([5.0], length=size + 4) for size in lengths])
    found = wasserstein_distances(
        measure_attributes(longer), measure_attributes(reference)
    )
    assert_allclose(found["length_w1"], 4, rtol=1e-3)
    assert_allclose(found["tortuosity_w1"], 0, atol=1e-5)
    assert_allclose(found["curvature_w1"], 0, atol=1e-5)


def test_combed_streamlines_are_told_from_wiggling_ones():
    x = np.linspace(0, 60, 120, dtype=np.float32)
    phases = np.random.default_rng(0).uniform(0, 6, (30, 1))
    wiggling = np.stack(np.broadcast_arrays(x, np.sin(x + phases), 0 * x), axis=-1)
    combed = wiggling * np.array([1, 0.1, 1], dtype=np.float32)
    found = wasserstein_distances(
        measure_attributes(combed), measure_attributes(wiggling)
    )
    assert found["length_w1"] > 5
    assert found["curvature_w1"] > 0.1


def test_means(lines):
    points = np.concatenate([lines([0], length=30), lines([0], length=50)])
    means = module.attribute_means(measure_attributes(points))
    assert_allclose(means["mean_length"].value, 40, rtol=1e-5)
    assert_allclose(means["mean_length"].candidates, [-5, 5], rtol=1e-5)
    assert_allclose(means["mean_tortuosity"].value, 1, rtol=1e-5)
    assert_allclose(means["mean_curvature"].value, 0, atol=1e-4)
    assert_allclose(means["mean_winding"].value, 180, rtol=1e-3)


def test_distances_are_those_of_scipy_and_parts_their_derivatives():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(1, 2, 60), rng.normal(0, 1, 45)
    sets = [dict.fromkeys(module.ATTRIBUTES, each) for each in (ours, theirs)]
    found = module.wasserstein_distances(*sets)["length_w1"]
    assert found.value == pytest.approx(wasserstein_distance(ours, theirs))
    # Weights as after drawing some streamlines more often than others.
    weights = [1 + rng.uniform(-0.02, 0.02, len(each)) for each in (ours, theirs)]
    expected = wasserstein_distance(ours, theirs, *weights) - found.value
    parts = (found.candidates, found.reference)
    change = sum((weight - weight.mean()) @ p for weight, p in zip(weights, parts))
    assert change == pytest.approx(expected, rel=0.05)


def test_two_points_have_no_curvature(lines):
    with pytest.raises(ValueError, match="nb_points=2"):
        measure_attributes(lines([0]), nb_points=2)


def test_empty_sets_are_refused(lines):
    none = {name: values[:0] for name, values in measure_attributes(lines([0])).items()}
    with pytest.raises(ValueError, match="without any"):
        module.wasserstein_distances(none, measure_attributes(lines([0])))
