"""How many of each group, and which."""

import numpy as np
import pytest

from dipy_tractogen.sampling.stratified import (
    allocate,
    balanced_weights,
    bundle_proportions,
    sample_each_group,
    shuffled_by_group,
    stratified_sample,
)
from dipy_tractogen.streamlines.conditions import Condition

LABELS = np.random.default_rng(0).permutation(np.repeat([2, 5, 7], [40, 5, 1]))


def test_groups_follow_one_another_each_in_a_random_order():
    order = shuffled_by_group(LABELS, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(order), np.arange(46))
    np.testing.assert_array_equal(LABELS[order], np.sort(LABELS))
    assert (np.diff(order[:40]) < 0).any()


def test_limits_hold_for_each_and_for_all_but_one_of_each_stays():
    for most, most_in_all, expected in ((7, 99, [7, 5, 1]), (7, 9, [3, 3, 1])):
        limits = {"most": most, "most_in_all": most_in_all}
        chosen = stratified_sample(LABELS, np.random.default_rng(1), **limits)
        parts = sample_each_group(LABELS, np.random.default_rng(1), **limits)
        assert [len(part) for part in parts] == expected
        assert [set(LABELS[part]) for part in parts] == [{2}, {5}, {7}]
        assert len(np.unique(chosen)) == len(chosen)
        counts = np.unique(LABELS[chosen], return_counts=True)[1]
        np.testing.assert_array_equal(counts, expected)
    chosen = stratified_sample(LABELS, np.random.default_rng(1), most=7, most_in_all=1)
    np.testing.assert_array_equal(np.sort(LABELS[chosen]), [2, 5, 7])


def test_allocations_follow_the_weights_and_add_up():
    np.testing.assert_array_equal(
        allocate(1000, np.array([10, 20, 70])), [100, 200, 700]
    )
    np.testing.assert_array_equal(allocate(1, np.array([0.2, 0.5, 0.3])), [0, 1, 0])
    for number in (1, 2, 17, 999):
        counts = allocate(number, np.ones(3))
        assert counts.sum() == number
        assert np.ptp(counts) <= 1


@pytest.mark.parametrize("number", [0, -3])
def test_impossible_numbers_are_refused(number):
    with pytest.raises(ValueError, match=f"nb_streamlines={number}"):
        allocate(number, np.ones(3))


def test_balanced_weights_keep_the_shares_within_a_group():
    weights = balanced_weights(np.array([0.1, 0.3, 0.6, 0.0]), np.array([0, 0, 1, 2]))
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
