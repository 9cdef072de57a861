"""Filtering and labelling by latents, on clouds of known overlap."""

import numpy as np
import pytest
from sklearn.base import clone

from dipy_tractogen.segment.filter import LatentFilter
from dipy_tractogen.segment.label import LatentLabels, label_figures

CENTRES = np.array([[0, 0, 0], [30, 0, 0], [0, 30, 0]], dtype=float)
SPREADS = np.array([1, 1, 4])


def draw(seed, number=120):
    """Three bundles, the last one four times as wide, and noise of none about them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], number)
    inside = rng.normal(size=(len(labels), 3)) * SPREADS[labels, None]
    z = CENTRES[labels] + inside
    noise = rng.uniform(-40, 60, (len(labels), 3))
    near = rng.permutation(len(z))[: number // 2]
    noise[: len(near)] = z[near] + rng.normal(size=(len(near), 3)) * 12
    return np.r_[z, noise], np.r_[labels, np.full(len(noise), -1)]


@pytest.fixture(scope="module")
def learnt():
    return draw(0)


@pytest.fixture(scope="module")
def unseen():
    return draw(1)


@pytest.fixture(scope="module")
def by_bundle(learnt):
    z, labels = learnt
    return LatentFilter().fit(z, labels >= 0, labels.clip(0))


def test_unseen_latents_are_told_apart(by_bundle, unseen):
    z, labels = unseen
    assert by_bundle.score(z, labels >= 0) > 0.93
    accepted = by_bundle.predict(z)
    assert accepted.dtype == bool
    np.testing.assert_array_equal(accepted, by_bundle.decision_function(z) >= 0)
    score = by_bundle.score_samples(z)
    np.testing.assert_array_equal(accepted, score >= by_bundle.offset_)


def test_thresholds_are_by_bundle(by_bundle):
    narrow, _, wide = by_bundle.thresholds_
    assert wide > 1.5 * narrow


def test_held_out_figures_foretell_unseen_ones(by_bundle, learnt, unseen):
    foretold = by_bundle.held_out_figures(learnt[1] >= 0)
    z, labels = unseen
    accuracy = by_bundle.score(z, labels >= 0)
    assert foretold["accuracy"] == pytest.approx(accuracy, abs=0.03)
    assert foretold["roc_auc"] > 0.95
    # What was learnt from would look better than it is: its distances are zero.
    assert by_bundle.score(learnt[0], learnt[1] >= 0) > foretold["accuracy"]


def test_a_share_is_kept_without_invalid_latents(learnt, unseen):
    z, labels = learnt
    known = labels >= 0
    found = LatentFilter(kept_share=0.9).fit(z[known], bundles=labels[known])
    z, labels = unseen
    kept = found.predict(z)
    for bundle in range(3):
        assert kept[labels == bundle].mean() == pytest.approx(0.9, abs=0.09)
    assert kept[labels < 0].mean() < 0.2


def test_what_belongs_together_is_in_one_fold(learnt):
    """A copy of a reference latent is far from those of the other folds."""
    rng = np.random.default_rng(2)
    z = rng.uniform(0, 1000, (60, 3))
    plausible = np.repeat([True, False], 60)
    both, groups = np.r_[z, z + 0.01], np.tile(np.arange(60), 2)
    apart = LatentFilter(kept_share=0.5).fit(both, plausible)
    together = LatentFilter(kept_share=0.5).fit(both, plausible, groups=groups)
    copies = slice(60, None)
    assert np.median(apart.held_out_relative_[copies]) < 0.01
    assert np.median(together.held_out_relative_[copies]) > 0.3


def test_held_out_predictions_use_thresholds_of_other_folds():
    """Every fold is one far latent: its own distance must not raise its threshold."""
    z = np.r_[np.zeros((40, 1)), [[50.0]]] + np.linspace(0, 0.1, 41)[:, None]
    found = LatentFilter(kept_share=0.99).fit(z, np.ones(41, bool))
    far = found.held_out_relative_[-1]
    assert far > 100
    assert found.thresholds_[0] > 10


def test_a_small_bundle_has_the_threshold_of_all():
    rng = np.random.default_rng(3)
    z = np.r_[
        rng.normal(size=(100, 2)), [[50, 50], [50.2, 50]], rng.uniform(-30, 30, (60, 2))
    ]
    bundles = np.r_[np.zeros(100, int), 1, 1, np.zeros(60, int)]
    found = LatentFilter().fit(z, np.arange(162) < 102, bundles)
    alone = LatentFilter().fit(z, np.arange(162) < 102)
    assert found.thresholds_[1] == alone.thresholds_[0]
    assert found.predict([[50.1, 50]])


def test_labels_are_those_of_the_nearest_bundle_or_none(learnt, unseen):
    found = LatentLabels().fit(*learnt)
    z, labels = unseen
    given = found.predict(z)
    assert found.score(z, labels) > 0.93
    known = labels >= 0
    assert (given[known & (given >= 0)] == labels[known & (given >= 0)]).mean() > 0.98
    foretold = np.mean(found.held_out_labels() == learnt[1])
    assert foretold == pytest.approx(np.mean(given == labels), abs=0.03)
    assert given.dtype.kind == "i"


def test_labels_that_overlap_are_confused_as_much_as_is_said():
    rng = np.random.default_rng(4)

    def mixed(number):
        labels = np.repeat([0, 1], number)
        return rng.normal(size=(2 * number, 2)) + 2 * labels[:, None], labels

    z, labels = mixed(400)
    found = LatentLabels(kept_share=0.99).fit(z, labels)
    foretold = np.mean(found.held_out_labels() == labels)
    z, labels = mixed(400)
    assert 0.8 < foretold < 0.95
    assert foretold == pytest.approx(found.score(z, labels), abs=0.04)


def test_figures_of_labels():
    found = label_figures([0, 0, -1, 1], [0, 1, 1, 1], ["a", "b", "c"])
    assert found["accuracy"] == 0.5
    assert set(found["bundles"]) == {"a", "b"}
    assert found["bundles"]["a"]["precision"] == 0.5
    assert found["bundles"]["b"]["recall"] == pytest.approx(1 / 3)
    assert found["bundles"]["b"]["nb_streamlines"] == 3
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_mean_f1_is_over_bundles_that_streamlines_are_of():
    found = label_figures([0, 1, 1, 2], [0, 0, 1, 1], ["a", "b", "none"])
    assert found["bundles"]["none"] == {
        **dict.fromkeys(("f1", "precision", "recall"), 0),
        "nb_streamlines": 0,
    }
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert label_figures([0], [-1], ["a"])["macro_f1"] is None


@pytest.mark.parametrize("kind", [LatentFilter, LatentLabels])
def test_arrays_hold_all_that_predicts(learnt, unseen, kind):
    z, labels = learnt
    made = kind().fit(z, labels >= 0 if kind is LatentFilter else labels)
    again = kind.from_arrays(made.to_arrays())
    np.testing.assert_array_equal(again.predict(unseen[0]), made.predict(unseen[0]))
    assert all(array.dtype != object for array in made.to_arrays().values())


def test_estimators_are_those_of_sklearn(learnt):
    made = LatentFilter(criterion="balanced_accuracy", seed=3)
    assert clone(made).get_params() == made.get_params()
    one = LatentLabels(seed=1).fit(*learnt)
    same, other = (LatentLabels(seed=seed).fit(*learnt) for seed in (1, 2))
    np.testing.assert_array_equal(one.held_out_relative_, same.held_out_relative_)
    assert not np.array_equal(one.held_out_relative_, other.held_out_relative_)


def test_bad_input_is_refused(learnt, by_bundle):
    z, labels = learnt
    with pytest.raises(ValueError, match="y is of the type int"):
        LatentFilter().fit(z, labels)
    with pytest.raises(ValueError, match="both kinds"):
        LatentFilter().fit(z, labels < 9)
    with pytest.raises(ValueError, match="1 latents belong to a bundle"):
        LatentFilter().fit(z, np.arange(len(z)) == 0)
    with pytest.raises(
        ValueError, match="X has 2 features, but LatentFilter is expecting 3"
    ):
        by_bundle.predict(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="Input z contains NaN"):
        by_bundle.predict([[0, 0, np.nan]])
    with pytest.raises(ValueError, match="give an integer for each"):
        LatentLabels().fit(z, labels[:-1])
    for options in ({"criterion": "auc"}, {"kept_share": 1.0}, {"nb_folds": 1}):
        with pytest.raises(ValueError, match=f"{next(iter(options))}="):
            LatentLabels(**options).fit(z, labels)
