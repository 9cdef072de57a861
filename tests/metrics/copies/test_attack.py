import numpy as np
import pytest

from dipy_tractogen.metrics.copies.attack import attack_generated
from dipy_tractogen.metrics.evaluation import evaluate
from dipy_tractogen.metrics.report_schema import format_table
from dipy_tractogen.metrics.samples import prepare
from dipy_tractogen.metrics.thresholds import Threshold, check_thresholds
from dipy_tractogen.viz.report.evaluation_tables import evaluation_cards

NB = 400


def lines(nb_streamlines, seed):
    """Straight streamlines in two bundles, close together in the second."""
    rng = np.random.default_rng(seed)
    labels = np.arange(nb_streamlines) % 2
    spread = np.where(labels, 0.5, 10)[:, None]
    ends = rng.normal(size=(nb_streamlines, 3)) * spread
    along = np.linspace(0, 60, 12)[:, None] * [1, 0, 0]
    return (ends[:, None] + along).astype(np.float32), labels


def noisy(points, deviation):
    rng = np.random.default_rng(9)
    shifts = rng.normal(0, deviation, (len(points), 1, 3)).astype(np.float32)
    return points + shifts


@pytest.fixture(scope="module")
def sets():
    return {name: prepare(*lines(NB, k)) for k, name in enumerate(("real", "training"))}


def test_streamlines_near_to_the_training_give_it_away(sets):
    training, labels = lines(NB, 1)
    copies = prepare(noisy(training, 0.05), labels)
    found, warnings = attack_generated(copies, **sets, seed=0)
    assert not warnings
    # A third of the held-out ones, and as many of the training.
    assert found["members"] == found["others"] == 134
    assert found["generated"]["closest"]["auc"] > 0.8
    assert found["generated"]["ratio"]["auc"] > 0.8
    assert found["generated"]["ratio"]["true_positives"] > 0.1
    for each in found["real"].values():
        assert abs(each["auc"] - 0.5) < 0.12


def test_others_do_not(sets):
    found, _ = attack_generated(prepare(*lines(2 * NB, 5)), **sets, seed=0)
    for each in found["generated"].values():
        assert abs(each["auc"] - 0.5) < 0.12


def test_few_or_no_streamlines_of_the_training(sets):
    few = sets["training"].take(np.arange(99))
    for training, said in ((few, "Fewer than 100"), (None, "Without streamlines")):
        found, (warning,) = attack_generated(
            sets["real"], sets["real"], training, seed=0
        )
        assert found is None
        assert said in warning


def test_attacks_are_in_the_report():
    training, labels = lines(NB, 1)
    real, real_labels = lines(NB, 0)
    copies = noisy(training, 0.05)
    given = {
        "generated_labels": labels,
        "real_labels": real_labels,
        "training_labels": labels,
        "bundle_names": ("a", "b"),
        "nb_bootstrap": 0,
    }
    report = evaluate(copies, real, training, membership=True, **given)
    entry = report["overall"]
    attacks = report["membership"]["generated"].values()
    area = max(each["auc"] for each in attacks)
    assert entry["generated"]["membership_auc"] == area > 0.8
    share = max(each["true_positives"] for each in attacks)
    assert entry["generated"]["membership_tpr"] == share
    assert entry["real"]["membership_auc"] < 0.65
    assert f"AUC {area:.2f}" in report["membership"]["verdict"]
    assert report["bundles"]["a"]["generated"]["membership_auc"] is None
    assert report["membership"]["verdict"] in format_table(report)
    cards = {card.name: card for card in evaluation_cards(report)}
    assert cards["membership AUC"].value == f"{area:.2f}"
    (limit,) = check_thresholds([Threshold.parse("membership_auc<=0.6")], report)
    assert limit["value"] == area
    assert not limit["met"]
    without = evaluate(copies, real, training, **given)
    assert without["membership"] is None
    assert without["overall"]["generated"]["membership_auc"] is None
