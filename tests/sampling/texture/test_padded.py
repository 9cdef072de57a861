import numpy as np
import pytest

from dipy_tractogen.sampling.texture import padded

COUNTS = np.array([5, 5, 2, 9, 257])


def curves(points_of):
    """Return curves or slopes of three cosines, and their coefficients."""
    rng = np.random.default_rng(0)
    coefficients = rng.normal(0, 20, (len(COUNTS), 3, 3)).astype(np.float32)
    return points_of(coefficients, COUNTS), coefficients


def test_blocks_have_all_streamlines_by_kind_and_number_of_points(monkeypatch):
    monkeypatch.setattr(padded, "_BLOCK", 7)
    rng = np.random.default_rng(0)
    counts, kinds = rng.integers(2, 9, 40), rng.random(40) < 0.3
    order = np.concatenate(list(padded.blocks_of_similar(counts, kinds)))
    assert sorted(order) == list(range(40))
    keys = list(zip(kinds[order], counts[order]))
    assert keys == sorted(keys)
    assert list(padded.blocks_of_similar(counts[:0], kinds[:0])) == []


def test_points_of_curves_are_sums_of_cosines_and_the_last_is_repeated():
    points, coefficients = curves(padded.curve_points)
    assert points.shape == (3, 5, 257)
    assert points.dtype == np.float32
    for row, count in enumerate(COUNTS):
        at = np.pi * (np.arange(count) + 0.5) / count
        waves = [1, np.sqrt(2) * np.cos(at), np.sqrt(2) * np.cos(2 * at) * (count > 2)]
        expected = sum(w * c[:, None] for w, c in zip(waves, coefficients[row]))
        np.testing.assert_allclose(points[:, row, :count], expected, atol=1e-4)
        last = points[:, row, count - 1 :]
        np.testing.assert_array_equal(last, last[:, :1] + 0 * last)


def test_slopes_run_along_curves():
    points, _ = curves(padded.curve_points)
    slopes, _ = curves(padded.curve_slopes)
    steps = points[:, 4, 2:] - points[:, 4, :-2]
    along = slopes[:, 4, 1:-1]
    sizes = np.linalg.norm(steps, axis=0) * np.linalg.norm(along, axis=0)
    assert (np.sum(steps * along, axis=0) / sizes).min() > 0.9999


def test_two_half_turns_rotate_one_direction_into_another_the_shortest_way():
    rng = np.random.default_rng(0)
    before, after, vectors = rng.normal(size=(3, 3, 50))
    before /= np.linalg.norm(before, axis=0)
    middle = before + after / np.linalg.norm(after, axis=0)

    def turned(vectors):
        half = padded.half_turned(vectors, 3 * before)
        return padded.half_turned(half, 7 * middle)

    np.testing.assert_allclose(
        turned(before), after / np.linalg.norm(after, axis=0), atol=1e-12
    )
    axis = np.cross(before, after, axis=0)
    np.testing.assert_allclose(turned(axis), axis, atol=1e-12)
    sizes = [np.linalg.norm(each, axis=0) for each in (vectors, turned(vectors))]
    np.testing.assert_allclose(*sizes)
    assert np.isfinite(padded.half_turned(vectors, 0 * before)).all()


@pytest.mark.parametrize(("share", "got"), [(1.03, 1.03), (0.5, 1 / 1.05), (2, 1.05)])
def test_lengths_are_set_about_centroids_within_limits(share, got):
    points, _ = curves(padded.curve_points)
    before = [points[:, row, :count].copy() for row, count in enumerate(COUNTS)]
    sizes = padded.lengths(points)
    steps = [np.linalg.norm(np.diff(own), axis=0).sum() for own in before]
    np.testing.assert_allclose(sizes, steps, rtol=1e-5)
    padded.set_lengths(points, COUNTS, share * sizes)
    np.testing.assert_allclose(padded.lengths(points), got * sizes, rtol=1e-4)
    for row, count in enumerate(COUNTS):
        centres = [each.mean(axis=1) for each in (points[:, row, :count], before[row])]
        np.testing.assert_allclose(*centres, atol=1e-3)


def test_ends_are_moved_and_the_other_end_stays():
    points, _ = curves(padded.curve_points)
    before = points.copy()
    moves = np.zeros((5, 2, 3), dtype=np.float32)
    moves[0, 0], moves[1, 1] = (1, 2, 3), (4, 5, 6)
    padded.move_ends(points, COUNTS, moves)
    moved = points - before
    np.testing.assert_allclose(moved[:, 0, [0, 4]].T, [[1, 2, 3], [0] * 3], atol=1e-4)
    np.testing.assert_allclose(moved[:, 1, [0, 4]].T, [[0] * 3, [4, 5, 6]], atol=1e-4)
    assert not moved[:, 2:].any()


def test_weights_of_the_ends_decrease_smoothly():
    weights = padded.endpoint_weights(252).T
    np.testing.assert_array_equal(weights[[0, -1]], [[1, 0], [0, 1]])
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-6)
    assert weights[52, 0] == pytest.approx(0.5, abs=0.02)
    assert (np.diff(weights[:, 0]) < 1e-7).all()
    assert np.abs(np.diff(weights, n=2, axis=0)).max() < 4e-4
