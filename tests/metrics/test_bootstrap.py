import numpy as np
from numpy.testing import assert_allclose
import pytest

from dipy_tractogen.metrics.bootstrap import (
    Bootstrap,
    add_change,
    draw_medians,
    percentile_interval,
    zero_share_interval,
)
from dipy_tractogen.metrics.comparison import OVERALL
from dipy_tractogen.metrics.measures import mean_estimate


def changes_of_mean(values, labels, nb_resamples=4000):
    bootstrap = Bootstrap({"ours": labels})
    rows = np.arange(len(values))
    parts = mean_estimate(values).candidates
    bootstrap.add(OVERALL, "mean", "ours", rows, parts)
    chosen = labels == 1
    bundle = mean_estimate(values[chosen]).candidates
    bootstrap.add(1, "mean", "ours", rows[chosen], bundle)
    return bootstrap.changes(nb_resamples, seed=0)


def test_a_mean_varies_by_its_standard_error():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 40])
    values = rng.normal(0, np.where(labels, 3, 1)) + 100 * labels
    changes = changes_of_mean(values, labels)
    error = values[labels == 1].std() / np.sqrt(40)
    assert changes[1, "mean"].std() == pytest.approx(error, rel=0.05)
    # The bundles keep their sizes, so that their difference does not count.
    within = [np.sum(labels == n) * values[labels == n].var() for n in (0, 1)]
    error = np.sqrt(sum(within)) / 100
    assert changes[OVERALL, "mean"].std() == pytest.approx(error, rel=0.05)
    assert_allclose(changes[OVERALL, "mean"].mean(), 0, atol=0.1 * error)


def test_sets_vary_apart_and_memory_is_bounded(monkeypatch):
    module = "dipy_tractogen.metrics.bootstrap._MOST_COUNTS"
    monkeypatch.setattr(module, 300)
    labels = {"ours": np.zeros(100, int), "theirs": np.zeros(50, int)}
    bootstrap = Bootstrap(labels)
    for name, sign in (("ours", 1), ("theirs", -1)):
        values = np.random.default_rng(1).normal(size=len(labels[name]))
        parts = sign * mean_estimate(values).candidates
        bootstrap.add(0, "difference", name, np.arange(len(values)), parts)
    (changes,) = bootstrap.changes(2000, seed=0).values()
    assert changes.shape == (2000,)
    assert changes.std() == pytest.approx(np.sqrt(1 / 100 + 1 / 50), rel=0.2)


def test_parts_of_a_bundle_take_its_room_alone():
    bootstrap = Bootstrap({"ours": np.repeat([0, 1, 2], [900, 90, 10])})
    for label, count in ((1, 90), (2, 10)):
        rows = np.flatnonzero(np.repeat([0, 1, 2], [900, 90, 10]) == label)[::-1]
        bootstrap.add(label, "measure", "ours", rows, np.arange(float(count)))
    held = bootstrap._parts["ours"]
    assert {label: len(each) for (label, _), each in held.items()} == {1: 90, 2: 10}
    # They were added from the last one on.
    assert_allclose(held[1, "measure"], np.arange(90)[::-1] - 44.5)


def test_medians_are_those_of_drawn_values():
    rng = np.random.default_rng(0)
    values = rng.gamma(2, 1, 151)
    expected = np.median(rng.choice(values, (5000, 151)), axis=1)
    found = draw_medians(values, 5000, rng)
    assert np.isin(found, values).all()
    assert_allclose(
        percentile_interval(found), percentile_interval(expected), rtol=0.02
    )


def test_values_stay_within_what_is_possible():
    change = np.array([-2.0, 0.0, 0.3, 2.0])
    assert_allclose(add_change(0.5, change, is_share=True), [0, 0.5, 0.8, 1])
    found = add_change(0.5, change, is_share=False)
    assert_allclose(found, 0.5 * np.array([np.exp(-4), 1, np.exp(0.6), np.e * 4]))
    assert_allclose(add_change(0, change, is_share=False), [0, 0, 0.3, 2])


def test_changes_of_a_value_near_zero_are_not_of_any_size():
    change = np.linspace(-0.1, 0.1, 51)
    found = add_change(1e-9, change, is_share=False)
    assert (np.diff(found) >= 0).all()
    assert 0 <= found.min() < found.max() < 0.3


def test_none_of_some_may_be_a_few_of_others():
    low, high = zero_share_interval(30)
    assert low == 0
    # The chance that none of thirty is found.
    assert (1 - high) ** 30 == pytest.approx(0.025)
