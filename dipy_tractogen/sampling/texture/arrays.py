"""Arrays of a texture in a model's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays, with_prefix
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.schema import SchemaError

from .endpoints import ENDPOINT_ARRAYS, Endpoints
from .profile_arrays import PROFILE_ARRAYS, PROFILES

# Larger than any coordinate of a streamline in mm.
_FARTHEST_MM = 6e4

OWN_ARRAYS = {
    "gains": Array("f", ("k",), 0, 1),
    "offsets": Array("f", ("r", "k", 3), -_FARTHEST_MM, _FARTHEST_MM),
    "details": Array("i", ("n", 3), -(2**15), 2**15 - 1),
    "units": Array("f", ("r",), 0, _FARTHEST_MM),
    "counts": Array("iu", ("r",), 2, 2**31 - 1),
    "labels": Array("iu", ("r",), 0, 2**31 - 1),
    "lengths": Array("f", ("r", 2), 1e-6, 1e6),
    "shapes": Array("f", ("r", "s"), -1e9, 1e9),
}
# Files of earlier versions do not have these.
EFFECT_ARRAYS = {
    "conditions": Array("f", ("r", "q"), -1e6, 1e6, needed=False),
    "effects": Array(
        "f", ("b", "q", "k", 3), -_FARTHEST_MM, _FARTHEST_MM, needed=False
    ),
}
NAMES = (*OWN_ARRAYS, *EFFECT_ARRAYS)
"""Names of the arrays in a texture."""

_DTYPES = {"details": np.int16, "counts": np.int32, "labels": np.int32}
# Files of all versions have these.
_IN_ALL = ("labels", "lengths", "shapes")
# In a file, in place of the details.
_DETAIL_BYTES = "detail_bytes"
# Prefix of the names of the arrays of the ends.
ENDS = "ends_"

TEXTURE_ARRAYS = {
    "nb_points": Array("iu", (), 2, 2**15),
    **{n: replace(each, needed=n in _IN_ALL) for n, each in OWN_ARRAYS.items()},
    **EFFECT_ARRAYS,
    _DETAIL_BYTES: Array("u", (2, 3, "n"), 0, 255, needed=False),
    # Cosine coefficients of residuals, in files of earlier versions.
    "coefficients": Array(
        "f", ("r", "c", 3), -_FARTHEST_MM, _FARTHEST_MM, needed=False
    ),
    **{
        name: replace(each, needed=False)
        for name, each in {
            **with_prefix(ENDS, ENDPOINT_ARRAYS),
            **with_prefix(PROFILES, PROFILE_ARRAYS),
        }.items()
    },
}
"""Arrays of a `Texture` in a file: r residuals of n points in all."""


def check_fitted(streamlines: ArraySequence, means, labels, conditions) -> None:
    """Raise a ValueError if what a texture is fitted to does not fit together."""
    if means.ndim != 3 or means.shape[2:] != (3,) or len(means) != len(streamlines):
        raise ValueError(
            f"{len(streamlines)} streamlines and means of the shape {means.shape}: "
            "give means as (n, nb_points, 3), one for each streamline."
        )
    if labels.shape != (len(means),) or len(means) == 0:
        raise ValueError(
            f"{len(means)} streamlines with labels of shape {labels.shape}: give one "
            "label a streamline, and one streamline at least."
        )
    if conditions.ndim != 2 or len(conditions) != len(means):
        raise ValueError(
            f"{len(means)} streamlines with conditions of shape {conditions.shape}: "
            "give a row for each streamline."
        )
    arrays = (streamlines._data, means, conditions)
    if not all(np.isfinite(each).all() for each in arrays):
        raise ValueError(
            "Some points or conditions are NaN or infinite: drop those streamlines."
        )
    if np.min(streamlines._lengths) < 2:
        raise ValueError("A streamline has fewer than two points: drop it.")


def check_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise a ValueError if an array of decoded streamlines has another shape."""
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}; expected {shape}, those of one "
            "streamline of the model for each label."
        )


def check_asked(labels: np.ndarray, target_lengths: np.ndarray, known) -> None:
    """Raise a ValueError if labels are not `known`, or lengths not one for each."""
    if np.shape(target_lengths) != labels.shape:
        raise ValueError(
            f"target_lengths has shape {np.shape(target_lengths)} for {len(labels)}"
            " streamlines: give one length for each."
        )
    unknown = np.setdiff1d(labels, known)
    if len(unknown):
        raise ValueError(
            f"Bundle {unknown[0]} has no residuals; the labels fitted are "
            f"{listed(np.unique(known))}."
        )


def check_texture(arrays: Mapping[str, np.ndarray]) -> Endpoints | None:
    """Raise a ValueError if arrays do not fit together; return the ends, if any."""
    sizes = check_arrays(arrays, TEXTURE_ARRAYS)
    earlier = "coefficients" in arrays
    there = {*arrays, "details"} if _DETAIL_BYTES in arrays else arrays
    missing = [] if earlier else [n for n in OWN_ARRAYS if n not in there]
    if missing:
        raise SchemaError(missing[0], "missing", "an array")
    labels = arrays["labels"]
    if not len(labels) or (np.diff(labels) < 0).any():
        raise SchemaError("labels", "empty, or not in order", "ascending bundles")
    if earlier:
        most, name, nb_orders = arrays["nb_points"], "coefficients", sizes["c"]
    else:
        most, name, nb_orders = _check_details(arrays, sizes), "gains", sizes["k"]
    if not 1 <= nb_orders <= most:
        raise SchemaError(name, f"{nb_orders} of each residual", f"from 1 to {most}")
    _check_effects(arrays, sizes)
    own = without_prefix(ENDS, arrays)
    if not own:
        return None
    ends = Endpoints.from_arrays(own)
    if ends.effects.shape[1] not in (0, sizes.get("q", 0)):
        raise SchemaError("ends_effects", "other conditions", "those of effects")
    if np.setdiff1d(labels, ends.labels).size:
        raise SchemaError("ends_labels", "without some of the labels", "all bundles")
    return ends


def without_prefix(prefix: str, arrays: Mapping) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with a prefix, by the rest of the names."""
    own = {name: each for name, each in arrays.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): each for name, each in own.items()}


def _check_details(arrays: Mapping[str, np.ndarray], sizes: dict) -> int:
    """Check that all details are there; return the most orders there can be.

    A texture of an earlier version has none.
    """
    if not sizes["n"] and not arrays["units"].any():
        return int(arrays["nb_points"])
    needed = int(arrays["counts"].sum(dtype=np.int64))
    if sizes["n"] != needed:
        raise SchemaError("details", f"{sizes['n']} points", f"the {needed} of counts")
    return sizes["s"] // 3


def _check_effects(arrays: Mapping[str, np.ndarray], sizes: dict) -> None:
    """Check that there are effects on each bundle where there are conditions."""
    given = [name for name in EFFECT_ARRAYS if name in arrays]
    if len(given) == 1:
        missing = set(EFFECT_ARRAYS).difference(given).pop()
        raise SchemaError(missing, "missing", "an array")
    nb_bundles = len(np.unique(arrays["labels"]))
    if given and sizes["b"] != nb_bundles:
        found = f"those of {sizes['b']} bundles"
        raise SchemaError("effects", found, f"those of {nb_bundles}")


def in_file(own: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a texture as a file has them.

    High and low bytes of details are apart, which takes a fifth less room compressed.
    """
    details = np.ascontiguousarray(own["details"].T, dtype="<i2")
    apart = details[..., None].view(np.uint8).transpose(2, 0, 1)
    others = {name: each for name, each in own.items() if name != "details"}
    return {**others, _DETAIL_BYTES: apart}


def _details_of(apart: np.ndarray) -> np.ndarray:
    """Return details (n, 3) from their bytes (2, 3, n)."""
    together = np.ascontiguousarray(apart.transpose(1, 2, 0), dtype=np.uint8)
    return together.view("<i2")[..., 0].T


def own_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[dict, Endpoints | None]:
    """Return arrays of any version as a texture has them, and the ends, if any.

    Raises a ValueError if they do not fit together.
    """
    ends, nb_points = check_texture(arrays), arrays["nb_points"]
    if "coefficients" in arrays:
        arrays = _converted(arrays, int(nb_points))
    elif _DETAIL_BYTES in arrays:
        arrays = {**arrays, "details": _details_of(arrays[_DETAIL_BYTES])}
    labels, nb_orders = arrays["labels"], len(arrays["gains"])
    without_effects = {
        "conditions": np.zeros((len(labels), 0)),
        "effects": np.zeros((len(np.unique(labels)), 0, nb_orders, 3)),
    }
    arrays = {**without_effects, **arrays}
    own = {
        name: np.asarray(arrays[name], dtype=_DTYPES.get(name, np.float32))
        for name in NAMES
    }
    return {"nb_points": nb_points, **own}, ends


def _converted(arrays: Mapping[str, np.ndarray], nb_points: int) -> dict:
    """Return arrays of an earlier version in the form of this one, without details."""
    coefficients = arrays["coefficients"].astype(np.float32)
    nb_residuals, nb_orders, _ = coefficients.shape
    return {
        **arrays,
        "gains": np.ones(nb_orders),
        "offsets": coefficients / np.sqrt(nb_points),
        "details": np.zeros((0, 3), dtype=np.int16),
        "units": np.zeros(nb_residuals),
        "counts": np.full(nb_residuals, nb_points),
    }
