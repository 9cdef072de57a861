"""What generated streamlines are like: from the files of the other commands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dipy_tractogen.streamlines.dataset import BundleSet

from .content import (
    DASH,
    Card,
    Cell,
    Column,
    Facts,
    Table,
    count_cell,
    entries_of,
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
_OVERALL = "all"


def generation_cards(generation: dict, generated: BundleSet | None) -> list[Card]:
    """Give the figures of a generation.

    Parameters
    ----------
    generation : dict
        What the command says of its run.
    generated : BundleSet or None
        The streamlines.

    Returns
    -------
    list of Card
        What is known.
    """
    if generated is None:
        return []
    note = ""
    seconds = generation.get("seconds")
    if seconds:
        note = f"in {seconds:.1f} s"
    return [Card("Generated streamlines", f"{len(generated):,}", note)]


def generation_facts(generation: dict) -> list[Facts]:
    """Give what was asked of a generation, and what was rejected.

    Parameters
    ----------
    generation : dict
        What the command says of its run.

    Returns
    -------
    list of Facts
        What is known.
    """
    titles = {
        "conditions": "Asked",
        "rejected": "Rejected, by criterion",
        "parameters": "Parameters",
        "versions": "Versions",
    }
    facts = [
        Facts(title, entries_of(generation.get(key) or {}))
        for key, title in titles.items()
    ]
    return [each for each in facts if each.entries]


def evaluation_cards(metrics: dict) -> list[Card]:
    """Give the figures of an evaluation that tell most.

    Parameters
    ----------
    metrics : dict
        What dipy_evaluate_streamlines measured.

    Returns
    -------
    list of Card
        What is known.
    """
    if not metrics:
        return []
    entry = metrics["overall"]
    cards = [
        Card(
            name.capitalize(),
            shown(entry["generated"].get(name)),
            f"real {shown(entry['real'].get(name))}",
        )
        for name in ("precision", "recall", "coverage")
    ]
    ratios = entry.get("ratios", {})
    if ratios.get("novelty") is not None:
        cards.append(Card("Novelty", shown(ratios["novelty"], 2), "real 1"))
    length, real = (
        entry.get(kind, {}).get("mean_length") for kind in ("generated", "held_out")
    )
    cards.append(
        Card("Mean length", f"{shown(length, 1)} mm", f"real {shown(real, 1)}")
    )
    return cards


def evaluation_tables(metrics: dict) -> list[Table]:
    """Put all measures of generated streamlines beside those of real ones.

    Parameters
    ----------
    metrics : dict
        What dipy_evaluate_streamlines measured; empty where it is not known.

    Returns
    -------
    list of Table
        Quality and shape by bundle, what was asked for, thresholds; those there are.
    """
    if not metrics:
        return []
    tables = [
        _quality_table(metrics),
        _shape_table(metrics),
        _texture_table(metrics),
        *_asked_table(metrics.get("conditions")),
        *_threshold_table(metrics.get("thresholds")),
    ]
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


def _asked_table(conditions: dict | None) -> list[Table]:
    if not conditions:
        return []
    columns = [
        Column("condition", numeric=False),
        Column("unit", numeric=False),
        Column("streamlines"),
        Column("R2", meaning="1 where all have what was asked for"),
        Column("mean absolute error", meaning="in the unit of the condition"),
    ]
    rows = [
        [
            text_cell(name),
            text_cell(found.get("unit") or ""),
            count_cell(found.get("n")),
            number_cell(found.get("r2")),
            number_cell(found.get("mae")),
        ]
        for name, found in conditions.items()
    ]
    return [Table("asked", "Asked for and obtained", columns, rows)]


def _threshold_table(thresholds: list[dict] | None) -> list[Table]:
    if not thresholds:
        return []
    columns = [Column(title, numeric=False) for title in ("measure", "bundle", "asked")]
    columns += [Column("value"), Column("met", numeric=False)]
    rows = [
        [
            text_cell(each["measure"]),
            text_cell(each.get("bundle") or _OVERALL),
            text_cell(each["asked"]),
            number_cell(each.get("value")),
            text_cell("yes" if each["met"] else "no"),
        ]
        for each in thresholds
    ]
    return [Table("thresholds", "Thresholds", columns, rows)]


def reconstruction_table(reconstructed: BundleSet) -> Table:
    """Give the point errors of reconstructed streamlines.

    Parameters
    ----------
    reconstructed : BundleSet
        With ``error_mm`` among its values.

    Returns
    -------
    Table
        A row a bundle.
    """
    columns = [
        Column("bundle", numeric=False),
        Column("streamlines"),
        Column("mean (mm)", meaning="mean of the point errors of its streamlines"),
        Column("95th percentile (mm)"),
        Column("largest (mm)"),
    ]
    errors, labels = reconstructed.values["error_mm"], reconstructed.labels
    rows = [
        _error_row(name, errors[labels == label])
        for label, name in enumerate(reconstructed.bundle_names)
        if (labels == label).any()
    ]
    title = "Point error of the reconstruction"
    return Table("reconstruction", title, columns, rows, _error_row(_OVERALL, errors))


def _error_row(name: str, errors: np.ndarray) -> list[Cell]:
    figures = (errors.mean(), np.percentile(errors, 95), errors.max())
    cells = (number_cell(float(each), 2) for each in figures)
    return [text_cell(name), count_cell(len(errors)), *cells]


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
    total = [text_cell(_OVERALL), *(cells[-1] for _, cells in made)]
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
