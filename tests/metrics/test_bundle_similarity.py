from itertools import pairwise

from dipy.segment.bundles import bundle_shape_similarity
from dipy.tracking.utils import density_map
from nibabel.affines import apply_affine
from nibabel.streamlines import ArraySequence
import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.metrics import bundle_similarity as volume
from dipy_tractogen.metrics.bundle_similarity import (
    Grid,
    find_clusters,
    shape_similarity,
    voxel_incidence,
)
from dipy_tractogen.streamlines.reference import Reference

OBLIQUE = [[1.9, -0.6, 0, 60], [0.6, 1.9, 0, 30], [0, 0, 2.5, 1], [0, 0, 0, 1]]


def incidences(*sets, voxel_size=2.0):
    return voxel_incidence(sets, Grid.of_size(voxel_size))


def volume_overlap(candidates, reference):
    found = volume.volume_overlap(*incidences(candidates, reference))
    return {name: each and each.value for name, each in found.items()}


def nb_voxels(points, grid):
    return voxel_incidence([points], grid)[0].shape[1]


def test_shifted_bundle_has_known_overlap(lines):
    # Ten rows of voxels each, one of 2 mm for each line; seven rows in common.
    reference = lines(2.0 * np.arange(10))
    shifted = lines(2.0 * np.arange(3, 13))
    found = volume_overlap(shifted, reference)
    assert found == pytest.approx({"dice": 0.7, "overlap": 0.7, "overreach": 0.3})


def test_part_of_a_bundle_has_known_overlap(lines):
    reference = lines(2.0 * np.arange(10))
    found = volume_overlap(reference[:4], reference)
    assert found == pytest.approx({"dice": 8 / 14, "overlap": 0.4, "overreach": 0})
    found = volume_overlap(reference, reference[:4])
    assert found == pytest.approx({"dice": 8 / 14, "overlap": 1, "overreach": 1.5})


def test_bundles_far_apart_do_not_overlap(lines):
    found = volume_overlap(lines([0, 4]), lines([50, 54]))
    assert found == {"dice": 0, "overlap": 0, "overreach": 1}


def dense(points):
    return [
        np.concatenate([np.linspace(a, b, 30) for a, b in pairwise(line)])
        for line in points.astype(float)
    ]


def test_volume_is_that_of_the_density_map_of_dipy(curves):
    affine = np.diag([2.5, 2.5, 2.5, 1])
    expected = np.sum(density_map(dense(curves[:40]), affine, (80, 80, 9)) > 0)
    assert_allclose(nb_voxels(curves[:40], Grid.of_size(2.5)), expected, rtol=0.05)


def test_an_oblique_grid_is_that_of_the_density_map_of_dipy(curves):
    # Part of the phantom is beyond this grid.
    affine, dimensions = np.array(OBLIQUE), (40, 50, 3)
    line = np.concatenate(dense(curves[:40]))
    voxels = np.rint(apply_affine(np.linalg.inv(affine), line))
    inside = ((voxels >= 0) & (voxels < dimensions)).all(axis=1)
    assert 0.2 < inside.mean() < 0.9
    expected = np.sum(density_map([line[inside]], affine, dimensions) > 0)
    found = nb_voxels(curves[:40], Grid.of(Reference(affine, dimensions)))
    assert_allclose(found, expected, rtol=0.05)


def test_a_file_without_an_image_has_no_grid():
    with pytest.raises(ValueError, match="give an image"):
        Grid.of(Reference(np.eye(4), (1, 1, 1)))


def test_steps_longer_than_a_voxel_leave_no_holes(lines):
    assert nb_voxels(lines([0.0], nb_points=3), Grid.of_size(2.0)) == 21


def test_each_streamline_has_its_own_voxels(lines):
    ours, theirs = incidences(lines([0, 4, 4.1]), lines([0]))
    assert_allclose(np.asarray(ours.sum(axis=1)).ravel(), [21, 21, 21])
    assert ours.shape == (3, 42)
    assert theirs.shape == (1, 42)


def test_few_points_are_held_at_a_time(curves, monkeypatch):
    (whole,) = voxel_incidence([curves], Grid.of_size(1.0))
    held = []
    resample = volume.resample

    def watched(points, nb_points):
        held.append(len(points) * nb_points)
        return resample(points, nb_points)

    monkeypatch.setattr(volume, "resample", watched)
    monkeypatch.setattr(volume, "_MOST_POINTS", 5000)
    (found,) = voxel_incidence([curves], Grid.of_size(1.0))
    assert len(held) > 10
    assert max(held) <= 5000
    assert (found != whole).nnz == 0


def test_parts_are_what_is_lost_without_a_streamline(curves):
    ours, theirs = incidences(curves[:12], curves[10:24])
    found = volume.volume_overlap(ours, theirs)
    for name, estimate in found.items():
        without = [
            volume.volume_overlap(ours[np.arange(12) != row], theirs)[name].value
            for row in range(12)
        ]
        expected = np.mean(without) - without
        assert_allclose(estimate.candidates, expected, atol=1e-6)
        without = [
            volume.volume_overlap(ours, theirs[np.arange(14) != row])[name].value
            for row in range(14)
        ]
        assert_allclose(estimate.reference, np.mean(without) - without, atol=1e-6)


def test_no_streamlines_fill_nothing(lines):
    assert nb_voxels(lines([]), Grid.of_size(2.0)) == 0
    assert set(volume_overlap(lines([0]), lines([])).values()) == {None}
    found = volume_overlap(lines([]), lines([0]))
    assert found == {"dice": 0, "overlap": 0, "overreach": 0}


@pytest.mark.parametrize("voxel_size", [0, -1, np.nan, np.inf])
def test_impossible_voxels_are_refused(voxel_size):
    with pytest.raises(ValueError, match="voxel_size"):
        Grid.of_size(voxel_size)


def similarity(ours, theirs):
    return shape_similarity(find_clusters(ours), find_clusters(theirs)).value


def test_shape_similarity_of_known_bundles(lines):
    bundle = lines([0, 3, 6, 9])
    assert similarity(bundle, bundle[:, ::-1]) == 1
    assert similarity(bundle, bundle + 100) == 0
    # Only two of either bundle, at 6, 9 and 9, 12, are within 6 mm of the other.
    assert similarity(bundle, lines([9, 12, 15, 18])) == 0.5


def test_shape_similarity_is_that_of_dipy(curves):
    ours, theirs = curves[:60], curves[60:120]
    rng = np.random.default_rng(0)
    expected = bundle_shape_similarity(
        ArraySequence(list(ours)), ArraySequence(list(theirs)), rng
    )
    assert similarity(ours, theirs) == pytest.approx(expected, abs=0.05)


def test_an_empty_bundle_has_no_similar_shape(lines):
    assert similarity(lines([]), lines([0, 1])) == 0


def test_each_cluster_stands_by_one_of_its_streamlines(curves):
    clusters = find_clusters(curves[:300])
    assert len(set(clusters.members)) == len(clusters.members) <= 250
    found = shape_similarity(clusters, find_clusters(curves[:40]))
    assert np.shape(found.candidates) == (300,)
    assert set(np.flatnonzero(found.candidates)) == set(clusters.members)
