"""What was trained on what: from the record in the model's file."""

from __future__ import annotations

from dipy_tractogen.utils.messages import digits_of

from .content import (
    OVERALL,
    Card,
    Cell,
    Column,
    Facts,
    Table,
    count_cell,
    counted,
    entries_of,
    file_table,
    number_cell,
    shown,
    text_cell,
)

# Shown elsewhere on the page, or of no use to a reader.
_IN_TABLES = ("files", "held_out_counts")
_NOT_SHOWN = ("command", "warnings", "name", "trainable", "dtype", "conditions")


def describe(model) -> str:
    """Say in a line what the model is.

    Parameters
    ----------
    model : StreamlineModel
        The model.

    Returns
    -------
    str
        Class, bundles and streamlines.
    """
    record = model.record
    if not record.bundle_names:
        return f"{type(model).__name__} of weights from elsewhere"
    number = counted(sum(record.bundle_counts), "training streamline")
    return f"{type(model).__name__} of {_bundles(record)}, {number}"


def training_cards(model) -> list[Card]:
    """Return the figures of the training.

    Parameters
    ----------
    model : StreamlineModel
        The model.

    Returns
    -------
    list of Card
        Those that the record has.
    """
    record = model.record
    cards = []
    if record.bundle_names:
        number = f"{sum(record.bundle_counts):,}"
        cards.append(Card("Training streamlines", number, _bundles(record)))
    if record.held_out_mm:
        high = shown(record.held_out_mm.get("percentile_95"), 2)
        cards.append(
            Card(
                "Held-out point error",
                f"{shown(record.held_out_mm.get('mean'), 2)} mm",
                f"95th percentile {high} mm",
            )
        )
    if record.density is not None:
        cards.append(
            Card(
                "Active latent dimensions",
                f"{record.active_units} of {model.latent_dim}",
            )
        )
    if record.history:
        last = record.history[-1]
        steps = f"{int(last['step']):,} steps" if "step" in last else ""
        cards.append(Card("Time of the steps", _minutes(last.get("seconds")), steps))
    return cards


def training_facts(model) -> list[Facts]:
    """Return the parameters of model and training, what was read, and the versions.

    Parameters
    ----------
    model : StreamlineModel
        The model.

    Returns
    -------
    list of Facts
        Those that the record has.
    """
    record = model.record
    facts = [
        Facts(
            "Model", [("class", type(model).__name__), *_entries(model.get_config())]
        ),
        Facts("Training", _entries(record.parameters)),
        Facts("Data", _data(record)),
        Facts("Versions", _entries(record.versions)),
    ]
    return [each for each in facts if each.entries]


def bundle_table(model, generated: dict[str, int]) -> Table:
    """Count the streamlines of each bundle.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    generated : dict of str to int
        Generated streamlines by bundle; empty where there are none.

    Returns
    -------
    Table
        A row a bundle.
    """
    record = model.record
    columns = [Column("bundle", numeric=False), Column("training")]
    held_out = record.data.get("held_out_counts", {})
    others = [("held out", held_out), ("generated", generated)]
    others = [(title, counts) for title, counts in others if counts]
    columns += [Column(title) for title, _ in others]
    columns += [Column("shortest (mm)"), Column("longest (mm)")]
    rows = []
    of_training = zip(record.bundle_names, record.bundle_counts, record.length_ranges)
    for name, count, (low, high) in of_training:
        counts = [count_cell(each.get(name, 0)) for _, each in others]
        lengths = [number_cell(low, 1), number_cell(high, 1)]
        rows.append([text_cell(name), count_cell(count), *counts, *lengths])
    total = [
        text_cell(OVERALL),
        count_cell(sum(record.bundle_counts)),
        *(count_cell(sum(each.values())) for _, each in others),
        number_cell(min((low for low, _ in record.length_ranges), default=None), 1),
        number_cell(max((high for _, high in record.length_ranges), default=None), 1),
    ]
    return Table("streamlines", "Streamlines by bundle", columns, rows, total)


def condition_table(model) -> Table:
    """Say what can be asked for.

    Parameters
    ----------
    model : StreamlineModel
        The model.

    Returns
    -------
    Table
        A row a condition.
    """
    columns = [Column(title, numeric=False) for title in ("condition", "values")]
    columns += [Column("mean"), Column("standard deviation")]
    rows = [
        [text_cell(each["name"]), _values(each), *_moments(each)]
        for each in model.record.conditions
    ]
    return Table("conditions", "Conditions that can be asked for", columns, rows)


def training_files(model) -> Table:
    """List the files that were trained on.

    Parameters
    ----------
    model : StreamlineModel
        The model.

    Returns
    -------
    Table
        A row a file, with its digest.
    """
    files = model.record.data.get("files", {})
    title = f"Files that were trained on ({len(files):,})"
    rows = [("training", name, digest) for name, digest in files.items()]
    return file_table("training-files", title, rows)


def _bundles(record) -> str:
    return counted(len(record.bundle_names), "bundle")


def _values(condition: dict) -> Cell:
    if condition["categories"]:
        return text_cell(", ".join(condition["categories"]))
    unit = condition["unit"]
    low, high = (
        digits_of(value) if abs(value) >= 1e5 else f"{value:.4g}"
        for value in (condition["low"], condition["high"])
    )
    return text_cell(f"{low} to {high} {unit}".strip())


def _moments(condition: dict) -> list[Cell]:
    if condition["categories"]:
        return [number_cell(None), number_cell(None)]
    return [number_cell(condition[name], 2) for name in ("mean", "deviation")]


def _data(record) -> list[tuple[str, str]]:
    """Say what was read, without the files, which have a table."""
    plain = {name: each for name, each in record.data.items() if name not in _IN_TABLES}
    entries = entries_of(plain)
    if record.reference:
        dimensions = " x ".join(map(str, record.reference["dimensions"]))
        sizes = " x ".join(f"{size:g}" for size in record.reference["voxel_sizes"])
        entries.append(("grid", f"{dimensions} voxels of {sizes} mm"))
    return entries


def _entries(values: dict) -> list[tuple[str, str]]:
    return entries_of(
        {name: value for name, value in values.items() if name not in _NOT_SHOWN}
    )


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return shown(None)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
