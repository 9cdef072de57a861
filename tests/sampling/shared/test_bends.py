import numpy as np
import pytest

from dipy_tractogen.sampling.shared.bends import (
    NB_BANDS,
    NB_BENDS,
    bends_of,
    curves_of,
    noise_of,
)

STEP_MM = 0.8


@pytest.fixture(scope="module")
def counts():
    return np.tile([120, 60], 30)


def described(points, counts):
    """What `curves_of` draws streamlines of, from streamlines (3, N)."""
    starts = np.cumsum(counts) - counts
    lines = np.split(points, starts[1:], axis=1)
    chords = np.stack([line[:, -1] - line[:, 0] for line in lines])
    lengths = [np.linalg.norm(np.diff(line), axis=0).sum() for line in lines]
    return bends_of(points, counts), noise_of(points, counts), chords, np.array(lengths)


def rough(counts, turn, seed=0):
    """Streamlines of equal steps in a bent bundle, with turns of a size in radian."""
    rng = np.random.default_rng(seed)
    lines = []
    for count in counts:
        angles = np.linspace(0, 1.5, count - 1) + rng.normal(0, 0.1)
        steps = np.stack([np.cos(angles), np.sin(angles), 0 * angles])
        steps += np.cumsum(rng.normal(0, turn, steps.shape), axis=1)
        steps *= STEP_MM / np.linalg.norm(steps, axis=0)
        line = np.cumsum(np.column_stack([np.zeros(3), steps]), axis=1)
        lines.append(line - line.mean(axis=1, keepdims=True))
    return np.concatenate(lines, axis=1)


@pytest.mark.parametrize("turn", [0, 0.02])
def test_drawn_streamlines_are_as_rough_as_real_ones(counts, turn):
    points = rough(counts, turn)
    given = described(points, counts)
    drawn = curves_of(*given, counts, np.random.default_rng(1))
    again = described(drawn, counts)
    np.testing.assert_allclose(again[3], given[3], rtol=1e-6)
    np.testing.assert_allclose(again[2], given[2], atol=0.3)
    np.testing.assert_allclose(again[0][:, :4], given[0][:, :4], atol=4)
    away = np.linalg.norm(drawn - points, axis=0).mean()
    if turn:
        np.testing.assert_allclose(again[1][:, :-1], given[1][:, :-1], atol=0.6)
        # Not the streamlines themselves.
        assert 0.02 < away < 1
    else:
        # Waves that decode as they are would have a curvature many times as large.
        sizes = [
            np.linalg.norm(np.diff(x, n=2), axis=0).mean() for x in (points, drawn)
        ]
        np.testing.assert_allclose(sizes[1], sizes[0], rtol=0.1)
        assert away < 0.05


def test_energies_are_those_that_are_asked_for(counts):
    given = described(rough(counts, 0.02), counts)
    noise = given[1].copy()
    noise[:, :-1] = np.linspace(-9, -7, NB_BANDS)
    noise[:, -1] = np.log(0.01)
    drawn = curves_of(given[0], noise, *given[2:], counts, np.random.default_rng(1))
    found = noise_of(drawn, counts)
    # Bands without an order have the energy of the nearest one.
    np.testing.assert_allclose(found[:, 3:-1], noise[:, 3:-1], atol=0.1)
    np.testing.assert_allclose(found[:, -1], noise[:, -1], atol=0.4)


@pytest.mark.parametrize("count", [2, 3, 5, NB_BENDS + 2, NB_BENDS + 3])
def test_short_streamlines(count):
    counts = np.full(4, count)
    points = rough(counts, 0.05)
    given = described(points, counts)
    drawn = curves_of(*given, counts, np.random.default_rng(0))
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(described(drawn, counts)[3], given[3], rtol=1e-6)
    if count < NB_BENDS:
        np.testing.assert_allclose(drawn, points, atol=0.05)
