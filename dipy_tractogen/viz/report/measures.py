"""Measures by bundle, each beside that of real streamlines."""

from __future__ import annotations

from collections.abc import Sequence

from dipy_tractogen.metrics.report_schema import DESCRIPTIONS

from .content import (
    DASH,
    OVERALL,
    Cell,
    Column,
    Table,
    count_cell,
    number_cell,
    shown,
    text_cell,
)
from .findings import far_below, interval

_QUALITY = (
    *("precision", "recall", "density", "coverage"),
    *("agreement", "repetition", "memorised"),
)
_SHAPE = ("shape_similarity", "dice", "overlap", "overreach")
_RATIOS = ("length_w1", "curvature_w1", "tortuosity_w1", "winding_w1", "novelty")
# Less of these is no fault.
_BETTER_LOW = ("repetition", "memorised", "overreach")


def measure_tables(metrics: dict) -> list[Table]:
    """Make the tables that have a row for each bundle.

    Parameters
    ----------
    metrics : dict
        What dipy_evaluate_streamlines measured.

    Returns
    -------
    list of Table
        Quality, shape, and texture with novelty; those that something is known of.
    """
    tables = [_quality_table(metrics), _shape_table(metrics), _texture_table(metrics)]
    return [table for table in tables if len(table.columns) > 1]


def _quality_table(metrics: dict) -> Table:
    columns = [_COMPARED, *map(_measure_column, _QUALITY)]
    return _by_bundle(metrics, "quality", "Quality by bundle", columns)


def _shape_table(metrics: dict) -> Table:
    columns = list(map(_measure_column, _SHAPE))
    return _by_bundle(metrics, "shape", "Shape by bundle", columns)


def _texture_table(metrics: dict) -> Table:
    columns = [_LENGTH, *map(_ratio_column, _RATIOS)]
    title = "Length, texture and novelty by bundle"
    return _by_bundle(metrics, "texture", title, columns)


def _by_bundle(metrics: dict, key: str, title: str, columns: Sequence) -> Table:
    """Make a table of columns, each with what gives its cells; leave out empty ones."""
    entries = metrics["bundles"]
    overall = metrics["overall"]
    made = [
        (column, [give(entry) for entry in (*entries.values(), overall)])
        for column, give in columns
    ]
    made = [
        (column, cells)
        for column, cells in made
        if any(cell.value is not None for cell in cells)
    ]
    rows = [
        [text_cell(name), *(cells[row] for _, cells in made)]
        for row, name in enumerate(entries)
    ]
    total = [text_cell(OVERALL), *(cells[-1] for _, cells in made)]
    headings = [Column("bundle", numeric=False), *(column for column, _ in made)]
    return Table(key, title, headings, rows, total)


def _measure_column(name: str):
    def cell(entry: dict) -> Cell:
        notes = [*_range(entry, "generated", name), _real(entry["real"].get(name), 2)]
        value = entry["generated"].get(name)
        return number_cell(value, 2, notes=notes, mark=_mark(entry, name))

    return Column(_heading(name), meaning=DESCRIPTIONS[name][0]), cell


def _ratio_column(name: str):
    def cell(entry: dict) -> Cell:
        notes = _range(entry, "ratios", name)
        return number_cell(entry.get("ratios", {}).get(name), 2, notes=notes)

    meaning = DESCRIPTIONS[name][0]
    if name.endswith("_w1"):
        meaning = f"{meaning.rstrip('.')}, over that of real streamlines."
    return Column(_heading(name), meaning=meaning), cell


def _compared(entry: dict) -> Cell:
    return count_cell(entry.get("counts", {}).get("compared"))


def _length(entry: dict) -> Cell:
    notes = [_real(entry.get("held_out", {}).get("mean_length"), 1)]
    return number_cell(entry["generated"].get("mean_length"), 1, notes=notes)


def _mark(entry: dict, name: str) -> str:
    if name == "memorised":
        copies = (entry.get("memorisation") or {}).get("copies", "none")
        return "" if copies == "none" else "copies"
    is_low = name not in _BETTER_LOW and far_below(entry, name)
    return "far below real" if is_low else ""


def _range(entry: dict, kind: str, name: str) -> list[str]:
    ends = interval(entry, kind, name)
    return [f"{shown(ends[0], 2)}{DASH}{shown(ends[1], 2)}"] if ends else []


def _real(value: float | None, digits: int) -> str:
    return f"real {shown(value, digits)}"


def _heading(name: str) -> str:
    return name.replace("_w1", " W1").replace("_", " ").replace("dice", "Dice")


_COMPARED = (
    Column("compared", meaning="Streamlines of each kind that are compared."),
    _compared,
)
_LENGTH = (
    Column("mean length (mm)", meaning="Of generated streamlines, and of real ones."),
    _length,
)
