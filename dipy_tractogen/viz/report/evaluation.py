"""What generated streamlines are like: from dipy_evaluate_streamlines."""

from __future__ import annotations

from .content import (
    OVERALL,
    Card,
    Column,
    Table,
    count_cell,
    number_cell,
    shown,
    text_cell,
)
from .measures import measure_tables


def evaluation_cards(metrics: dict) -> list[Card]:
    """Return the figures of an evaluation that tell most.

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
    errors = (metrics.get("model") or {}).get("reconstruction_mm")
    if errors:
        note = f"95th percentile {shown(errors.get('p95'), 2)} mm"
        value = f"{shown(errors.get('mean'), 2)} mm"
        cards.append(Card("Point error, real files", value, note))
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
    return [
        *measure_tables(metrics),
        *_asked_table(metrics.get("conditions")),
        *_threshold_table(metrics.get("thresholds")),
    ]


def _asked_table(conditions: dict | None) -> list[Table]:
    if not conditions:
        return []
    columns = [
        *(Column(name, numeric=False) for name in ("condition", "bundle", "unit")),
        Column("streamlines"),
        Column("R2", meaning="1 where all have what was asked for"),
        Column("mean absolute error", meaning="in the unit of the condition"),
    ]
    rows = [
        [
            *map(text_cell, (name, bundle, found.get("unit") or "")),
            count_cell(errors.get("n")),
            number_cell(errors.get("r2")),
            number_cell(errors.get("mae")),
        ]
        for name, found in conditions.items()
        for bundle, errors in {OVERALL: found, **found.get("bundles", {})}.items()
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
            text_cell(each.get("bundle") or OVERALL),
            text_cell(each["asked"]),
            number_cell(each.get("value")),
            text_cell("yes" if each["met"] else "no"),
        ]
        for each in thresholds
    ]
    return [Table("thresholds", "Thresholds", columns, rows)]
