"""What is warned of, and what is not."""

from dataclasses import replace

import pytest

from dipy_tractogen.streamlines.screening import ScreeningReport
from dipy_tractogen.viz.report.judgement import far_from_real, worst_first
from dipy_tractogen.viz.report.report_warnings import collect_warnings


@pytest.fixture
def texts(inputs):
    """Give the warnings of a report, with some of its inputs changed."""

    def found(*, record=None, **changes):
        changed = replace(inputs, **changes)
        if record is not None:
            model = type(inputs.model)(replace(inputs.model.record, **record))
            changed = replace(changed, model=model)
        return [f"{each.source}: {each.text}" for each in collect_warnings(changed)]

    return found


def test_what_the_commands_said_is_repeated(texts):
    found = texts()
    assert found[0] == "Training: <b>bold</b> warning"
    assert "Evaluation: few streamlines" in found
    said = {"warnings": ["beyond the range", "beyond the range"]}
    assert texts(generation=said).count("Generation: beyond the range") == 1


def test_a_good_run_has_none(texts):
    assert texts(record={"parameters": {}}, metrics={}) == []


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"parameters": {"interrupted": True}}, "was interrupted"),
        ({"held_out_mm": {}}, "No streamline was held out"),
        ({"active_units": 0}, "posterior has collapsed"),
        ({"active_units": 3}, "Only 3 of 16 latent dimensions"),
        ({"history": [{"coverage": 0.2}]}, "cover only 20 % of what real"),
        ({"bundle_counts": [1200, 7, 400]}, "training streamlines: bundle_10 (7)"),
    ],
)
def test_training(texts, record, said):
    found = texts(record={"parameters": {}, **record}, metrics={})
    assert len(found) == 1
    assert said in found[0]


def test_what_is_drawn_out_of_the_box_is_told(texts, inputs):
    report = ScreeningReport(9, 9, noted={"out of the bounding box": 2})
    found = texts(generated=replace(inputs.generated, report=report))
    (said,) = [text for text in found if text.startswith("Report")]
    assert said.startswith(
        "Report: Of the generated streamlines that are drawn: kept 9"
    )
    assert "2 out of the bounding box" in said


def test_a_collapse_is_told_once(texts):
    warned = {"parameters": {"warnings": ["The training has collapsed."]}}
    record = {**warned, "active_units": 0, "history": [{"coverage": 0.2}]}
    assert texts(record=record, metrics={}) == ["Training: The training has collapsed."]


def test_what_is_of_another_model(texts, inputs):
    from dipy_tractogen.utils.files import file_digest

    def told(digest):
        model = {"digest": digest}
        found = texts(
            generation={"model": model},
            latent={"model": model},
            metrics={**inputs.metrics, "generated_with": model},
        )
        return [text for text in found if "another model" in text]

    assert told(file_digest(inputs.model_file)) == []
    assert [text.split(" come ")[0] for text in told("0" * 64)] == [
        "Report: The generated streamlines",
        "Report: The streamlines that were measured",
        "Report: The figures of the latent space",
    ]


def test_what_matters_most_comes_first(texts):
    found = [text for text in texts() if text.startswith("Evaluation")]
    assert found[0] == "Evaluation: Not met: overall: recall 0.92, asked >=0.99."
    assert (
        found[1] == "Evaluation: Far below real, recall of bundle_10 (0.61, real 0.97)."
    )
    assert found[-1] == "Evaluation: few streamlines"


@pytest.mark.parametrize(
    ("novelty", "said"),
    [(1.0, None), (1.5, "farther"), (None, None)],
)
def test_novelty(texts, inputs, novelty, said):
    overall = {**inputs.metrics["overall"], "ratios": {"novelty": novelty}}
    found = texts(metrics={"overall": overall, "bundles": {}})
    about = [text for text in found if "novelty" in text]
    assert bool(about) == bool(said)
    assert all(said in text for text in about)


def test_copies(texts, inputs):
    entries = dict(inputs.metrics["bundles"])
    for name, copies in zip(entries, ("none", "most", "some")):
        entries[name] = {**entries[name], "memorisation": {"copies": copies}}
    (said,) = [
        text
        for text in texts(metrics={**inputs.metrics, "bundles": entries})
        if "Copies" in text
    ]
    assert "bundle_10 (most), Ünïcode" in said


@pytest.mark.parametrize(
    ("generated", "intervals", "expected"),
    [
        (0.8, {}, True),
        (0.85, {}, False),
        (None, {}, False),
        (0.8, {"generated": {"recall": [0.7, 0.9]}}, True),
        (
            0.8,
            {"generated": {"recall": [0.7, 0.9]}, "real": {"recall": [0.85, 0.95]}},
            False,
        ),
    ],
)
def test_far_from_real_is_beyond_the_intervals(generated, intervals, expected):
    entry = {
        "generated": {"recall": generated},
        "real": {"recall": 0.92},
        "intervals": intervals,
    }
    assert bool(far_from_real(entry, "recall")) == expected


@pytest.mark.parametrize(
    ("measure", "generated", "real", "said"),
    [
        ("overreach", 0.6, 0.2, "far above real"),
        ("overreach", 0.1, 0.4, ""),
        ("c2st_texture", 0.97, 0.5, "far above real"),
        ("repetition", 0.3, 0.0, "far above real"),
        ("agreement", 0.7, 0.99, "far below real"),
        ("shape_similarity", 0.95, 0.99, ""),
        ("density", 0.5, 1.0, ""),
        ("mean_length", 20.0, 90.0, ""),
    ],
)
def test_every_measure_is_judged_by_its_good_side(measure, generated, real, said):
    entry = {"generated": {measure: generated}, "real": {measure: real}}
    assert far_from_real(entry, measure) == said


@pytest.mark.parametrize(
    ("measure", "ratio", "ends", "said"),
    [
        ("winding_w1", 2.4, None, "far above real"),
        ("winding_w1", 2.4, [0.9, 3.9], ""),
        ("winding_w1", 1.4, None, ""),
        ("novelty", 1.4, None, "far from training"),
        ("novelty", 0.5, None, "near training"),
        ("novelty", None, None, ""),
    ],
)
def test_ratios_are_judged(measure, ratio, ends, said):
    ratios = {"ratios": {measure: ratio}}
    entry = {"generated": {}, "real": {}, **ratios}
    if ends:
        entry["intervals"] = {"ratios": {measure: ends}}
    assert far_from_real(entry, measure) == said


def test_worst_bundles_come_first():
    def entry(recall):
        return {"generated": {"recall": recall}, "real": {"recall": 0.9}}

    bundles = {"a": entry(0.8), "b": entry(None), "c": entry(0.2), "d": entry(0.95)}
    assert worst_first(bundles) == ["c", "a", "d", "b"]
