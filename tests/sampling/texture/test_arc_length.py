import numpy as np
import pytest

from dipy_tractogen.sampling.texture import arc_length
from dipy_tractogen.sampling.texture.arc_length import (
    equal_steps,
    with_equal_steps,
)
from dipy_tractogen.streamlines.geometry import lengths

NB_POINTS = 100


@pytest.fixture(scope="module")
def lines():
    """Straight lines of 80 mm and waves across them."""
    rng = np.random.default_rng(0)
    along = np.linspace(0, 1, NB_POINTS)
    means = np.zeros((50, NB_POINTS, 3), dtype=np.float32)
    means[..., 0] = 80 * along
    waves = np.zeros_like(means)
    height = rng.uniform(1, 2, (50, 1))
    waves[..., 1] = height * np.sin(2 * np.pi * (6 * along + rng.random((50, 1))))
    return means, waves


def step_ratios(points):
    steps = np.linalg.norm(np.diff(points, axis=1), axis=2)
    return steps.max(axis=1) / steps.min(axis=1)


def uneven(lines):
    """The waves, with points that lie close together at one end."""
    means, waves = lines
    places = (NB_POINTS - 1) * np.linspace(0, 1, NB_POINTS) ** 2
    points = [
        np.stack([np.interp(places, range(NB_POINTS), axis) for axis in line.T], axis=1)
        for line in means + waves
    ]
    return np.stack(points).astype(np.float32)


def test_steps_are_equal_and_ends_stay(lines):
    points = uneven(lines)
    assert step_ratios(points).min() > 30
    even, sizes = equal_steps(points, 80)
    assert even.shape == (50, 80, 3)
    assert step_ratios(even).max() < 1.0501
    np.testing.assert_allclose(sizes, lengths(even), rtol=1e-6)
    np.testing.assert_allclose(even[:, [0, -1]], points[:, [0, -1]], atol=1e-4)
    assert (sizes < lengths(points)).all()
    assert (sizes > 0.98 * lengths(points)).all()
    still_one = equal_steps(0 * points[:2], 80)
    assert (still_one[1] > 0).all()


def test_lengths_are_kept_where_points_are_laid_anew(lines, monkeypatch):
    points = uneven(lines)
    whole = with_equal_steps(points)
    monkeypatch.setattr(arc_length, "CHUNK", 7)
    even = with_equal_steps(points)
    np.testing.assert_allclose(even, whole, atol=1e-4)
    assert step_ratios(even).max() < 1.0501
    np.testing.assert_allclose(lengths(even), lengths(points), rtol=1e-5)
    assert with_equal_steps(points, 12).shape == (50, 12, 3)
