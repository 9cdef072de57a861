"""Cards and tables of training, generation, reconstruction and latent space."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.nn.archive.card import card_sections, measure_rows
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.point_data.profile import Profiles
from dipy_tractogen.utils.messages import format_count, format_number

from .content import (
    OVERALL,
    Card,
    Column,
    Facts,
    Table,
    file_table,
    format_value,
    readable_entries,
    text_columns,
)

# Shown elsewhere on the page, or of no use to a reader.
_IN_TABLES = ("files", "held_out_counts")
_NOT_SHOWN = ("command", "warnings", "name", "trainable", "dtype", "conditions")


def describe_model(model) -> str:
    """Describe a model in a line: class, bundles and streamlines."""
    record = model.record
    if not record.bundle_names:
        return f"{type(model).__name__} of weights from elsewhere"
    number = format_count(sum(record.bundle_counts), "training streamline")
    return f"{type(model).__name__} of {_bundles(record)}, {number}"


def training_cards(model) -> list[Card]:
    """Return the figures of the training that the record of a model has."""
    record = model.record
    cards = []
    if record.bundle_names:
        number = f"{sum(record.bundle_counts):,}"
        cards.append(Card("Training streamlines", number, _bundles(record)))
    if record.held_out_mm:
        high = format_value(record.held_out_mm.get("percentile_95"), 2)
        cards.append(
            Card(
                "Held-out point error",
                f"{format_value(record.held_out_mm.get('mean'), 2)} mm",
                f"95th percentile {high} mm",
            )
        )
    for name, errors in record.held_out_profiles.items():
        high = f"95th percentile {errors['percentile_95']:.3g}"
        cards.append(Card(f"Held-out error of {name}", f"{errors['mean']:.3g}", high))
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
        cards.append(Card("Training time", _minutes(last.get("seconds")), steps))
    return cards


def card_facts(model) -> list[Facts]:
    """Return the model card by section, and its measures by bundle; none unstated."""
    if not model.record.card:
        return []
    facts = [Facts(title, entries) for title, entries in card_sections(model).items()]
    head, *rows = measure_rows(model) or [[]]
    if rows:
        entries = [
            (name, ", ".join(map(" ".join, zip(head[1:], row)))) for name, *row in rows
        ]
        facts.append(Facts("Measures of generated streamlines (of real ones)", entries))
    return facts


def training_facts(model) -> list[Facts]:
    """Return the parameters of model and training, the data, and the versions."""
    record, profiles = model.record, Profiles.from_plain(model.record.profiles)
    facts = [
        Facts(
            "Model", [("class", type(model).__name__), *_entries(model.get_config())]
        ),
        Facts(
            "Values along the streamlines",
            [(one.name, one.describe()) for one in profiles],
        ),
        Facts("Training", _entries(record.parameters)),
        Facts("Data", _data(record)),
        Facts("Versions", _entries(record.versions)),
    ]
    return [each for each in facts if each.entries]


def bundle_table(model, generated: dict[str, int]) -> Table:
    """Count the streamlines of each bundle; `generated` holds counts by bundle."""
    record = model.record
    held_out = record.data.get("held_out_counts", {})
    others = [("held out", held_out), ("generated", generated)]
    others = {title: counts for title, counts in others if counts}
    columns = [
        *text_columns("bundle"),
        *(Column(title, 0) for title in ("training", *others)),
        *(Column(title, 1) for title in ("shortest (mm)", "longest (mm)")),
    ]
    of_training = zip(record.bundle_names, record.bundle_counts, record.length_ranges)
    rows = [
        (name, count, *(each.get(name, 0) for each in others.values()), low, high)
        for name, count, (low, high) in of_training
    ]
    total = [
        *(OVERALL, sum(record.bundle_counts)),
        *(sum(each.values()) for each in others.values()),
        min((low for low, _ in record.length_ranges), default=None),
        max((high for _, high in record.length_ranges), default=None),
    ]
    return Table("streamlines", "Streamlines by bundle", columns, rows, total)


def condition_table(model) -> Table:
    """List the conditions of a model."""
    columns = text_columns("condition", "values")
    columns += [Column("mean", 2), Column("standard deviation", 2)]
    rows = [
        (each["name"], _values(each), *_moments(each))
        for each in model.record.conditions
    ]
    return Table("conditions", "Conditions of the model", columns, rows)


def training_files(model) -> Table:
    """List the files of the training, with their digests."""
    files = model.record.data.get("files", {})
    title = f"Training files ({len(files):,})"
    rows = [("training", name, digest) for name, digest in files.items()]
    return file_table("training-files", title, rows)


def _bundles(record) -> str:
    return format_count(len(record.bundle_names), "bundle")


def _values(condition: dict) -> str:
    if condition["categories"]:
        return ", ".join(condition["categories"])
    low, high = (
        format_number(value) if abs(value) >= 1e5 else f"{value:.4g}"
        for value in (condition["low"], condition["high"])
    )
    return f"{low} to {high} {condition['unit']}".strip()


def _moments(condition: dict) -> list[float | None]:
    known = not condition["categories"]
    return [condition[name] if known else None for name in ("mean", "deviation")]


def _data(record) -> list[tuple[str, str]]:
    """Describe the data, without the files, which have a table."""
    plain = {name: each for name, each in record.data.items() if name not in _IN_TABLES}
    entries = readable_entries(plain)
    if record.reference:
        dimensions = " x ".join(map(str, record.reference["dimensions"]))
        sizes = " x ".join(f"{size:g}" for size in record.reference["voxel_sizes"])
        entries.append(("grid", f"{dimensions} voxels of {sizes} mm"))
    return entries


def _entries(values: dict) -> list[tuple[str, str]]:
    return readable_entries(
        {name: value for name, value in values.items() if name not in _NOT_SHOWN}
    )


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return format_value(None)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def generation_cards(generation: dict, generated: BundleSet | None) -> list[Card]:
    """Return the number of generated streamlines, and the time they took."""
    if generated is None:
        return []
    note = ""
    seconds = generation.get("seconds")
    if seconds:
        note = f"in {seconds:.1f} s"
    return [Card("Generated streamlines", f"{len(generated):,}", note)]


def generation_facts(generation: dict) -> list[Facts]:
    """Return the requested conditions of a generation, and what was rejected."""
    titles = {
        "conditions": "Requested",
        "obtained": "Streamlines that miss the requested values",
        "rejected": "Rejected, by criterion",
        "parameters": "Parameters",
        "versions": "Versions",
    }
    facts = [
        Facts(title, readable_entries(generation.get(key) or {}))
        for key, title in titles.items()
    ]
    return [each for each in facts if each.entries]


def reconstruction_table(reconstructed: BundleSet) -> Table:
    """Return the point errors by bundle of streamlines with ``error_mm``."""
    columns = [
        *text_columns("bundle"),
        Column("streamlines", 0),
        Column("mean (mm)", 2, "mean of the point errors of its streamlines"),
        Column("95th percentile (mm)", 2),
        Column("largest (mm)", 2),
    ]
    errors, labels = reconstructed.values["error_mm"], reconstructed.labels

    def row(name: str, own: np.ndarray) -> tuple:
        figures = (own.mean(), np.percentile(own, 95), own.max())
        return (name, len(own), *map(float, figures))

    rows = [
        row(name, errors[labels == label])
        for label, name in enumerate(reconstructed.bundle_names)
        if (labels == label).any()
    ]
    title = "Point error of the reconstruction"
    return Table("reconstruction", title, columns, rows, row(OVERALL, errors))


_UNITS = {
    "variance": "variance of the means over streamlines; 0 for an unused dimension",
    "deviation": "root mean square of the posteriors' deviations; 1 if unused",
    "kl": "mean divergence from the prior, in nats",
    "displacement_mm": "how far points move along its traversal, in mm",
}
_CORRELATION = "rank correlation with the {} of the streamlines"
_MEASURES = {
    "interpretability": "R2 of the attribute on its best dimension",
    "scc": "largest rank correlation with a dimension",
    "mig": "mutual information gap between the best and the second dimension",
    "sap": "gap of R2 between the best and the second dimension",
}


def latent_tables(latent: dict) -> list[Table]:
    """Return a row for each latent dimension, and a row for each attribute."""
    return [
        make(latent)
        for key, make in (("units", _units), ("disentanglement", _attributes))
        if latent.get(key)
    ]


def _units(latent: dict) -> Table:
    moved = latent.get("traversal", {}).get("displacement_mm", {})
    correlations = latent.get("correlations", {})
    attributes = correlations.get("attributes", [])
    columns = [
        *text_columns("dimension", "active"),
        *(Column(_heading(name), 2, text) for name, text in _UNITS.items()),
        *(Column(name, 2, _CORRELATION.format(name)) for name in attributes),
    ]
    rows = []
    for unit in latent["units"]:
        name = unit["dimension"]
        found = {**unit, "displacement_mm": moved.get(name)}
        along = correlations.get("values", {}).get(name, [None] * len(attributes))
        active = "yes" if unit.get("active") else "no"
        rows.append((name, active, *map(found.get, _UNITS), *along))
    return Table("units", "Latent dimensions", columns, rows)


def _attributes(latent: dict) -> Table:
    measured = latent["disentanglement"]
    given = {name: measured[name] for name in _MEASURES if measured.get(name)}
    columns = text_columns("attribute")
    for name in given:
        title = name if name == "interpretability" else name.upper()
        columns.append(Column(title, meaning=_MEASURES[name]))
    names = dict.fromkeys(name for values in given.values() for name in values)
    rows = [(name, *(each.get(name) for each in given.values())) for name in names]
    return Table("attributes", "Disentanglement of the attributes", columns, rows)


def _heading(name: str) -> str:
    return {"kl": "KL (nats)", "displacement_mm": "moves (mm)"}.get(name, name)
