from dipy.segment.bundles import bundle_shape_similarity
from nibabel.streamlines import ArraySequence
import numpy as np
import pytest

from dipy_tractogen.metrics.shape import find_clusters, shape_similarity


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
