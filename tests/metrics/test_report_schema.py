from pathlib import Path
import re

from dipy_tractogen.metrics.report_schema import (
    MEASURE_NAMES,
    describe_columns,
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
