import numpy as np
import pytest

from dipy_tractogen.metrics.novelty_range import NoveltyRange


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
