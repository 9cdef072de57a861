"""Tables of the measures of a report, for files and for the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dipy_tractogen.utils.tables import html_table, write_table

from .measures import RATIO_MEASURES, described_measures

_KEYS = {
    "bundle": ("Name of the bundle; n/a for all of them together.", ""),
    "set": ("generated, or real: other real streamlines in their place.", ""),
    "streamlines": ("Number of streamlines of the set.", ""),
    "compared": ("Number of streamlines of the samples that were compared.", ""),
}
_LIMITS = {"low": "Lower", "high": "Upper"}


class EvaluationReport(dict):
    """Report of `evaluate`: a dict of plain values that notebooks show as a table."""

    def _repr_html_(self) -> str:
        """Return a table of the measures of all streamlines, and the warnings."""
        overall = self["overall"]

        def cell(value) -> str:
            return "" if value is None else f"{value:.4g}"

        rows = [
            (name, cell(value), cell(overall["real"].get(name)))
            for name, value in overall["generated"].items()
        ]
        rows += [("warning", each, "") for each in self["warnings"]]
        counts = overall["counts"]
        caption = f"{counts['generated']:,} generated, {counts['real']:,} real"
        if self["worst_bundle"] is not None:
            caption += f"; farthest below real: {self['worst_bundle']}"
        return html_table(caption, rows, ("measure", "generated", "real"))


def describe_columns(values: Sequence[str] = ()) -> dict[str, dict[str, str]]:
    """Describe the columns of `table_rows` as the JSON files of BIDS do.

    `values` are those along the streamlines that a report has measures of.
    """
    columns = dict(_KEYS)
    for name, (text, unit) in described_measures(values).items():
        columns[name] = text, unit
        if name != "generated_per_training":
            for end, word in _LIMITS.items():
                limit = f"{word} limit of the 95 % confidence interval of {name}."
                columns[f"{name}_{end}"] = limit, unit
    return {
        name: {"Description": text, **({"Units": unit} if unit else {})}
        for name, (text, unit) in columns.items()
    }


def table_rows(report: dict) -> list[dict]:
    """Return two rows (generated, real) for all together and for each bundle.

    A row has a value for each column of `describe_columns`, or None.
    """
    entries = {None: report["overall"], **report["bundles"]}
    columns = describe_columns(_values_in(report))
    return [
        {**dict.fromkeys(columns), **_row(bundle, kind, entry)}
        for bundle, entry in entries.items()
        for kind in ("generated", "real")
    ]


def save_table(path: Path, report: dict, *, force: bool = False) -> None:
    """Write the rows of `table_rows` as a tab-separated table, n/a for None."""
    rows = (
        ["n/a" if value is None else value for value in row.values()]
        for row in table_rows(report)
    )
    columns = list(describe_columns(_values_in(report)))
    write_table(path, columns, rows, force=force)


def _values_in(report: dict) -> list[str]:
    return list((report.get("profiles") or {}).get("values", ()))


def _row(bundle: str | None, kind: str, entry: dict) -> dict:
    counts = entry["counts"]
    row = {
        "bundle": bundle,
        "set": kind,
        "streamlines": counts[kind],
        "compared": counts["compared"],
        **entry[kind],
    }
    intervals = dict(entry["intervals"].get(kind, {}))
    if kind == "generated":
        row.update({name: entry["ratios"][name] for name in RATIO_MEASURES})
        intervals["novelty"] = entry["intervals"].get("ratios", {}).get("novelty")
    for name, limits in intervals.items():
        if limits:
            row[f"{name}_low"], row[f"{name}_high"] = limits
    return row


_LEGEND = (
    "n: streamlines compared. P, R, D, C: precision, recall, density, coverage.\n"
    "novelty: distance to the training streamlines, over that of the held-out ones.\n"
    "repeated: share that nearly equals another streamline. length: mean in mm.\n"
    "W1 len, curv, tort, wind: distance of the distributions of length, curvature,\n"
    "tortuosity and winding from those held out, over that of real streamlines.\n"
    "shape: BUAN shape similarity. Dice: Dice coefficient of the volumes.\n"
    "agree: share whose nearest held-out streamline is of the same bundle.\n"
    "In parentheses: real streamlines in place of generated ones; for the length, the\n"
    "held-out ones."
)


def format_table(report: dict) -> str:
    """Format a report: a line for all bundles together, then one for each.

    What the report says of copies, conditions and a model follows. None is a dash; the
    last line has no line break.
    """
    # A list, as a bundle may be named as the first line.
    entries = [("overall", report["overall"]), *report["bundles"].items()]
    header = ["", *_COLUMNS]
    rows = [
        [name, *(column(entry) for column in _COLUMNS.values())]
        for name, entry in entries
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    lines = [_aligned(row, widths) for row in (header, *rows)]
    if report["worst_bundle"] is not None:
        lines.append(f"Farthest below real: {report['worst_bundle']}.")
    return "\n".join([*lines, *_sentences(report), _LEGEND])


def _sentences(report: dict) -> list[str]:
    """Return sentences on copies, classifiers, conditions and the model."""
    said = []
    copies = report["overall"].get("memorisation")
    if copies:
        said.append(copies["verdict"])
    for name in ("c2st", "profiles"):
        said += (report.get(name) or {}).get("verdict", ())
    if report.get("membership"):
        said.append(report["membership"]["verdict"])
    for name, found in report.get("conditions", {}).items():
        r2 = "undefined" if found["r2"] is None else f"{found['r2']:.3f}"
        error = f"{found['mae']:.3g} {found['unit']}".rstrip()
        said.append(f"Asked {name}: mean absolute error {error}, R2 {r2}.")
    if "model" in report:
        model = report["model"]
        errors = model["reconstruction_mm"]
        said.append(
            f"Point error of the model: mean {errors['mean']:.2f} mm, 95th percentile "
            f"{errors['p95']:.2f} mm; {model['active_units']} of "
            f"{model['latent_dim']} latents are active."
        )
        for name, each in model.get("reconstruction_values", {}).items():
            if each["mean"] is not None:
                said.append(
                    f"Error of {name}: mean {each['mean']:.3g}, 95th percentile "
                    f"{each['p95']:.3g}."
                )
    return said


def _aligned(cells: list[str], widths: list[int]) -> str:
    name, *values = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths))
    )
    return "  ".join([name, *values]).rstrip()


def _share(value: float | None) -> str:
    """Format two decimals without the leading zero."""
    if value is None:
        return "-"
    return f"{value:.2f}".removeprefix("0") if value >= 0 else f"{value:.2f}"


def _beside_real(measure: str) -> Callable[[dict], str]:
    return lambda entry: (
        f"{_share(entry['generated'][measure])} ({_share(entry['real'][measure])})"
    )


def _ratio(name: str) -> Callable[[dict], str]:
    return lambda entry: _share(entry["ratios"][name])


def _length(entry: dict) -> str:
    generated = entry["generated"]["mean_length"]
    shown = "-" if generated is None else f"{generated:.1f}"
    return f"{shown} ({entry['held_out']['mean_length']:.1f})"


_COLUMNS: dict[str, Callable[[dict], str]] = {
    "n": lambda entry: str(entry["counts"]["compared"]),
    "P": _beside_real("precision"),
    "R": _beside_real("recall"),
    "D": _beside_real("density"),
    "C": _beside_real("coverage"),
    "novelty": _ratio("novelty"),
    "repeated": _beside_real("repetition"),
    "length": _length,
    "W1 len": _ratio("length_w1"),
    "curv": _ratio("curvature_w1"),
    "tort": _ratio("tortuosity_w1"),
    "wind": _ratio("winding_w1"),
    "shape": _beside_real("shape_similarity"),
    "Dice": _beside_real("dice"),
    "agree": _beside_real("agreement"),
}
