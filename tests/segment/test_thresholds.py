import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from dipy_tractogen.segment.thresholds import best_threshold, figures


@pytest.fixture(scope="module")
def overlapping():
    """Distances of 200 that should be accepted and of 60 that should not."""
    rng = np.random.default_rng(0)
    distances = np.r_[rng.gamma(4, 1, 200), rng.gamma(9, 1, 60)]
    return distances, np.arange(260) < 200


@pytest.mark.parametrize(
    ("criterion", "merit"),
    [("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score)],
)
def test_no_other_threshold_is_better(overlapping, criterion, merit):
    distances, accepted = overlapping
    found = best_threshold(distances, accepted, criterion)
    best = max(merit(accepted, distances <= each) for each in distances)
    assert merit(accepted, distances <= found) == best


def test_the_criteria_differ(overlapping):
    """Many more should be accepted, so F1 accepts more."""
    assert best_threshold(*overlapping) > best_threshold(
        *overlapping, "balanced_accuracy"
    )


def test_between_both_kinds_where_they_are_apart():
    assert best_threshold([1, 2, 8, 9], [True, True, False, False]) == 4.0


def test_equal_distances_are_treated_alike():
    distances = np.array([1, 1, 1, 5, 5])
    found = best_threshold(distances, [True, True, False, False, False])
    assert 1 < found < 5


def test_one_kind_teaches_nothing():
    with pytest.raises(ValueError, match="examples of both kinds"):
        best_threshold([1, 2], [True, True])
    with pytest.raises(ValueError, match="examples of both kinds"):
        best_threshold([1, 2], [False, False])


def test_figures_are_those_of_sklearn(overlapping):
    distances, truth = overlapping
    found = figures(distances / 5, distances <= 5, truth)
    assert found["f1"] == pytest.approx(f1_score(truth, distances <= 5))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(truth, -distances))
    assert found["nb_to_accept"] == 200
    assert found["nb_to_reject"] == 60
    assert found["accuracy"] == pytest.approx(np.mean((distances <= 5) == truth))


def test_figures_of_one_kind_leave_out_what_is_undefined():
    found = figures(np.array([0.5, 2.0]), np.array([True, False]), np.ones(2, bool))
    assert found["roc_auc"] is None
    assert found["balanced_accuracy"] is None
    assert found["recall"] == 0.5
