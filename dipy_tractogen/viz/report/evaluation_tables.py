"""Cards and tables of an evaluation, each value beside that of real streamlines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dipy_tractogen.metrics.measures import (
    C2ST,
    DESCRIPTIONS,
    MEMBERSHIP,
    PROFILE_TESTS,
    QUALITY,
    QUALITY_SHARES,
    W1,
    profile_measures,
)
from dipy_tractogen.metrics.profiles.distances import PROFILE_MEASURES

from ..evaluation import interval
from .content import (
    DASH,
    MOST_UNFOLDED,
    OVERALL,
    Card,
    Cell,
    Column,
    Table,
    format_value,
    number_cell,
    text_columns,
)
from .judgement import far_from_real, worst_first


def evaluation_cards(metrics: dict) -> list[Card]:
    """Return the most telling figures of an evaluation."""
    if not metrics:
        return []
    entry = metrics["overall"]
    cards = [
        Card(
            name.capitalize(),
            format_value(entry["generated"].get(name)),
            f"real {format_value(entry['real'].get(name))}",
        )
        for name in QUALITY_SHARES
    ]
    ratios = entry.get("ratios", {})
    if ratios.get("novelty") is not None:
        cards.append(Card("Novelty", format_value(ratios["novelty"], 2), "real 1"))
    for measure in ("c2st_texture", "membership_auc"):
        value, of_real = (entry[kind].get(measure) for kind in ("generated", "real"))
        if value is not None:
            note = f"real {format_value(of_real, 2)}; 0.5: not told"
            cards.append(Card(_heading(measure), format_value(value, 2), note))
    length, real = (
        entry.get(kind, {}).get("mean_length") for kind in ("generated", "held_out")
    )
    cards.append(
        Card(
            "Mean length",
            f"{format_value(length, 1)} mm",
            f"real {format_value(real, 1)}",
        )
    )
    errors = (metrics.get("model") or {}).get("reconstruction_mm")
    if errors:
        note = f"95th percentile {format_value(errors.get('p95'), 2)} mm"
        value = f"{format_value(errors.get('mean'), 2)} mm"
        cards.append(Card("Point error, real files", value, note))
    return cards


def evaluation_tables(metrics: dict) -> list[Table]:
    """Return tables of measures by bundle, requested conditions and thresholds."""
    if not metrics:
        return []
    return [
        *_measure_tables(metrics),
        *_classifier_table(metrics.get("c2st")),
        *_profile_table(metrics),
        *_condition_table(metrics.get("conditions")),
        *_threshold_table(metrics.get("thresholds")),
    ]


def _classifier_table(found: dict | None) -> list[Table]:
    if not (found and found.get("told_by")):
        return []
    columns = [
        *text_columns("generated streamlines have", "set"),
        Column("AUC alone", 2, "Within bundles; above 0.5 where generated have more."),
        Column("AUC given others", 2, "Of what other features do not predict."),
        Column("importance", 3, "Fall of the AUC if the feature is permuted."),
    ]
    keys = ("text", "set", "alone", "given_others", "importance")
    rows = [tuple(map(each.get, keys)) for each in found["told_by"]]
    return [
        Table("c2st", "What classifiers tell generated streamlines by", columns, rows)
    ]


def _profile_table(metrics: dict) -> list[Table]:
    found = metrics.get("profiles")
    if not (found and found.get("values")):
        return []
    entries = {OVERALL: metrics["overall"], **metrics["bundles"]}
    columns = text_columns("value", "bundle")
    for name, text in PROFILE_MEASURES.items():
        title = name.replace("_", " ")
        columns += [Column(title, meaning=text), Column(f"{title}, real")]
    sides = ("generated", "real")
    rows = [
        (
            *(value, bundle),
            *(
                _significant(
                    each[side].get(name),
                    interval(entries.get(bundle, {}), side, measures[name]),
                )
                for name in PROFILE_MEASURES
                for side in sides
            ),
        )
        for value, entry in found["values"].items()
        for measures in [profile_measures(value)]
        for bundle, each in {OVERALL: entry["overall"], **entry["bundles"]}.items()
    ]
    return [Table("profiles", "Profiles of values along the bundles", columns, rows)]


def _significant(value: float | None, limits: Sequence[float] | None) -> Cell:
    """Return a cell of a number in a unit of any size, with its interval."""
    if value is None:
        return Cell(DASH)
    notes = [f"{limits[0]:.3g}{DASH}{limits[1]:.3g}"] if limits else []
    return Cell(f"{value:.3g}", value, notes)


def _condition_table(conditions: dict | None) -> list[Table]:
    if not conditions:
        return []
    columns = [
        *text_columns("condition", "bundle", "unit"),
        Column("streamlines", 0),
        Column("R2", meaning="1 where all have the requested value"),
        Column("mean absolute error", meaning="in the unit of the condition"),
    ]
    rows = [
        (name, bundle, found.get("unit") or "", *map(errors.get, ("n", "r2", "mae")))
        for name, found in conditions.items()
        for bundle, errors in {OVERALL: found, **found.get("bundles", {})}.items()
    ]
    return [Table("asked", "Requested and measured attributes", columns, rows)]


def _threshold_table(thresholds: list[dict] | None) -> list[Table]:
    if not thresholds:
        return []
    columns = text_columns("measure", "bundle", "asked", "met")
    columns.insert(3, Column("value"))
    rows = [
        (
            *(each["measure"], each.get("bundle") or OVERALL, each["asked"]),
            *(each.get("value"), "yes" if each["met"] else "no"),
        )
        for each in thresholds
    ]
    return [Table("thresholds", "Thresholds", columns, rows)]


_QUALITY = (*QUALITY, "agreement", "repetition", "memorised")
_SHAPE = ("shape_similarity", "dice", "overlap", "overreach")
_RATIOS = (*W1, "novelty")


def _measure_tables(metrics: dict) -> list[Table]:
    """Return tables of quality, shape and texture by bundle, if not empty."""
    columns = {
        ("quality", "Quality by bundle"): [_COMPARED, *map(_measure_column, _QUALITY)],
        ("shape", "Shape by bundle"): map(_measure_column, _SHAPE),
        ("texture", "Length, texture and novelty by bundle"): [
            _LENGTH,
            *map(_ratio_column, _RATIOS),
            *map(_measure_column, (*C2ST, *PROFILE_TESTS, *MEMBERSHIP)),
        ],
    }
    tables = [_by_bundle(metrics, *names, each) for names, each in columns.items()]
    return [table for table in tables if len(table.columns) > 1]


def _by_bundle(metrics: dict, key: str, title: str, columns: Iterable) -> Table:
    """Make a table of columns and functions of their values; leave out empty ones.

    Of many bundles, the worst come first.
    """
    entries = metrics["bundles"]
    if len(entries) > MOST_UNFOLDED:
        entries = {name: entries[name] for name in worst_first(entries)}
    overall = metrics["overall"]
    made = [
        (column, [column.cell(give(entry)) for entry in (*entries.values(), overall)])
        for column, give in columns
    ]
    made = [
        (column, cells)
        for column, cells in made
        if any(cell.value is not None for cell in cells)
    ]
    rows = [
        [name, *(cells[row] for _, cells in made)] for row, name in enumerate(entries)
    ]
    total = [OVERALL, *(cells[-1] for _, cells in made)]
    headings = [*text_columns("bundle"), *(column for column, _ in made)]
    return Table(key, title, headings, rows, total)


def _measure_column(name: str):
    def cell(entry: dict) -> Cell:
        notes = [*_range(entry, "generated", name), _real(entry["real"].get(name), 2)]
        value = entry["generated"].get(name)
        return number_cell(value, 2, notes=notes, mark=far_from_real(entry, name))

    meaning = {**DESCRIPTIONS, **PROFILE_TESTS}[name][0]
    return Column(_heading(name), meaning=meaning), cell


def _ratio_column(name: str):
    def cell(entry: dict) -> Cell:
        notes = _range(entry, "ratios", name)
        value, mark = entry.get("ratios", {}).get(name), far_from_real(entry, name)
        return number_cell(value, 2, notes=notes, mark=mark)

    meaning = DESCRIPTIONS[name][0]
    if name.endswith("_w1"):
        meaning = f"{meaning.rstrip('.')}, over that of real streamlines."
    return Column(_heading(name), meaning=meaning), cell


def _length(entry: dict) -> Cell:
    notes = [_real(entry.get("held_out", {}).get("mean_length"), 1)]
    return number_cell(entry["generated"].get("mean_length"), 1, notes=notes)


def _range(entry: dict, kind: str, name: str) -> list[str]:
    ends = interval(entry, kind, name)
    return (
        [f"{format_value(ends[0], 2)}{DASH}{format_value(ends[1], 2)}"] if ends else []
    )


def _real(value: float | None, digits: int) -> str:
    return f"real {format_value(value, digits)}"


def _heading(name: str) -> str:
    return (
        name.replace("_w1", " W1")
        .replace("_", " ")
        .replace("dice", "Dice")
        .replace("c2st", "C2ST")
        .replace("auc", "AUC")
        .replace("tpr", "TPR at 1 %")
    )


_COMPARED = (
    Column("compared", 0, "Number of streamlines compared of each set."),
    lambda entry: entry.get("counts", {}).get("compared"),
)
_LENGTH = (
    Column("mean length (mm)", meaning="Of generated streamlines, and of real ones."),
    _length,
)
