"""Model cards: what a model is, of which data, for what use, and how good."""

from __future__ import annotations

from collections.abc import Mapping
import os
import re

from dipy_tractogen.streamlines.point_data.profile import Profiles
from dipy_tractogen.utils.messages import format_count, listed, printable
from dipy_tractogen.utils.schema import (
    SchemaError,
    file_errors,
    list_of,
    mapping,
    number,
    optional,
    read_toml,
    record,
    text,
)

CARD_TEXTS = {
    "name": "Name",
    "version": "Version",
    "description": "Description",
    "developers": "Developers",
    "licence": "Licence",
    "citation": "Citation",
    "intended_use": "Intended use",
    "out_of_scope_use": "Out-of-scope use",
    "training_data": "Training data",
    "data_licence": "Licence of the data",
    "data_citation": "Citation of the data",
    "limitations": "Limitations",
}
"""Texts of a card, by their keys in a TOML file: headings of its entries."""

MEASURES = ("precision", "recall", "density", "coverage")
"""Measures of a card, each of generated streamlines and of real ones."""

CARD = record(
    {},
    {
        **dict.fromkeys(CARD_TEXTS, text(20_000)),
        "measures": mapping(
            record(
                {},
                {
                    name: list_of(optional(number(0, 1e9)), 2, 2)
                    for name in (*MEASURES, "c2st_shape", "c2st_texture", "c2st_both")
                },
                others=False,
            )
        ),
    },
    others=False,
)
"""Check of a card in a model's file."""

OVERALL = ""
"""Key of the measures of all bundles together, in place of a name."""

_CLASSIFIERS = {
    "c2st_shape": "shape",
    "c2st_texture": "texture",
    "c2st_both": "both",
}
# Characters that Markdown reads.
_MARKUP = re.compile(r"[\\`*_\[\]<>|]")
_NOT_STATED = "not stated"


def read_card(path: str | os.PathLike) -> dict[str, str]:
    """Read the texts of a card from a TOML file.

    Parameters
    ----------
    path : str or Path
        A file with some of the keys of `CARD_TEXTS`, each a text.

    Returns
    -------
    dict of str to str
        The texts by key.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is no TOML or has another key or something other than a text.
    """
    with file_errors(path, "a model card in TOML"):
        found = read_toml(path)
        unknown = sorted(set(found) - set(CARD_TEXTS))
        if unknown:
            raise SchemaError("", f"with {unknown[0]}", f"{', '.join(CARD_TEXTS)}")
        CARD(found, "")
    return {name: each.strip() for name, each in found.items()}


def measures_of(report: Mapping) -> dict[str, dict[str, list[float | None]]]:
    """Return the measures of a card from a report of `evaluate`.

    By bundle and for all together, each is a list of the values of generated and of
    real streamlines; those of classifiers are left out where none were trained.
    """
    entries = {OVERALL: report["overall"], **report["bundles"]}
    return {name: _pairs(entry) for name, entry in entries.items()}


def _pairs(entry: Mapping) -> dict[str, list[float | None]]:
    generated, real = entry["generated"], entry["real"]
    names = [*MEASURES, *(n for n in _CLASSIFIERS if generated.get(n) is not None)]
    return {name: [generated.get(name), real.get(name)] for name in names}


def card_sections(model) -> dict[str, list[tuple[str, str]]]:
    """Return headings of a model's card, each with names and texts.

    What the record of the training says is told of every model, and what only its
    authors can say is "not stated" where they have not. The sections are those of
    Mitchell et al. :footcite:p:`Mitchell2019`.

    References
    ----------
    .. footbibliography::
    """
    record = model.record
    known = {name: record.card.get(name, "") for name in CARD_TEXTS}

    def stated(*names: str) -> list[tuple[str, str]]:
        return [(CARD_TEXTS[name], known[name] or _NOT_STATED) for name in names]

    details = [entry for entry in stated("name", "version") if entry[1] != _NOT_STATED]
    return {
        "Model details": [
            *details,
            *stated("description", "developers", "licence", "citation"),
            ("Class", f"{type(model).__name__}, {model.latent_dim} latent dimensions"),
            ("Made with", _versions(record.versions)),
            ("Training streamlines in the file", _held_by(record)),
        ],
        "Intended use": stated("intended_use", "out_of_scope_use"),
        "Training data": [
            *stated("training_data", "data_licence", "data_citation"),
            ("Bundles", _bundles(record)),
            ("Conditions", listed(each["name"] for each in record.conditions)),
            *_profiles(record),
        ],
        "Space": [("Space", record.space or _NOT_STATED), ("Grid", _grid(record))],
        "Evaluation": _evaluation(record),
        "Limitations": stated("limitations"),
    }


def _versions(versions: Mapping[str, str]) -> str:
    return listed(f"{name} {each}" for name, each in versions.items()) or _NOT_STATED


def _held_by(record) -> str:
    if record.density is None:
        return "none; it cannot generate by bundle"
    if record.is_shared:
        return "none: densities of 20 or more stand in their place"
    return "their latents and details; dipy_share_model writes a file without them"


def _bundles(record) -> str:
    if not record.bundle_names:
        return "unknown"
    number = format_count(sum(record.bundle_counts), "streamline")
    return f"{format_count(len(record.bundle_names), 'bundle')}, {number}"


def _grid(record) -> str:
    if not record.reference:
        return _NOT_STATED
    dimensions = " x ".join(map(str, record.reference["dimensions"]))
    sizes = " x ".join(f"{size:g}" for size in record.reference["voxel_sizes"])
    return f"{dimensions} voxels of {sizes} mm"


def _profiles(record) -> list[tuple[str, str]]:
    """Return what is known of values along the streamlines, if a model has some."""
    told = (each.describe() for each in Profiles.from_plain(record.profiles))
    text = listed(told, "; ")
    return [("Values along the streamlines", text)] if record.profiles else []


def _evaluation(record) -> list[tuple[str, str]]:
    """Return what was measured on held-out streamlines."""
    found = []
    errors = record.held_out_mm
    if errors:
        text = (
            f"mean {errors['mean']:.2f}, 95th percentile {errors['percentile_95']:.2f}"
        )
        found.append(("Point error of held-out streamlines (mm)", text))
    for name, each in record.held_out_profiles.items():
        text = f"mean {each['mean']:.3g}, 95th percentile {each['percentile_95']:.3g}"
        found.append((f"Error of {name} of held-out streamlines", text))
    overall = record.card.get("measures", {}).get(OVERALL, {})
    told = [
        f"{word} {_value(overall[name][0])} ({_value(overall[name][1])})"
        for name, word in _CLASSIFIERS.items()
        if name in overall
    ]
    if told:
        title = "Area under the curve of classifiers; .5 cannot tell (real ones)"
        found.append((title, ", ".join(told)))
    return found or [("Measures", _NOT_STATED)]


def measure_rows(model) -> list[list[str]]:
    """Return the measures by bundle, below a row of headings; empty without any."""
    measures = model.record.card.get("measures", {})
    rows = [
        [
            name or "all",
            *(f"{_value(each[m][0])} ({_value(each[m][1])})" for m in MEASURES),
        ]
        for name, each in measures.items()
    ]
    return [["bundle", *MEASURES], *rows] if rows else []


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def card_markdown(model, *, escape: bool = True) -> str:
    """Return the card of a model as Markdown, with a table of measures by bundle.

    Without `escape`, for a terminal, characters that Markdown reads stay as they are.
    """

    def inline(given: str) -> str:
        plain = printable(" ".join(given.split()))
        return _MARKUP.sub(r"\\\g<0>", plain) if escape else plain

    lines = [f"# {inline(model.record.card.get('name') or type(model).__name__)}"]
    for title, entries in card_sections(model).items():
        lines += ["", f"## {title}", ""]
        lines += [f"- **{name}**: {inline(each)}" for name, each in entries]
        rows = measure_rows(model) if title == "Evaluation" else []
        if rows:
            lines += ["", "Generated streamlines (real ones in their place):", ""]
            head, *rest = ([inline(cell) for cell in row] for row in rows)
            lines += [_row(head), _row(["---"] * len(head)), *map(_row, rest)]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
