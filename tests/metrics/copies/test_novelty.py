import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest

from dipy_tractogen.metrics.copies.novelty import (
    NoveltyRange,
    nearest_distances,
    novelty,
    repetition,
    same_streamlines,
)


def test_nearest_distances_of_known_lines(lines):
    assert_allclose(nearest_distances(lines([0, 9]), lines([2, 8])), [2, 1], rtol=1e-6)
    assert_allclose(nearest_distances(lines([0, 9, 10])), [9, 1, 1], rtol=1e-6)


def test_memorised_streamlines_are_not_new_and_repeat_themselves(curves):
    rng = np.random.default_rng(0)
    training, held_out = curves[:200], curves[200:400]
    copied = rng.integers(0, len(training), 5 * len(training))
    memorised = training[copied] + rng.normal(0, 0.02, (len(copied), 1, 3))
    usual = nearest_distances(held_out, training)
    among_real = nearest_distances(training)
    assert novelty(nearest_distances(memorised, training), usual) < 0.1
    assert repetition(nearest_distances(memorised), among_real) > 0.9


def test_unseen_streamlines_are_new_and_do_not_repeat(curves):
    training, held_out, fresh = curves[:300], curves[300:600], curves[600:]
    usual = nearest_distances(held_out, training)
    assert 0.8 < novelty(nearest_distances(fresh, training), usual) < 1.25
    assert repetition(nearest_distances(fresh), nearest_distances(training)) < 0.05


def test_novelty_is_the_ratio_of_medians():
    assert novelty(np.array([1, 2, 100]), np.array([4, 4, 4])) == 0.5


def test_repetition_is_the_share_below_a_tenth_of_the_median():
    among_real = np.array([5, 10, 400])
    assert repetition(np.array([0.5, 0.99, 1.0, 7]), among_real) == 0.5


def test_copies_repeat_one_another_where_real_ones_do_so_too():
    """The median among real ones is zero, and nothing is below a tenth of that."""
    assert repetition(np.array([0, 0, 1e-4, 7]), np.zeros(3)) == 0.75


@pytest.mark.parametrize(("ours", "real"), [([], [1]), ([1], []), ([1], [0])])
def test_novelty_without_a_scale_is_none(ours, real):
    assert novelty(np.array(ours), np.array(real)) is None


@pytest.mark.parametrize(("ours", "real"), [([], [1]), ([1], [])])
def test_repetition_of_nothing_is_none(ours, real):
    assert repetition(np.array(ours), np.array(real)) is None


def test_same_streamlines_are_found_from_either_end(curves):
    others = np.concatenate([curves[3:5, ::-1] + 1e-3, curves[600:700]])
    expected = np.zeros(50, dtype=bool)
    expected[3:5] = True
    assert_array_equal(same_streamlines(curves[:50], others), expected)
    assert not same_streamlines(curves[:50], others[:2] + 0.02).any()


def lines(*heights):
    """Straight lines of 40 mm, side by side."""
    points = np.zeros((len(heights), 30, 3), dtype=np.float32)
    points[..., 0] = np.linspace(0, 40, 30)
    points[..., 1] = np.array(heights)[:, None]
    return points


def test_streamlines_near_and_far_from_the_training_are_told_apart():
    training = lines(0, 10)
    # Stored from the other end, a copy stays a copy.
    made = np.concatenate([lines(0.2)[:, ::-1], lines(2, 11, 14, 30)])
    for low, high, expected in (
        (0.5, np.inf, [0, 1, 1, 1, 1]),
        (0, 3.0, [1, 1, 1, 0, 0]),
        (0.5, 3.0, [0, 1, 1, 0, 0]),
    ):
        accepted = NoveltyRange(training, low, high).accepts(made)
        np.testing.assert_array_equal(accepted, expected)


def test_impossible_ranges_are_refused():
    with pytest.raises(ValueError, match="from 3 to 2 mm"):
        NoveltyRange(lines(0), 3, 2)
    with pytest.raises(ValueError, match="no training streamline"):
        NoveltyRange(lines(0)[:0], 1)
