from itertools import pairwise

from dipy.segment.bundles import bundle_shape_similarity
from dipy.tracking.utils import density_map
from nibabel.streamlines import ArraySequence
import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.metrics.shape import (
    occupied_voxels,
    shape_similarity,
    volume_overlap,
)


def test_shifted_bundle_has_known_overlap(lines):
    # Ten rows of voxels each, one of 2 mm for each line; seven rows in common.
    reference = lines(2.0 * np.arange(10))
    shifted = lines(2.0 * np.arange(3, 13))
    found = volume_overlap(shifted, reference, voxel_size=2)
    assert found == pytest.approx({"dice": 0.7, "overlap": 0.7, "overreach": 0.3})


def test_part_of_a_bundle_has_known_overlap(lines):
    reference = lines(2.0 * np.arange(10))
    found = volume_overlap(reference[:4], reference, voxel_size=2)
    assert found == pytest.approx({"dice": 8 / 14, "overlap": 0.4, "overreach": 0})
    found = volume_overlap(reference, reference[:4], voxel_size=2)
    assert found == pytest.approx({"dice": 8 / 14, "overlap": 1, "overreach": 1.5})


def test_bundles_far_apart_do_not_overlap(lines):
    found = volume_overlap(lines([0, 4]), lines([50, 54]))
    assert found == {"dice": 0, "overlap": 0, "overreach": 1}


def test_volume_is_that_of_the_density_map_of_dipy(curves):
    found = len(occupied_voxels(curves[:40], voxel_size=2.5))
    dense = [
        np.concatenate([np.linspace(a, b, 30) for a, b in pairwise(line)])
        for line in curves[:40].astype(float)
    ]
    expected = np.sum(density_map(dense, np.diag([2.5, 2.5, 2.5, 1]), (80, 80, 9)) > 0)
    assert_allclose(found, expected, rtol=0.05)


def test_steps_longer_than_a_voxel_leave_no_holes(lines):
    assert len(occupied_voxels(lines([0.0], nb_points=3), voxel_size=2.0)) == 21


def test_no_streamlines_fill_nothing(lines):
    assert len(occupied_voxels(lines([]))) == 0
    assert set(volume_overlap(lines([0]), lines([])).values()) == {None}
    found = volume_overlap(lines([]), lines([0]))
    assert found == {"dice": 0, "overlap": 0, "overreach": 0}


@pytest.mark.parametrize("voxel_size", [0, -1, np.nan, np.inf])
def test_impossible_voxels_are_refused(lines, voxel_size):
    with pytest.raises(ValueError, match="voxel_size"):
        volume_overlap(lines([0]), lines([0]), voxel_size=voxel_size)


def test_shape_similarity_of_known_bundles(lines):
    bundle = lines([0, 3, 6, 9])
    assert shape_similarity(bundle, bundle[:, ::-1]) == 1
    assert shape_similarity(bundle, bundle + 100) == 0
    # Only two of either bundle, at 6, 9 and 9, 12, are within 6 mm of the other.
    assert shape_similarity(bundle, lines([9, 12, 15, 18])) == 0.5


def test_shape_similarity_is_that_of_dipy(curves):
    ours, theirs = curves[:60], curves[60:120]
    rng = np.random.default_rng(0)
    expected = bundle_shape_similarity(
        ArraySequence(list(ours)), ArraySequence(list(theirs)), rng
    )
    assert shape_similarity(ours, theirs) == pytest.approx(expected, abs=0.05)


def test_an_empty_bundle_has_no_similar_shape(lines):
    assert shape_similarity(lines([]), lines([0, 1])) == 0
