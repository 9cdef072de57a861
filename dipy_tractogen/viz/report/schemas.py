"""What the JSON files hold that a report is made from."""

from __future__ import annotations

from pathlib import Path

from dipy_tractogen.utils.schema import (
    Unfit,
    boolean,
    list_of,
    mapping,
    number,
    optional,
    record,
    shown,
    text,
)

# Some measures have no value, and a ratio may be infinite.
_VALUE = optional(number(finite=False))
_VALUES = mapping(_VALUE)
_TEXTS = list_of(text(10**6))
_PROVENANCE = {"command": optional(text(10**6)), "warnings": _TEXTS}
_MODEL = record({}, {"file": text(), "digest": text()})

_ENTRY = record(
    {"generated": _VALUES, "real": _VALUES},
    {
        "counts": mapping(optional(number(0))),
        "held_out": _VALUES,
        "ratios": _VALUES,
        "intervals": mapping(mapping(optional(list_of(_VALUE, 2, 2)))),
        "memorisation": optional(
            record(
                {},
                {
                    "threshold_mm": _VALUE,
                    "generated": _VALUE,
                    "real": _VALUE,
                    "nearer_than_real": _VALUE,
                    "copies": text(),
                    "verdict": text(),
                },
            )
        ),
    },
)
_ERRORS = {"unit": optional(text()), "r2": _VALUE, "mae": _VALUE, "n": _VALUE}
_SHARES = list_of(number(0, 1), 1, 10_000)
_BOTH = record({"generated": _SHARES, "real": _SHARES}, others=False)
_DISTRIBUTION = record(
    {
        "unit": text(),
        "edges": list_of(number(), 2, 10_001),
        "overall": _BOTH,
    },
    {"bundles": mapping(_BOTH)},
)
_THRESHOLD = record(
    {
        "measure": text(),
        "asked": text(),
        "bundle": optional(text()),
        "limit": _VALUE,
        "value": _VALUE,
        "met": boolean,
    }
)

_METRICS = record(
    {"overall": _ENTRY, "bundles": mapping(_ENTRY)},
    {
        **_PROVENANCE,
        "distributions": optional(mapping(_DISTRIBUTION)),
        "model": optional(record({}, {"reconstruction_mm": optional(_VALUES)})),
        "generated_with": optional(_MODEL),
        "conditions": optional(
            mapping(record({}, {**_ERRORS, "bundles": mapping(record({}, _ERRORS))}))
        ),
        "thresholds": list_of(_THRESHOLD),
    },
)


def metrics(value: object, place: str) -> None:
    """Check what dipy_evaluate_streamlines measured."""
    _METRICS(value, place)
    for name, found in (value.get("distributions") or {}).items():
        nb_bins = len(found["edges"]) - 1
        of_all = (found["overall"], *found.get("bundles", {}).values())
        sizes = {len(shares) for both in of_all for shares in both.values()}
        if sizes != {nb_bins}:
            where = f"distributions.{name}"
            raise Unfit(where, "of other bins than its edges", f"{nb_bins} shares each")


def _file_name(value: object, place: str) -> None:
    is_name = isinstance(value, str) and value and "\0" not in value
    if not is_name or Path(value).name != value:
        raise Unfit(place, shown(value), "the name of a file of this folder")


_FIGURE = record({"file": _file_name}, {"title": text(), "alt": text(10**6)})
_UNIT = record(
    {"dimension": text()},
    {
        **dict.fromkeys(("variance", "spread", "deviation", "kl"), _VALUE),
        "active": boolean,
    },
)
_LATENT = record(
    {"figures": list_of(_FIGURE)},
    {
        **_PROVENANCE,
        "model": _MODEL,
        "units": list_of(_UNIT),
        "traversal": record({}, {"displacement_mm": _VALUES}),
        "correlations": record(
            {}, {"attributes": list_of(text()), "values": mapping(list_of(_VALUE))}
        ),
        "disentanglement": record(
            {},
            {
                **dict.fromkeys(("interpretability", "scc", "mig", "sap"), _VALUES),
                "modularity": _VALUE,
            },
        ),
    },
)


def latent(value: object, place: str) -> None:
    """Check what dipy_explore_latent found."""
    _LATENT(value, place)
    correlations = value.get("correlations", {})
    nb_attributes = len(correlations.get("attributes", ()))
    for name, values in correlations.get("values", {}).items():
        if len(values) != nb_attributes:
            found, wanted = f"a list of {len(values)}", f"one of {nb_attributes}"
            raise Unfit(f"correlations.values.{name}", found, f"{wanted} attributes")


def generation(value: object, place: str) -> None:
    """Check what dipy_generate_streamlines said of its run."""
    _GENERATION(value, place)


_GENERATION = record(
    {"tractogram": text()},
    {
        **_PROVENANCE,
        "model": _MODEL,
        "seconds": number(0),
        **dict.fromkeys(
            ("conditions", "obtained", "rejected", "parameters", "versions"),
            optional(record({})),
        ),
    },
)
