from dipy.tracking.distances import bundles_distances_mdf
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.metrics.distances import NB_POINTS, mdf, mdf_points


def test_parallel_lines_are_as_far_as_they_are_apart(lines):
    distances = mdf(lines([0, 3]), lines([1, 5, 10]))
    assert_allclose(distances, [[1, 5, 10], [2, 2, 7]], rtol=1e-6)


def test_distance_does_not_depend_on_the_direction_of_storage(curves):
    distances = mdf(curves[:30], curves[30:80])
    assert_allclose(mdf(curves[:30, ::-1], curves[30:80]), distances, rtol=1e-5)
    assert_allclose(mdf(curves[:30], curves[30:80, ::-1]), distances, rtol=1e-5)


def test_flip_is_of_the_whole_streamline(lines):
    (line,) = lines([0.0])
    half_turned = np.concatenate([line[:10], line[:9:-1]])
    assert mdf(line[None], line[None, ::-1])[0, 0] == 0
    assert mdf(line[None], half_turned[None])[0, 0] > 5


def test_distances_are_those_of_dipy(curves):
    expected = bundles_distances_mdf(list(curves[:20]), list(curves[20:50]))
    assert_allclose(mdf(curves[:20], curves[20:50]), expected, rtol=1e-5)


def test_points_for_distances_are_at_equal_arc_length(lines):
    uneven = lines([0.0], length=100.0, nb_points=50)
    uneven[0, :, 0] **= 2
    points = mdf_points(uneven)
    assert points.shape == (1, NB_POINTS, 3)
    assert_allclose(np.diff(points[0, :, 0]), 1e4 / (NB_POINTS - 1), rtol=1e-4)


def test_no_streamlines_have_no_distances(lines):
    assert mdf(lines([]), lines([1, 2])).shape == (0, 2)


def test_different_numbers_of_points_are_refused(lines):
    with pytest.raises(ValueError, match=r"\(1, 20, 3\) and \(1, 30, 3\).*mdf_points"):
        mdf(lines([0]), lines([0], nb_points=30))


def test_points_that_are_not_finite_are_refused(lines):
    bad = lines([0, 1])
    bad[1, 3, 2] = np.nan
    with pytest.raises(ValueError, match="finite"):
        mdf(lines([0]), bad)


def test_input_is_not_changed(curves):
    before = curves.copy()
    mdf(curves[:5], curves[:5])
    assert_array_equal(curves, before)
