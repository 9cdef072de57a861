import tracemalloc

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.metrics.distances import mdf
from dipy_tractogen.metrics.mdf_search import count_in_balls, nearest


def test_nearest_of_known_lines(lines):
    distances, indices = nearest(lines([0, 10]), lines([9, 2, 4]), k=2)
    assert_allclose(distances, [[2, 4], [1, 6]], rtol=1e-6)
    assert_array_equal(indices, [[1, 2], [0, 2]])


def test_nearest_are_those_of_all_pairs(curves):
    points, others = curves[:400], curves[400:]
    expected = mdf(points, others)
    distances, indices = nearest(points, others, k=5)
    assert_allclose(distances, np.sort(expected, axis=1)[:, :5], rtol=1e-5, atol=1e-4)
    found = np.take_along_axis(expected, indices, axis=1)
    assert_allclose(found, distances, rtol=1e-5, atol=1e-4)


def test_nearest_of_scattered_streamlines_are_those_of_all_pairs():
    rng = np.random.default_rng(1)
    points = rng.normal(0, 20, (300, 20, 3)).cumsum(axis=1).astype(np.float32)
    distances, _ = nearest(points, points[:200] + 1, k=3)
    expected = np.sort(mdf(points, points[:200] + 1), axis=1)[:, :3]
    assert_allclose(distances, expected, rtol=1e-4)


def test_nearest_among_themselves_leaves_out_each_itself(curves):
    expected = mdf(curves, curves)
    np.fill_diagonal(expected, np.inf)
    distances, indices = nearest(curves, k=3)
    assert_allclose(distances, np.sort(expected, axis=1)[:, :3], rtol=1e-5, atol=1e-4)
    assert np.all(indices != np.arange(len(curves))[:, None])


def test_a_copy_is_a_neighbour_at_distance_zero(lines):
    distances, indices = nearest(lines([0, 0, 7]))
    assert_allclose(distances[:, 0], [0, 0, 7])
    assert_array_equal(indices[:2, 0], [1, 0])


def test_search_does_not_depend_on_the_direction_of_storage(curves):
    distances, indices = nearest(curves[:200], curves[200:], k=2)
    turned, same = nearest(curves[:200, ::-1], curves[200:, ::-1], k=2)
    assert_allclose(turned, distances, atol=1e-4)
    assert_array_equal(same, indices)


@pytest.mark.parametrize("nb_points", [2, 7, 9, 16])
def test_any_number_of_points(nb_points):
    points = np.random.default_rng(0).normal(size=(200, nb_points, 3))
    expected = np.sort(mdf(points, points[:150]), axis=1)[:, :2]
    assert_allclose(nearest(points, points[:150], k=2)[0], expected, atol=1e-5)


def test_counts_in_balls_of_known_lines(lines):
    found = count_in_balls(lines([0, 10]), [2.5, 6.5], lines([1, 2, 5, 20]))
    assert_array_equal(found.per_ball, [2, 1])
    assert_array_equal(found.per_point, [1, 1, 1, 0])
    assert_array_equal(found.exclusive_points, [2, 1])
    assert_array_equal(found.exclusive_balls, [0, 0, 1, 0])


def test_balls_are_open(lines):
    assert count_in_balls(lines([0]), [2.0], lines([2, 1.9]))[0] == [1]


def test_counts_in_balls_are_those_of_all_pairs(curves):
    centres, points = curves[:450], curves[450:]
    radii = np.random.default_rng(0).uniform(0, 15, len(centres))
    inside = mdf(centres, points) < radii[:, None].astype(np.float32)
    found = count_in_balls(centres, radii, points)
    assert_array_equal(found.per_ball, inside.sum(axis=1))
    assert_array_equal(found.per_point, inside.sum(axis=0))
    in_one_ball = inside & (inside.sum(axis=0) == 1)
    assert_array_equal(found.exclusive_points, in_one_ball.sum(axis=1))
    single = inside & (inside.sum(axis=1) == 1)[:, None]
    assert_array_equal(found.exclusive_balls, single.sum(axis=0))


def test_nothing_is_in_no_ball(lines):
    found = count_in_balls(lines([0, 1]), [5, 5], lines([]))
    assert_array_equal(found.per_ball, [0, 0])
    assert found.per_point.shape == found.exclusive_balls.shape == (0,)
    assert_array_equal(count_in_balls(lines([]), [], lines([0]))[1], [0])


def test_no_streamlines_have_no_neighbours(lines):
    distances, indices = nearest(lines([]), lines([0, 1]), k=2)
    assert distances.shape == indices.shape == (0, 2)


@pytest.mark.parametrize(("k", "others"), [(0, [1, 2]), (3, [1, 2]), (1, [])])
def test_more_neighbours_than_there_are_is_refused(lines, k, others):
    with pytest.raises(ValueError, match=f"k={k} .* {len(others)} streamlines"):
        nearest(lines([0]), lines(others), k=k)


def test_one_streamline_has_no_neighbour_but_itself(lines):
    with pytest.raises(ValueError, match="among 0 streamlines"):
        nearest(lines([0]))


def test_memory_does_not_hold_all_pairs():
    rng = np.random.default_rng(0)
    shifts = rng.normal(0, 40, (6000, 1, 3)).astype(np.float32)
    points = shifts + np.linspace(0, 50, 8, dtype=np.float32)[None, :, None]
    nearest(points[:10])
    tracemalloc.start()
    nearest(points)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6000**2 * 4 / 4
