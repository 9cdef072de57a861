from pathlib import Path
import re

import pytest

from dipy_tractogen.metrics.measures import ATTRIBUTES, MEASURE_NAMES, MEASURES
from dipy_tractogen.metrics.report_schema import (
    _COLUMNS,
    _LEGEND,
    describe_columns,
    format_table,
    table_rows,
)

PAGE = Path(__file__).parents[2] / "doc/commands/dipy_evaluate_streamlines.rst"


def test_columns_are_documented():
    named = set(re.findall(r"``(\w+)``", PAGE.read_text(encoding="utf-8")))
    columns = describe_columns()
    limits = {name for name in columns if name.endswith(("_low", "_high"))}
    assert set(columns) - limits <= named
    assert {name.rpartition("_")[0] for name in limits} <= set(MEASURE_NAMES)
    assert columns["winding_w1_low"]["Units"] == "degrees"
    assert "Units" not in columns["precision"]
    assert all(each["Description"].endswith(".") for each in columns.values())


def test_rows_hold_values_and_limits():
    entry = {
        "counts": {"generated": 50, "real": 9, "training": 0, "compared": 8},
        "generated": {"precision": 0.5},
        "real": {"precision": 0.6},
        "ratios": {"novelty": None, "generated_per_training": None},
        "intervals": {"generated": {"precision": [0.4, 0.7]}, "real": {}},
    }
    rows = table_rows({"overall": entry, "bundles": {"AF_L": entry}})
    assert [row["bundle"] for row in rows] == [None, None, "AF_L", "AF_L"]
    assert all(list(row) == list(describe_columns()) for row in rows)
    generated, real = rows[2:]
    assert generated["streamlines"] == 50
    assert (generated["precision_low"], generated["precision_high"]) == (0.4, 0.7)
    assert real["streamlines"] == 9
    assert real["precision"] == 0.6
    assert real["precision_low"] is None


def entry(value, real, *, compared=10):
    ratios = ("novelty", *(f"{name}_w1" for name in ATTRIBUTES))
    names = (*MEASURES, "nearest_training", "repetition")
    return {
        "counts": {"compared": compared},
        "generated": dict.fromkeys(names, value),
        "real": dict.fromkeys(names, real),
        "held_out": {"mean_length": 88.25},
        "ratios": dict.fromkeys(ratios, value),
    }


@pytest.fixture
def report():
    return {
        "overall": entry(0.876, 1.0, compared=1234),
        "bundles": {"AF_L": entry(12.0, 0.5), "CST_R": entry(None, None)},
        "worst_bundle": "AF_L",
    }


def test_lines_are_those_of_the_bundles(report):
    lines = format_table(report).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["overall", "AF_L", "CST_R"]
    assert "1234" in lines[1]
    assert ".88 (1.00)" in lines[1]
    assert "12.00 (.50)" in lines[2]
    assert "12.0 (88.2)" in lines[2]
    assert "Farthest below real: AF_L." in lines


def test_a_bundle_may_have_the_name_of_the_first_line(report):
    report["bundles"] = {"overall": entry(0.5, 0.5, compared=7)}
    lines = format_table(report).splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["overall", "1234"],
        ["overall", "7"],
    ]


def test_what_is_not_known_is_a_dash(report):
    line = format_table(report).splitlines()[3]
    assert "- (-)" in line
    assert "None" not in line
    assert "nan" not in line


def test_columns_are_aligned(report):
    header, *rows = format_table(report).splitlines()[:4]
    assert len({len(line) for line in (header, *rows)}) == 1
    for column in ("P", "novelty", "length", "Dice"):
        end = header.index(f"  {column}") + 2 + len(column)
        assert all(line[end : end + 2].strip() == "" for line in rows)
        assert all(line[end - 1] != " " for line in rows)


def test_a_report_without_bundles(report):
    lines = format_table({**report, "bundles": {}, "worst_bundle": None}).splitlines()
    assert lines[1].startswith("overall")
    assert lines[2].startswith("n:")


def test_copies_conditions_and_the_model_are_said(report):
    assert "copies" not in format_table(report)
    report["overall"]["memorisation"] = {"verdict": "Most are copies: 9 %."}
    report["conditions"] = {
        "length": {"unit": "mm", "r2": 0.9876, "mae": 1.234},
        "tortuosity": {"unit": "", "r2": None, "mae": 0.5},
    }
    report["model"] = {
        "reconstruction_mm": {"mean": 1.234, "p95": 3.456},
        "active_units": 7,
        "latent_dim": 16,
    }
    lines = format_table(report).splitlines()
    for line in (
        "Most are copies: 9 %.",
        "Asked length: mean absolute error 1.23 mm, R2 0.988.",
        "Asked tortuosity: mean absolute error 0.5, R2 undefined.",
    ):
        assert line in lines
    (said,) = [line for line in lines if line.startswith("Point error")]
    assert "mean 1.23 mm, 95th percentile 3.46 mm; 7 of 16 latents" in said


def test_the_legend_explains_every_column():
    terms = ", ".join(re.findall(r"([\w, ]+):", _LEGEND)).split(", ")
    assert _COLUMNS.keys() <= {term.strip() for term in terms}
