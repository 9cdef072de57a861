"""What the record in a model's file has to be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import zipfile

import numpy as np

from dipy_tractogen.sampling.density import DENSITY_ARRAYS, ConditionalDensity
from dipy_tractogen.sampling.texture.texture import (
    TEXTURE_ARRAYS,
    check_texture,
)
from dipy_tractogen.streamlines.condition import PLAIN_CONDITION
from dipy_tractogen.streamlines.conditions import BUNDLE, LENGTH, Conditions
from dipy_tractogen.streamlines.reference import PLAIN_GRID, Reference
from dipy_tractogen.utils.array_schema import read_arrays
from dipy_tractogen.utils.schema import (
    LARGEST_JSON,
    SchemaError,
    boolean,
    integer,
    list_of,
    mapping,
    number,
    optional,
    parse_json,
    plain,
    record,
    text,
)

RECORD_FILE = "record.json"
LATENTS_FILE = "latents.npz"
TEXTURE_FILE = "texture.npz"

_COUNT = integer(0, 10**15)
_MM = number(0, 1e9)

PARTS = {
    "bundle_names": list_of(text(1000)),
    "bundle_counts": list_of(_COUNT),
    "length_ranges": list_of(list_of(_MM, 2, 2)),
    "directions": list_of(list_of(number(-1e12, 1e12), most=10_000)),
    "conditions": list_of(PLAIN_CONDITION, most=1000),
    "reference": optional(PLAIN_GRID),
    "truncation_mm": _MM,
    "held_out_mm": mapping(_MM),
    "active_units": integer(0, 10**6),
    "parameters": record(
        {},
        {
            "interrupted": boolean,
            "kept_step": _COUNT,
            "seconds_to_first_step": optional(_MM),
            "seconds": mapping(_MM),
            "command": text(10**6),
            "warnings": list_of(text(10**6)),
        },
    ),
    "data": record(
        {},
        {
            "files": mapping(text()),
            "checkpoint": mapping(text()),
            "held_out_counts": mapping(_COUNT),
            "dropped": mapping(_COUNT),
            "seconds_to_read": _MM,
            "digest": text(),
        },
    ),
    # A loss may overflow in a round.
    "history": list_of(mapping(number(finite=False))),
    "versions": mapping(text()),
}
"""Entries of a record, by name."""

_NEEDED_OF_A_ROUND = ("step", "seconds", "loss")


def read_parts(
    folder: Path | zipfile.Path, sizes: Mapping[str, int]
) -> tuple[dict, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read and check the files of a record.

    Parameters
    ----------
    folder : Path or zipfile.Path
        Where they are.
    sizes : mapping of str to int
        The ``latent_dim`` and the ``nb_points`` of the model, as far as known.

    Returns
    -------
    entries : dict
        Those of `PARTS` that are there, plain values.
    latents, texture : dict of str to ndarray
        Arrays of the density and of the texture; empty where there are none.

    Raises
    ------
    ValueError
        If one is not what it has to be, or they do not fit together.
    """
    with (folder / RECORD_FILE).open("rb") as stream:
        entries = parse_json(stream.read(LARGEST_JSON))
    record({}, PARTS)(entries, "")
    entries = {name: each for name, each in entries.items() if name in PARTS}
    _check_together(entries)
    known = {
        "d": sizes.get("latent_dim"),
        "b": len(entries.get("bundle_names", ())) or None,
    }
    known = {name: size for name, size in known.items() if size is not None}
    latents = _arrays(folder / LATENTS_FILE, DENSITY_ARRAYS, known)
    texture = _arrays(folder / TEXTURE_FILE, TEXTURE_ARRAYS, {})
    if latents:
        _check_bundles(entries)
        ConditionalDensity.from_arrays(latents, Conditions(entries["conditions"]))
    if texture:
        check_texture(texture)
        _check_texture(texture, known.get("b", 0), sizes.get("nb_points"))
    return entries, latents, texture


def _arrays(path, arrays, sizes) -> dict[str, np.ndarray]:
    """Read named arrays; none where there is no file."""
    if not path.exists():
        return {}
    with path.open("rb") as stream:
        return read_arrays(stream, arrays, sizes)


def _check_together(entries: dict) -> None:
    """Hold the entries of a record against each other."""
    names = entries.get("bundle_names", ())
    if len(set(names)) < len(names):
        raise SchemaError("bundle_names", "in part the same", "each name once")
    for name in ("bundle_counts", "length_ranges", "directions"):
        if len(entries.get(name, ())) != len(names):
            found = f"of {len(entries.get(name, ()))} bundles"
            raise SchemaError(name, found, f"those of the {len(names)} bundle_names")
    if len({len(direction) for direction in entries.get("directions", ())}) > 1:
        raise SchemaError("directions", "of different lengths", "one length")
    if entries.get("reference") is not None:
        # Raises where it is flat, or its axes are none.
        Reference.from_dict(entries["reference"])
    if any(low > high for low, high in entries.get("length_ranges", ())):
        raise SchemaError("length_ranges", "in part from high to low", "low and high")
    if entries.get("held_out_mm") and not {"mean", "percentile_95"} <= set(
        entries["held_out_mm"]
    ):
        raise SchemaError("held_out_mm", "incomplete", "mean and percentile_95")
    for index, row in enumerate(entries.get("history", ())):
        missing = [name for name in _NEEDED_OF_A_ROUND if name not in row]
        if missing or set(row) != set(entries["history"][0]):
            raise SchemaError(
                f"history[{index}]", "incomplete", "the same names in each row"
            )
    # Raises where two have one name.
    Conditions(entries.get("conditions", ()))
    plain(entries, "")


def _check_bundles(entries: dict) -> None:
    """Latents are drawn by bundle and length: they have to be known."""
    known = {one.name: one for one in Conditions(entries.get("conditions", ()))}
    names = tuple(entries.get("bundle_names", ()))
    if BUNDLE not in known or known[BUNDLE].categories != names:
        raise SchemaError("conditions", "without the bundle_names", f"them as {BUNDLE}")
    if LENGTH not in known or known[LENGTH].categories:
        raise SchemaError("conditions", f"without the number {LENGTH}", "it among them")


def _check_texture(arrays: dict, nb_bundles: int, nb_points: int | None) -> None:
    found = int(arrays["nb_points"])
    if nb_points is not None and found != nb_points:
        raise SchemaError(
            "nb_points of the texture", str(found), f"the model's {nb_points}"
        )
    present = np.unique(arrays["labels"])
    if present.tolist() != list(range(nb_bundles)):
        found = f"those of {len(present)} bundles"
        raise SchemaError("labels of the texture", found, f"all {nb_bundles} bundles")
