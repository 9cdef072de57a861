import numpy as np
import pytest

from dipy_tractogen.sampling.texture import arc_length
from dipy_tractogen.sampling.texture.arc_length import (
    add_with_length,
    arc_lengths,
    equal_steps,
    residual_factors,
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


def still(means):
    return np.zeros((len(means), 2, 3), dtype=np.float32)


def test_lengths_are_those_of_the_geometry(lines, monkeypatch):
    points = sum(lines)
    np.testing.assert_allclose(arc_lengths(points), lengths(points), rtol=1e-6)
    whole = arc_lengths(points)
    monkeypatch.setattr(arc_length, "CHUNK", 7)
    np.testing.assert_array_equal(arc_lengths(points), whole)
    assert (arc_lengths(0 * points) > 0).all()


def test_the_factor_that_made_a_length_is_found(lines):
    means, waves = lines
    made = np.random.default_rng(1).uniform(*arc_length.RESIDUAL_FACTORS, 50)
    asked = lengths(means + made[:, None, None] * waves)
    factors, sizes = residual_factors(means, waves, asked)
    np.testing.assert_allclose(factors, made, atol=1e-3)
    np.testing.assert_allclose(sizes, asked, rtol=1e-5)


def test_factors_and_stretch_stay_in_their_limits(lines):
    means, waves = lines
    low, high = arc_length.RESIDUAL_FACTORS
    for share, factor, stretch in (
        (0.5, low, 1 / arc_length.STRETCH),
        (2.0, high, arc_length.STRETCH),
    ):
        asked = share * lengths(means + waves)
        factors, sizes = residual_factors(means, waves, asked)
        np.testing.assert_allclose(factors, factor)
        np.testing.assert_allclose(sizes, lengths(means + factor * waves), rtol=1e-5)
        points = add_with_length(means, waves, asked, still(means), exact=True)
        np.testing.assert_allclose(lengths(points), stretch * sizes, rtol=1e-5)
        even, _ = equal_steps(means + np.float32(factor) * waves, NB_POINTS)
        np.testing.assert_allclose(points.mean(axis=1), even.mean(axis=1), atol=1e-3)


def test_a_residual_that_can_only_lengthen_leaves_the_rest_to_the_stretch(lines):
    means, waves = lines
    asked = np.full(len(means), 78.0)
    points = add_with_length(means, 0 * waves, asked, still(means), exact=True)
    np.testing.assert_allclose(lengths(points), asked, rtol=1e-5)


def test_moved_ends_lie_where_they_were_moved_to_and_others_are_free(lines):
    means, waves = lines
    moves = still(means)
    moves[:, 0, 2] = 4
    # This stretch displaces the ends of a streamline of 80 mm by 0.8 mm.
    asked = 1.02 * lengths(means + waves * arc_length.RESIDUAL_FACTORS[1])
    wanted = (means + waves)[:, 0] + moves[:, 0]
    points = add_with_length(means, waves, asked, moves, exact=True)
    np.testing.assert_allclose(lengths(points), asked, rtol=1e-5)
    # Coarse points cut half a percent of these waves, for which it stretches as well.
    np.testing.assert_allclose(points[:, 0], wanted, atol=0.55)
    assert np.all(points[:, -1, 0] - means[:, -1, 0] > 0.5)
    # Nothing is bent sharply: what a point is moved by hardly differs from the next.
    height = np.diff(points[..., 2], axis=1)
    assert np.abs(height).max() < 0.25


def test_a_length_goes_before_an_end_if_it_is_to_be_exact(lines):
    means, waves = lines
    moves = still(means) + np.float32(0.01)
    asked = 1.045 * lengths(means + waves * arc_length.RESIDUAL_FACTORS[1])
    for exact in (True, False):
        points = add_with_length(means, waves, asked, moves, exact=exact)
        short = 1 - lengths(points) / asked
        off = np.linalg.norm(points[:, 0] - (means + waves)[:, 0] - moves[:, 0], axis=1)
        if exact:
            np.testing.assert_allclose(short, 0, atol=2e-5)
        else:
            sharp = off
    assert short.min() > 0.01
    assert np.median(sharp) < 2


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


def test_textured_streamlines_have_equal_steps_and_the_asked_length(lines):
    means, waves = lines
    means = means * np.linspace(0.5, 1, NB_POINTS, dtype=np.float32)[:, None]
    asked = lengths(means + waves)
    points = add_with_length(means, waves, asked, still(means), exact=True)
    np.testing.assert_allclose(lengths(points), asked, rtol=1e-5)
    assert step_ratios(points).max() < 1.0501
