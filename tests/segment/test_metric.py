"""Distances of latents are those of what they are decoded to."""

import numpy as np
import pytest

from dipy_tractogen.segment.metric import LatentMetric

RNG = np.random.default_rng(0)
POINTS = np.linspace(0, 1, 10)


def decode(z):
    """A line along x; two latents move it, by 20 and by 0.5 mm, one does nothing."""
    points = np.zeros((len(z), 10, 3))
    points[..., 0] = 60 * POINTS
    points[..., 1] += 20 * z[:, :1]
    points[..., 2] += 0.5 * z[:, 2:3]
    return points


@pytest.fixture(scope="module")
def z():
    return RNG.normal(size=(300, 3)).astype(np.float32)


def rms(first, second):
    return np.sqrt(np.sum((decode(first) - decode(second)) ** 2, axis=2).mean(axis=1))


def distance(metric, first, second):
    gap = metric.transform(first) - metric.transform(second)
    return np.linalg.norm(gap, axis=1)


def test_distances_are_those_of_the_points(z):
    metric = LatentMetric(decode).fit(z)
    assert metric.factor_.shape == (3, 3)
    expected = rms(z[:100], z[100:200])
    np.testing.assert_allclose(
        distance(metric, z[:100], z[100:200]), expected, rtol=1e-3
    )


def test_latents_that_depend_on_each_other(z):
    """Two latents that do the same: their difference is worth nothing."""

    def same(z):
        return decode(np.column_stack([z[:, 0] + z[:, 1], 0 * z[:, 0], z[:, 2]]))

    metric = LatentMetric(same).fit(z)
    there = z[:50] + np.array([1, -1, 0], np.float32)
    np.testing.assert_allclose(distance(metric, z[:50], there), 0, atol=0.02)
    there = z[:50] + np.array([1, 1, 0], np.float32)
    np.testing.assert_allclose(distance(metric, z[:50], there), 40, rtol=1e-3)


def test_a_bent_decoder_counts_by_its_mean(z):
    """Worth 30 mm a unit for half the latents, 10 for the others."""

    def bent(z):
        slope = np.where(z[:, :1] > 0, 30, 10)
        return decode(np.column_stack([slope * z[:, :1] / 20, 0 * z[:, :2]]))

    metric = LatentMetric(bent).fit(np.sign(z))
    one = np.array([[1, 0, 0]], np.float32)
    share = (z[:, 0] > 0).mean()
    unit = np.sqrt(share * 30**2 + (1 - share) * 10**2)
    # A part of the latents is drawn.
    np.testing.assert_allclose(distance(metric, one, 0 * one), unit, rtol=0.02)


def test_errors_are_one_more_coordinate(z):
    metric = LatentMetric(decode).fit(z)
    coordinates = metric.transform(z[[0, 0]], np.array([0.5, 3.0]))
    assert coordinates.shape == (2, 4)
    assert coordinates.dtype == np.float32
    gap = np.diff(coordinates, axis=0)[0]
    np.testing.assert_allclose(gap[:3], 0)
    assert abs(gap[3]) > 2.5


def test_latents_beyond_all_measure_stay_finite():
    wild = np.array([[1e30, -1e30, 0]], np.float32)
    coordinates = LatentMetric.from_factor(20 * np.eye(3)).transform(
        wild, np.array([1e9])
    )
    assert np.isfinite(coordinates).all()
    assert np.isfinite(np.linalg.norm(coordinates))


def test_no_latents_and_no_decoder_are_refused(z):
    with pytest.raises(ValueError, match="decode=None: give the decoder"):
        LatentMetric().fit(z)
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 3\)\)"):
        LatentMetric(decode).fit(np.zeros((0, 3)))


def test_names_of_before_warn(z):
    metric = LatentMetric(decode, seed=1).fit(z)
    with pytest.warns(DeprecationWarning, match="LatentMetric.of is now fit"):
        old = LatentMetric.of(decode, z, 1)
    with pytest.warns(DeprecationWarning, match="is now transform"):
        coordinates = old.coordinates(z, np.ones(300))
    np.testing.assert_array_equal(coordinates, metric.transform(z, 1.0))
    with pytest.warns(DeprecationWarning, match="is now factor_"):
        np.testing.assert_array_equal(old.factor, metric.factor_)
