import json

import numpy as np
import pytest

from dipy_tractogen.metrics.c2st import report as module
from dipy_tractogen.metrics.c2st.telling import verdict
from dipy_tractogen.metrics.evaluation import evaluate
from dipy_tractogen.metrics.report_schema import format_table, table_rows
from dipy_tractogen.metrics.thresholds import Threshold, check_thresholds
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.viz.report.evaluation_tables import (
    evaluation_cards,
    evaluation_tables,
)

TOLD = {
    "set": "texture",
    "text": "too little energy below 3 mm",
    "alone": 0.2,
    "given_others": 0.4,
    "importance": 0.1,
}


def result(value):
    """Make a result in which all sets of features tell as well."""
    areas = {
        name: {"value": value, "interval": [value - 0.1, value + 0.1]}
        for name in ("shape", "texture", "both")
    }
    told = [TOLD] if value > 0.6 else []
    return {"step_mm": 1.0, "compared": 20, **areas, "told_by": told, "bundles": {}}


@pytest.fixture
def tests(monkeypatch):
    """Record what is tested; generated streamlines are told, real ones are not."""
    asked = []

    def fake(candidates, reference, labels, others, *, seed):
        asked.append((candidates, reference, labels, others))
        found = result(0.9 if len(asked) == 1 else 0.5)
        found["bundles"] = {1: {**result(0.7)}}
        return found

    monkeypatch.setattr(module, "c2st", fake)
    return asked


def evaluated(*, shared=0, **options):
    """Evaluate phantoms of two bundles; some held-out ones are in the training."""
    sets = [
        simulate_fibercup(count, seed=seed) for seed, count in enumerate((9, 6, 20))
    ]
    sets = [each.select(each.labels < 2) for each in sets]
    points = [each.resample(30 + 5 * place) for place, each in enumerate(sets)]
    training, real, generated = points
    labels = [each.labels for each in sets]
    if shared:
        training = [*training, *real[:shared]]
        labels[0] = np.r_[labels[0], labels[1][:shared]]
    return evaluate(
        generated,
        real,
        training,
        generated_labels=labels[2],
        real_labels=labels[1],
        training_labels=labels[0],
        bundle_names=("a", "b"),
        **options,
    )


def test_samples_are_matched_and_as_they_were_given(tests):
    report = evaluated(shared=3, c2st=True, nb_bootstrap=50)
    (generated, held_out, labels, others), (training, same, *_) = tests
    assert [len(each) for each in (generated, held_out, training)] == [12, 12, 12]
    assert {len(each) for each in generated} == {40}
    assert {len(each) for each in training} == {30}
    np.testing.assert_array_equal(np.bincount(labels), [6, 6])
    np.testing.assert_array_equal(labels, others)
    np.testing.assert_array_equal(held_out.get_data(), same.get_data())
    assert report["overall"]["generated"]["c2st_texture"] == 0.9
    assert report["overall"]["real"]["c2st_shape"] == 0.5
    assert report["overall"]["intervals"]["real"]["c2st_both"] == [0.4, 0.6]
    assert report["bundles"]["b"]["generated"]["c2st_both"] == 0.7
    assert report["bundles"]["a"]["generated"]["c2st_both"] is None
    assert report["c2st"]["generated"]["texture"]["value"] == 0.9
    assert report["parameters"]["c2st"] is True
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_report_says_it_everywhere(tests):
    report = evaluated(c2st=True, nb_bootstrap=0)
    said = "real streamlines by texture (AUC 0.90, real 0.50): too little energy below"
    assert said in format_table(report)
    row = table_rows(report)[0]
    assert row["c2st_texture"] == 0.9
    limits = [Threshold.parse(f"c2st_texture<={limit}") for limit in ("0.6", "2*real")]
    assert [one["met"] for one in check_thresholds(limits, report)] == [False, True]
    cards = {card.name: card for card in evaluation_cards(report)}
    assert cards["C2ST texture"].value == "0.90"
    tables = {table.key: table for table in evaluation_tables(report)}
    assert tables["c2st"].rows[0][0].text == TOLD["text"]
    assert "C2ST texture" in [each.title for each in tables["texture"].columns]


def test_too_few_streamlines_are_said():
    report = evaluated(c2st=True, nb_bootstrap=0)
    assert report["c2st"] is None
    assert report["overall"]["generated"]["c2st_both"] is None
    (warning,) = [each for each in report["warnings"] if "classifier" in each]
    assert warning.startswith("Fewer than 50 different streamlines")
    assert warning.endswith("of generated and real streamlines.")


def test_without_training_real_ones_are_tested_half_against_half(tests):
    points = simulate_fibercup(6, seed=0).resample(30)
    report = evaluate(points, points, c2st=True, nb_bootstrap=0)
    (generated, held_out, *_), (others, *_) = tests
    firsts = [{tuple(each[0]) for each in one} for one in (generated, held_out, others)]
    assert len(firsts[1]) == len(firsts[2]) == len(points) // 2
    assert not firsts[1] & firsts[2]
    assert report["bundles"] == {}


def test_the_verdict_names_what_goes_together_and_what_is_not_told():
    generated = {**result(0.9), "told_by": [{**TOLD, "alone": 0.52}]}
    generated["shape"] = {"value": 0.53, "interval": [0.49, 0.57]}
    assert verdict(generated, None) == [
        "Classifiers do not tell generated from real streamlines by shape (AUC 0.53).",
        "Classifiers tell generated from real streamlines by texture (AUC 0.90), by no "
        "feature alone: too little energy below 3 mm.",
    ]
