"""Arrays of a texture of profiles in a file, and checks that they fit together."""

from __future__ import annotations

from collections.abc import Iterable

from dipy_tractogen.utils.array_schema import Array
from dipy_tractogen.utils.schema import EarlierVersionError, SchemaError

from .residual_matching import NB_COEFFICIENTS

MOST_SCALED = 2.0
"""Largest factor of the deviations of decoded profiles, either way."""

_FARTHEST = 1e9

PROFILE_ARRAYS = {
    "gains": Array("f", ("p", "v"), 0, 1),
    "effects": Array("f", ("b", "q2", "p", "v"), -_FARTHEST, _FARTHEST),
    "shifts": Array("f", ("b", "q3", "p", "v"), -_FARTHEST, _FARTHEST),
    "scales": Array("f", ("b", "p", "v"), 1 / MOST_SCALED, MOST_SCALED),
    "shape_means": Array("f", ("b", "q4", "s"), -_FARTHEST, _FARTHEST),
    "shape_spreads": Array("f", ("b", "s"), 1e-7, _FARTHEST),
    "details": Array("i", ("n", "v"), -(2**15), 2**15 - 1),
    "units": Array("f", ("v",), 0, _FARTHEST),
    "donors": Array("iu", ("r",), 0, 2**31 - 1),
}
"""Arrays of `ProfileTexture` in a file: r residuals of n points in all."""

PROFILES = "profiles_"
"""What the names of these arrays begin with in the file of a texture."""


# Files of earlier versions lack these.
_LATER = ("shifts", "scales", "shape_means", "shape_spreads")


def check_there(arrays: Iterable[str], needed: Iterable[str]) -> None:
    """Raise ValueError if one of the `needed` arrays is missing, by their names."""
    missing = [name for name in needed if name not in arrays]
    if missing and set(missing) <= set(_LATER):
        raise EarlierVersionError(
            f"the model is of an earlier version (without {PROFILES}{missing[0]} of "
            "the values along its streamlines): train again."
        )
    if missing:
        raise SchemaError(PROFILES + missing[0], "missing", "an array")


def check_effects(made, nb_bundles: int, nb_conditions: int) -> None:
    """Raise ValueError if arrays are of other bundles, conditions or shapes."""
    known, nb_shapes = made.predictors, 3 * NB_COEFFICIENTS
    nb_predictors = 2 * (nb_conditions + nb_shapes)
    for name, each, expected in (
        ("effects", made.effects, (nb_bundles, nb_predictors)),
        ("shifts", made.shifts, (nb_bundles, 1 + nb_predictors)),
        ("scales", made.scales, (nb_bundles, len(made.gains))),
        ("shape_means", known.means, (nb_bundles, 1 + 2 * nb_conditions, nb_shapes)),
        ("shape_spreads", known.spreads, (nb_bundles, nb_shapes)),
    ):
        if each.shape[: len(expected)] != expected:
            found = f"of shape {each.shape}"
            raise SchemaError(PROFILES + name, found, f"{expected} at first")


def check_orders(gains, nb_points: int) -> None:
    """Raise ValueError if there are not orders of cosines, or more than points."""
    if not 1 <= len(gains) <= nb_points:
        found = f"{len(gains)} of each value"
        raise SchemaError("profiles_gains", found, f"from 1 to {nb_points}")
