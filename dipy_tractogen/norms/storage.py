"""Norms as plain values and arrays, for a model's file."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dipy_tractogen.streamlines.condition import PLAIN_CONDITION
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.array_schema import (
    Array,
    check_arrays,
    read_present,
    with_prefix,
)
from dipy_tractogen.utils.schema import (
    LARGEST_JSON,
    SchemaError,
    integer,
    list_of,
    mapping,
    number,
    one_of,
    optional,
    parse_json,
    record,
    text,
)

from .design import Design
from .summary import KINDS

if TYPE_CHECKING:
    from .norms import Norms

_FILE = "norms.json"
_ARRAYS_FILE = "norms.npz"
_LARGEST = 1e15
_MOST_BLOCKS = 100

PLAIN_NORMS = record(
    {
        "conditions": list_of(PLAIN_CONDITION, most=1000),
        "knots": mapping(list_of(number(0, 1), most=100)),
        "blocks": list_of(
            record(
                {
                    "kind": one_of(*KINDS),
                    "name": text(1000),
                    "nb_components": optional(integer(1, 10_000)),
                    "bundles": list_of(text(1000), least=1, most=100_000),
                }
            ),
            least=1,
            most=_MOST_BLOCKS,
        ),
        "units": mapping(text(1000)),
        "reference_group": mapping(text(1000)),
        "nb_subjects": integer(2, 10**9),
    }
)
"""What `plain_norms` gives."""

_ARRAYS = {
    "known": Array("iu", ("b", "j"), 0, 1),
    "centre": Array("f", ("b", "j"), -_LARGEST, _LARGEST),
    "unit": Array("f", ("b", "j"), 1e-30, _LARGEST),
    "mixing": Array("f", ("b", "k", "k"), -_LARGEST, _LARGEST),
    "within": Array("f", ("b", "k"), 0, _LARGEST),
    "effects": Array("f", ("b", "p", "k"), -_LARGEST, _LARGEST),
    "uncertainty": Array("f", ("b", "k", "p", "p"), -_LARGEST, _LARGEST),
    "residual": Array("f", ("b", "j"), 0, _LARGEST),
    "rest": Array("f", ("b", "j"), 0, _LARGEST),
    "dependence": Array("f", ("b",), 1, _LARGEST),
    "freedom": Array("f", ("b",), 1, 1e9),
    "freedom_together": Array("f", ("b",), 0.1, 1e9),
    "usual": Array("f", ("b",), 1e-30, _LARGEST),
    "nb_subjects": Array("iu", ("b",), 2, 10**9),
}


def save_norms(folder: Path, norms: Norms) -> None:
    """Write norms into an existing folder."""
    text = json.dumps(plain_norms(norms), indent=1)
    (folder / _FILE).write_text(text, encoding="utf-8")
    np.savez_compressed(folder / _ARRAYS_FILE, **norms_arrays(norms))


def load_norms(folder) -> Norms | None:
    """Read norms from a folder or a zip; None where there are none.

    Raises ValueError if they are not as they have to be.
    """
    if not (folder / _FILE).exists():
        return None
    with (folder / _FILE).open("rb") as stream:
        plain = parse_json(stream.read(LARGEST_JSON))
    return norms_of(plain, read_present(folder / _ARRAYS_FILE, norms_schema(plain)))


def plain_norms(norms: Norms) -> dict:
    """Return all but the arrays of norms as plain values."""
    return {
        "conditions": norms.design.conditions.to_plain(),
        "knots": {name: each.tolist() for name, each in norms.design.knots.items()},
        "blocks": [
            {
                "kind": kind,
                "name": name,
                "nb_components": models[0].nb_components,
                "bundles": bundles,
            }
            for (kind, name), (bundles, models) in _blocks(norms).items()
        ],
        "units": norms.units,
        "reference_group": norms.reference_group,
        "nb_subjects": norms.nb_subjects,
    }


def norms_arrays(norms: Norms) -> dict[str, np.ndarray]:
    """Return the arrays of norms, those of each block stacked over its bundles."""
    arrays = {}
    for index, (_, models) in enumerate(_blocks(norms).values()):
        for name, array in _ARRAYS.items():
            found = np.stack([getattr(one, f"{name}_") for one in models])
            arrays[f"{index}_{name}"] = (
                found.astype(np.uint32) if "i" in array.kinds else found
            )
    return arrays


def norms_schema(plain: Mapping) -> dict[str, Array]:
    """Return the declarations of the arrays of norms with plain values."""
    PLAIN_NORMS(plain, "")
    return {
        name: array
        for index in range(len(plain["blocks"]))
        for name, array in with_prefix(f"{index}_", _ARRAYS).items()
    }


def norms_of(plain: Mapping, arrays: Mapping[str, np.ndarray]) -> Norms:
    """Return norms of plain values and arrays; ValueError if they do not fit."""
    # Models without norms load without scikit-learn.
    from .normative import NormativeModel
    from .norms import Norms

    sizes = check_arrays(arrays, norms_schema(plain))
    conditions = Conditions(plain["conditions"])
    names = {one.name for one in conditions.continuous}
    if set(plain["knots"]) != names:
        raise SchemaError("knots", "of other names", "those of the numbers")
    design = Design(conditions, plain["knots"])
    models = {}
    for index, block in enumerate(plain["blocks"]):
        own = {name: arrays[f"{index}_{name}"] for name in _ARRAYS}
        _check_block(block, {name: sizes[f"{index}_{name}"] for name in "bjkp"}, design)
        for row, bundle in enumerate(block["bundles"]):
            model = NormativeModel(block["nb_components"])
            for name, each in own.items():
                value = each[row] if each.ndim > 1 else each[row].item()
                setattr(model, f"{name}_", value)
            model.known_ = model.known_.astype(bool)
            models[bundle, block["kind"], block["name"]] = model
    return Norms(
        design,
        models,
        dict(plain["units"]),
        dict(plain["reference_group"]),
        plain["nb_subjects"],
    )


def _blocks(norms: Norms) -> dict[tuple[str, str], tuple[list[str], list]]:
    """Return bundles and models by what they are of."""
    blocks: dict = {}
    for (bundle, kind, name), model in norms.models.items():
        bundles, models = blocks.setdefault((kind, name), ([], []))
        bundles.append(bundle)
        models.append(model)
    return blocks


def _check_block(block: Mapping, sizes: Mapping[str, int], design: Design) -> None:
    """Check the sizes of the arrays of a block against its plain values."""
    if len(set(block["bundles"])) < len(block["bundles"]):
        raise SchemaError("bundles", "in part the same", "each name once")
    expected = {
        "b": len(block["bundles"]),
        "p": len(design.groups),
        "k": block["nb_components"] or sizes["j"],
    }
    wrong = [name for name, size in expected.items() if sizes[name] != size]
    if wrong or sizes["k"] > sizes["j"]:
        raise SchemaError(
            f"arrays of {block['kind']}", f"of the sizes {sizes}", f"{expected}"
        )
