import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.metrics.texture import texture, texture_distances, texture_means


def half_circle(radius, *, nb_points=200):
    angles = np.linspace(0, np.pi, nb_points)
    points = np.stack([np.cos(angles), np.sin(angles), np.zeros(nb_points)], axis=1)
    return radius * points[None].astype(np.float32)


def test_attributes_of_a_half_circle():
    attributes = texture(half_circle(20.0))
    assert_allclose(attributes["length"], np.pi * 20, rtol=1e-3)
    assert_allclose(attributes["curvature"], 1 / 20, rtol=0.02)
    assert_allclose(attributes["tortuosity"], np.pi / 2, rtol=1e-3)


def test_attributes_do_not_depend_on_the_spacing_of_points():
    circle = half_circle(20.0, nb_points=400)
    uneven = circle[:, (np.linspace(0, 1, 300) ** 2 * 399).astype(int)]
    kept = np.flatnonzero(np.any(np.diff(uneven[0], axis=0), axis=1))
    found, expected = texture(uneven[:, kept]), texture(circle)
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=0.05)


def test_distance_of_shifted_lengths_is_the_shift(lines):
    rng = np.random.default_rng(0)
    lengths = rng.uniform(30, 60, 50)
    reference = np.concatenate([lines([0.0], length=size) for size in lengths])
    longer = np.concatenate([lines([5.0], length=size + 4) for size in lengths])
    found = texture_distances(texture(longer), texture(reference))
    assert_allclose(found["length_w1"], 4, rtol=1e-3)
    assert_allclose(found["tortuosity_w1"], 0, atol=1e-5)
    assert_allclose(found["curvature_w1"], 0, atol=1e-5)


def test_combed_streamlines_are_told_from_wiggling_ones():
    x = np.linspace(0, 60, 120, dtype=np.float32)
    phases = np.random.default_rng(0).uniform(0, 6, (30, 1))
    wiggling = np.stack(np.broadcast_arrays(x, np.sin(x + phases), 0 * x), axis=-1)
    combed = wiggling * np.array([1, 0.1, 1], dtype=np.float32)
    found = texture_distances(texture(combed), texture(wiggling))
    assert found["length_w1"] > 5
    assert found["curvature_w1"] > 0.1


def test_means(lines):
    points = np.concatenate([lines([0], length=30), lines([0], length=50)])
    means = texture_means(texture(points))
    assert_allclose(means["mean_length"], 40, rtol=1e-5)
    assert_allclose(means["mean_tortuosity"], 1, rtol=1e-5)
    assert_allclose(means["mean_curvature"], 0, atol=1e-4)


def test_two_points_have_no_curvature(lines):
    with pytest.raises(ValueError, match="nb_points=2"):
        texture(lines([0]), nb_points=2)


def test_empty_sets_are_refused(lines):
    none = {name: values[:0] for name, values in texture(lines([0])).items()}
    with pytest.raises(ValueError, match="without any"):
        texture_distances(none, texture(lines([0])))
