import pytest

from dipy_tractogen.metrics.comparison import MEASURES
from dipy_tractogen.metrics.table import format_table


def entry(value, real, *, compared=10):
    ratios = ("novelty", "length_w1", "curvature_w1", "tortuosity_w1")
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
