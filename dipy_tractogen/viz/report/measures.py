"""Measures by bundle, each beside that of real streamlines."""

from __future__ import annotations

from collections.abc import Sequence

from .content import (
    DASH,
    OVERALL,
    Cell,
    Column,
    Table,
    count_cell,
    is_number,
    number_cell,
    shown,
    text_cell,
)
from .findings import far_below, interval

_FAR_BELOW = "far below real"
_BETTER_LOW = ("repetition", "overreach")
_QUALITY = {
    "precision": "share of generated streamlines that lie among real ones",
    "recall": "share of real streamlines that lie among generated ones",
    "density": "how many real neighbourhoods a generated streamline lies in; 1 is real",
    "coverage": "share of real streamlines with a generated one in reach",
    "agreement": "share whose nearest real streamline is of their own bundle",
    "repetition": "share with another generated streamline too near",
}
_SHAPE = {
    "shape_similarity": "BUAN shape similarity of the bundles, from 0 to 1",
    "dice": "Dice coefficient of the voxels that are crossed",
    "overlap": "share of the real voxels that are crossed",
    "overreach": "voxels crossed beyond the real ones, over the number of real ones",
}
_RATIOS = {
    "length_w1": "Wasserstein-1 distance of the lengths, over that of real ones",
    "curvature_w1": "the same of the mean curvatures",
    "tortuosity_w1": "the same of length over end-to-end distance",
    "winding_w1": "the same of the angle a streamline turns in all",
    "novelty": "distance to the nearest training streamline, over that of real ones",
}
_COPIES = Column(
    "copies (%)", meaning="as near to a training streamline as 1 % of the real ones are"
)


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
    counts = {
        "compared": "streamlines of each kind that are compared",
        "training": "streamlines that were trained on",
    }
    return _by_bundle(
        metrics,
        "quality",
        "Quality by bundle",
        [_count_column(*each) for each in counts.items()]
        + [_measure_column(*each) for each in _QUALITY.items()],
    )


def _shape_table(metrics: dict) -> Table:
    return _by_bundle(
        metrics,
        "shape",
        "Shape by bundle",
        [_measure_column(*each) for each in _SHAPE.items()],
    )


def _texture_table(metrics: dict) -> Table:
    return _by_bundle(
        metrics,
        "texture",
        "Length, texture and novelty by bundle",
        [(Column("mean length (mm)"), _length)]
        + [_ratio_column(*each) for each in _RATIOS.items()]
        + [(_COPIES, _copies)],
    )


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


def _count_column(name: str, meaning: str):
    return Column(name, meaning=meaning), lambda entry: count_cell(
        entry.get("counts", {}).get(name)
    )


def _measure_column(name: str, meaning: str):
    def cell(entry: dict) -> Cell:
        notes = [*_range(entry, "generated", name), _real(entry["real"].get(name), 2)]
        is_low = name not in _BETTER_LOW and far_below(entry, name)
        mark = _FAR_BELOW if is_low else ""
        return number_cell(entry["generated"].get(name), 2, notes=notes, mark=mark)

    return Column(_heading(name), meaning=meaning), cell


def _ratio_column(name: str, meaning: str):
    def cell(entry: dict) -> Cell:
        notes = _range(entry, "ratios", name)
        return number_cell(entry.get("ratios", {}).get(name), 2, notes=notes)

    return Column(_heading(name), meaning=meaning), cell


def _length(entry: dict) -> Cell:
    notes = [_real(entry.get("held_out", {}).get("mean_length"), 1)]
    return number_cell(entry["generated"].get("mean_length"), 1, notes=notes)


def _copies(entry: dict) -> Cell:
    found = entry.get("memorisation") or {}
    generated, real = (
        100 * found[kind] if is_number(found.get(kind)) else None
        for kind in ("generated", "real")
    )
    mark = "copies" if found.get("copies", "none") != "none" else ""
    return number_cell(generated, 1, notes=[_real(real, 1)], mark=mark)


def _range(entry: dict, kind: str, name: str) -> list[str]:
    ends = interval(entry, kind, name)
    return [f"{shown(ends[0], 2)}{DASH}{shown(ends[1], 2)}"] if ends else []


def _real(value: float | None, digits: int) -> str:
    return f"real {shown(value, digits)}"


def _heading(name: str) -> str:
    return name.replace("_w1", " W1").replace("_", " ").replace("dice", "Dice")
