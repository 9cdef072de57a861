"""Measures of a report: what each is, and the table of them."""

from __future__ import annotations

from .attribute_distances import UNITS
from .comparison import MEASURES

RATIO_MEASURES = ("novelty", "generated_per_training")
"""Ratios of a report that are no measures of a set of streamlines."""

SET_MEASURES = (*MEASURES, "nearest_training", "repetition", "memorised")
"""Measures that a report has of generated and of real streamlines."""

MEASURE_NAMES = (*SET_MEASURES, *RATIO_MEASURES)
"""Measures that can be asked for by name."""

_OF_ATTRIBUTES = {
    **{
        f"mean_{name}": (f"Mean {name} of the streamlines that were compared.", unit)
        for name, unit in UNITS.items()
    },
    **{
        f"{name}_w1": (
            f"Wasserstein-1 distance of the distributions of {name} from that of the "
            "held-out streamlines.",
            unit,
        )
        for name, unit in UNITS.items()
    },
}

DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "precision": ("Share in the neighbourhood of any held-out streamline.", ""),
    "recall": ("Share of held-out streamlines in the neighbourhood of any.", ""),
    "density": ("Mean number of neighbourhoods a streamline is in, over k.", ""),
    "coverage": ("Share of neighbourhoods of held-out streamlines with any.", ""),
    "shape_similarity": ("BUAN shape similarity.", ""),
    "dice": ("Dice coefficient of the volumes.", ""),
    "overlap": ("Share of the voxels of the held-out streamlines.", ""),
    "overreach": ("Voxels beyond the held-out streamlines, over theirs.", ""),
    "agreement": ("Share whose nearest held-out streamline is of their bundle.", ""),
    **_OF_ATTRIBUTES,
    "nearest_training": ("Median distance to the nearest of training.", "mm"),
    "repetition": ("Share nearer than a tenth of the usual to another one.", ""),
    "memorised": ("Share as near to training as one in a hundred held out.", ""),
    "novelty": ("Median distance to training, over that of those held out.", ""),
    "generated_per_training": ("Generated streamlines for each of training.", ""),
}
"""What each of `MEASURE_NAMES` is, and its unit."""

_KEYS = {
    "bundle": ("Name of the bundle; n/a for all of them together.", ""),
    "set": ("generated, or real: other real streamlines in their place.", ""),
    "streamlines": ("Number of streamlines of the set.", ""),
    "compared": ("Number of streamlines of the samples that were compared.", ""),
}
_LIMITS = {"low": "Lower", "high": "Upper"}


def describe_columns() -> dict[str, dict[str, str]]:
    """Describe the columns of `table_rows` as the JSON files of BIDS do."""
    columns = dict(_KEYS)
    for name in MEASURE_NAMES:
        text, unit = DESCRIPTIONS[name]
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
    return [
        _row(bundle, kind, entry)
        for bundle, entry in entries.items()
        for kind in ("generated", "real")
    ]


def _row(bundle: str | None, kind: str, entry: dict) -> dict:
    row = dict.fromkeys(describe_columns())
    counts = entry["counts"]
    row.update(
        {
            "bundle": bundle,
            "set": kind,
            "streamlines": counts[kind],
            "compared": counts["compared"],
            **entry[kind],
        }
    )
    intervals = dict(entry["intervals"].get(kind, {}))
    if kind == "generated":
        row.update({name: entry["ratios"][name] for name in RATIO_MEASURES})
        intervals["novelty"] = entry["intervals"].get("ratios", {}).get("novelty")
    for name, limits in intervals.items():
        if limits:
            row[f"{name}_low"], row[f"{name}_high"] = limits
    return row
