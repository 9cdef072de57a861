import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.metrics.samples import (
    draw_matched_samples,
    matched_sizes,
    prepare,
)


@pytest.fixture
def sets(lines):
    """Held-out, generated and training lines; their offsets tell them apart."""

    def make(offset, counts):
        nb_lines = sum(counts)
        labels = np.repeat(np.arange(len(counts)), counts)
        return prepare(lines(offset + np.arange(nb_lines)), labels)

    return make(0, [6, 4]), make(100, [20, 9]), make(200, [12, 8])


def offsets(streamlines):
    return streamlines.points[:, 0, 1]


def test_prepared_streamlines_keep_their_order_and_labels(lines):
    prepared = prepare(lines([3, 1, 2], nb_points=50), np.array([0, 1, 0]))
    assert prepared.points.shape == (3, 20, 3)
    assert_allclose(offsets(prepared), [3, 1, 2])
    assert_allclose(prepared.attributes["length"], 40, rtol=1e-5)
    bundle = prepared.of_bundle(0)
    assert_allclose(offsets(bundle), [3, 2])
    assert len(bundle.attributes["length"]) == len(bundle.labels) == 2


def test_without_labels_all_are_of_one_bundle(lines):
    assert_array_equal(prepare(lines([0, 1])).labels, [0, 0])


def test_draws_have_one_composition(sets):
    real, generated, training = sets
    draws = list(draw_matched_samples(real, generated, training, nb_draws=3, seed=0))
    assert len(draws) == 3
    for draw in draws:
        for part in (draw.reference, draw.generated, draw.baseline):
            assert_array_equal(np.bincount(part.labels), [6, 4])
        assert_allclose(np.sort(offsets(draw.reference)), np.arange(10))
        assert np.all(offsets(draw.generated) // 100 == 1)
        assert np.all(offsets(draw.baseline) // 100 == 2)
        assert len(np.unique(offsets(draw.generated))) == 10
    assert not np.array_equal(offsets(draws[0].generated), offsets(draws[1].generated))


def test_draws_are_fixed_by_the_seed(sets):
    def drawn(seed):
        (draw,) = draw_matched_samples(*sets, nb_draws=1, seed=seed)
        return offsets(draw.generated)

    assert_array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))


def test_without_training_real_ones_are_halved(sets):
    real, generated, _ = sets
    for draw in draw_matched_samples(real, generated, None, nb_draws=4, seed=0):
        halves = [offsets(draw.reference), offsets(draw.baseline)]
        assert_allclose(np.sort(np.concatenate(halves)), np.arange(10))
        assert_array_equal(np.bincount(draw.generated.labels), [3, 2])


def test_sizes_are_those_of_the_smallest_set(sets):
    real, generated, training = sets
    assert matched_sizes(*sets) == {0: 6, 1: 4}
    assert matched_sizes(real, generated.take([0, 1, 25]), training) == {0: 2, 1: 1}
    assert matched_sizes(real, generated, training.take([0, 1, 2, 15])) == {0: 3, 1: 1}


def test_bundle_that_was_not_trained_on_sets_no_limit(sets):
    real, generated, training = sets
    trained = training.of_bundle(0)
    assert matched_sizes(real, generated, trained) == {0: 6, 1: 4}
    (draw,) = draw_matched_samples(real, generated, trained, nb_draws=1, seed=0)
    assert_array_equal(np.bincount(draw.generated.labels), [6, 4])
    assert_array_equal(np.bincount(draw.baseline.labels), [6])


def test_wrong_number_of_labels_is_refused(lines):
    with pytest.raises(ValueError, match="3 streamlines with labels of shape"):
        prepare(lines([0, 1, 2]), np.array([0, 1]))


def test_points_that_are_not_finite_are_refused(lines):
    bad = lines([0, 1])
    bad[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        prepare(bad)
