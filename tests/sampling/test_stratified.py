import numpy as np

from dipy_tractogen.sampling.stratified import shuffled_by_group, stratified_sample

LABELS = np.random.default_rng(0).permutation(np.repeat([2, 5, 7], [40, 5, 1]))


def test_groups_follow_one_another_each_in_a_random_order():
    order = shuffled_by_group(LABELS, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(order), np.arange(46))
    np.testing.assert_array_equal(LABELS[order], np.sort(LABELS))
    assert (np.diff(order[:40]) < 0).any()


def test_limits_hold_for_each_and_for_all_but_one_of_each_stays():
    for most, most_in_all, expected in ((7, 99, [7, 5, 1]), (7, 9, [3, 3, 1])):
        chosen = stratified_sample(
            LABELS, np.random.default_rng(1), most=most, most_in_all=most_in_all
        )
        assert len(np.unique(chosen)) == len(chosen)
        counts = np.unique(LABELS[chosen], return_counts=True)[1]
        np.testing.assert_array_equal(counts, expected)
    chosen = stratified_sample(LABELS, np.random.default_rng(1), most=7, most_in_all=1)
    np.testing.assert_array_equal(np.sort(LABELS[chosen]), [2, 5, 7])
