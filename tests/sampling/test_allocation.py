"""The shares of a number of streamlines."""

import numpy as np
import pytest

from dipy_tractogen.sampling.allocation import balanced, bundle_proportions, share
from dipy_tractogen.streamlines.conditions import Condition


def test_shares_follow_the_weights_and_add_up():
    np.testing.assert_array_equal(share(1000, np.array([10, 20, 70])), [100, 200, 700])
    np.testing.assert_array_equal(share(1, np.array([0.2, 0.5, 0.3])), [0, 1, 0])
    for number in (1, 2, 17, 999):
        counts = share(number, np.ones(3))
        assert counts.sum() == number
        assert np.ptp(counts) <= 1


@pytest.mark.parametrize("number", [0, -3])
def test_impossible_numbers_are_refused(number):
    with pytest.raises(ValueError, match=f"nb_streamlines={number}"):
        share(number, np.ones(3))


def test_balanced_weights_keep_the_shares_within_a_group():
    weights = balanced(np.array([0.1, 0.3, 0.6, 0.0]), np.array([0, 0, 1, 2]))
    np.testing.assert_allclose(weights, [0.25, 0.75, 1, 0])


def test_proportions_of_bundles_are_read_by_name():
    bundle = Condition("bundle", ("a", "b", "c"))
    np.testing.assert_allclose(
        bundle_proportions(bundle, {"c": 2, "a": 0.5}), [0.5, 0, 2]
    )


@pytest.mark.parametrize(
    ("proportions", "said"),
    [
        ({}, "name one bundle or more"),
        ({"a": 0}, "The proportion of a is 0"),
        ({"a": float("nan")}, "positive number"),
        ({"d": 1}, "bundle d is not in the model"),
    ],
)
def test_impossible_proportions_are_refused(proportions, said):
    with pytest.raises(ValueError, match=said):
        bundle_proportions(Condition("bundle", ("a", "b")), proportions)
