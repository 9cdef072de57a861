import numpy as np
import pytest

from dipy_tractogen.viz import Panel
from dipy_tractogen.viz.multiples import (
    percentile_values,
    rows_by_bundle,
    rows_by_value,
)


def panel(title, names, labels, values=None):
    """One short streamline for each label, told apart by its height."""
    lines = np.zeros((len(labels), 4, 3), dtype=np.float32)
    lines[..., 0] = np.arange(4)
    lines[..., 2] = np.arange(len(labels))[:, None]
    return Panel(title, lines, np.array(labels), names, values)


def heights(cell):
    return [float(line[0, 2]) for line in cell]


def test_a_row_for_each_bundle_and_a_column_for_each_panel():
    real = panel("real", ("a", "b"), [0, 1, 1])
    made = panel("made", ("b", "c"), [0, 0, 1, 0])
    rows = {row.name: row for row in rows_by_bundle([real, made])}
    assert list(rows) == ["a", "b", "c"]
    assert [heights(cell) for cell in rows["a"].cells] == [[0], []]
    assert [heights(cell) for cell in rows["b"].cells] == [[1, 2], [0, 1, 3]]
    assert rows["b"].texts == ["2 streamlines", "3 streamlines"]
    assert rows["c"].texts == ["none", "1 streamline"]
    assert rows["b"].most == 20


def test_as_many_are_drawn_of_each_panel():
    real, made = (panel(str(n), ("a",), [0] * n) for n in (40, 90))
    (row,) = rows_by_bundle([real, made])
    assert row.most == 40


def test_a_column_has_what_is_nearer_to_its_value_than_to_others():
    values = np.array([69, 70, 80, 89.9, 90, 109, 110, 130, 131], dtype=float)
    one = panel("one", ("a",), [0] * len(values), values)
    (row,) = rows_by_value([one], [80, 100, 120], "mm")
    numbers = [[values[int(z)] for z in heights(cell)] for cell in row.cells]
    assert numbers == [[70, 80, 89.9], [90, 109], [110, 130]]
    assert row.texts[1] == "2 streamlines, mean 99.5 mm"
    assert (row.name, row.bundle, len(row.behind)) == ("a", "a", len(values))


def test_rows_of_two_panels_stand_together_and_empty_ones_are_left_out(caplog):
    real = panel("real", ("a", "b"), [0, 0, 1], np.array([1.0, 2, 9]))
    made = panel("made", ("b", "a"), [1, 0], np.array([2.0, 1]))
    rows = rows_by_value([real, made], [1, 2])
    assert [row.name for row in rows] == ["a real", "a made", "b made"]
    assert [row.bundle for row in rows] == ["a", "a", "b"]
    assert "No streamline is near the values in b of real" in caplog.text


def test_usual_values_are_round_percentiles():
    one = panel("one", ("a",), [0] * 101, np.linspace(50, 151, 101))
    assert percentile_values(one) == [60, 100, 140]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([3], "values=\\(3\\): give two or more"),
        ([3, 3], "ascending"),
        ([30, 40], "no streamline is near any of them; they go from 1 to 2"),
    ],
)
def test_impossible_values_are_refused(values, said):
    one = panel("one", ("a",), [0, 0], np.array([1.0, 2]))
    with pytest.raises(ValueError, match=said):
        rows_by_value([one], values)
