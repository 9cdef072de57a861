"""Texture of values along streamlines, without profiles of training streamlines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays, with_prefix
from dipy_tractogen.utils.schema import SchemaError

from ..texture import details as flat
from ..texture.condition_effects import effects_of
from ..texture.padded import shares_of_length
from ..texture.predictors import Predictors
from ..texture.profile_arrays import (
    PROFILE_ARRAYS,
    PROFILES,
    check_effects,
    check_orders,
    check_there,
)
from ..texture.profile_curves import ProfileCurves
from ..texture.profiles import ProfileTexture
from .mixtures import MIXTURE_ARRAYS, GroupMixtures

# Cosine orders of a residual that are drawn together, and that are drawn in all: those
# above have the variances of their bundle.
_NB_TOGETHER = 8
_NB_ORDERS = 64
# Nodes between which residuals are linear.
_NB_NODES = 4 * _NB_ORDERS
_LARGEST = 1e9

FITTED_PROFILE_ARRAYS = {
    **MIXTURE_ARRAYS,
    "gains": PROFILE_ARRAYS["gains"],
    "effects": PROFILE_ARRAYS["effects"],
    "shifts": PROFILE_ARRAYS["shifts"],
    "scales": PROFILE_ARRAYS["scales"],
    "shape_means": PROFILE_ARRAYS["shape_means"],
    "shape_spreads": PROFILE_ARRAYS["shape_spreads"],
    "spreads": Array("f", ("b", _NB_ORDERS - _NB_TOGETHER, "v"), 0, _LARGEST),
}
"""Arrays of a `FittedProfileTexture` in a file: a group is one of the b bundles."""

ARRAYS_IN_TEXTURE = {
    name: replace(each, needed=False)
    for name, each in with_prefix(PROFILES, FITTED_PROFILE_ARRAYS).items()
}
"""The same arrays in the file of a texture, which need not have them."""

_OWN = ("gains", "effects", "shifts", "scales", "spreads")


class FittedProfileTexture(ProfileTexture):
    """Residuals of profiles drawn from densities fitted to real ones.

    The first cosines of the residuals of all values of a streamline are drawn from a
    Gaussian mixture of its bundle, none of whose components stands for fewer than 20
    streamlines; finer ones are independent, of the variances in the bundle.

    Attributes
    ----------
    mixtures : GroupMixtures
        Mixture of the first cosine coefficients of the residuals of each bundle.
    spreads : ndarray of shape (b, k, v), float32
        Standard deviations of the finer ones.
    """

    @classmethod
    def of(cls, shapes, labels: np.ndarray, seed: int) -> FittedProfileTexture:
        """Fit the residuals of some bundles of a `Texture` with values.

        Bundles with 20 profiles or more get a mixture; those of others have no
        residuals.
        """
        texture, made = shapes.profiles, cls()
        made.nb_points, made.gains = texture.nb_points, texture.gains
        bundles = np.unique(shapes.labels)
        kept = np.isin(bundles, labels)
        for name in ("effects", "shifts", "scales"):
            setattr(made, name, getattr(texture, name)[kept])
        own = texture.predictors
        made.predictors = Predictors(own.means[kept], own.spreads[kept])
        known = texture.donors == np.arange(len(texture.donors))
        details = (texture.details * texture.units).astype(np.float32)
        found = flat.coefficients(details.T, shapes.counts, _NB_ORDERS)
        # Residuals are those of streamlines whose predictors have no effect.
        own = np.searchsorted(bundles, shapes.labels)
        numbers = texture.predictors.of(shapes.conditions, shapes.shapes, own)
        own = effects_of(texture.effects, numbers, own)
        found[:, : own.shape[1]] -= own
        found = found[known]
        groups = shapes.labels[known]
        first = found[:, :_NB_TOGETHER].reshape(len(found), -1)
        made.mixtures = GroupMixtures.fit(first, groups, seed=seed)
        spreads = np.zeros((len(labels), *found.shape[1:]), dtype=np.float32)
        for row, label in enumerate(labels):
            if label in made.mixtures.groups:
                spreads[row] = found[groups == label].std(axis=0)
        made.spreads = spreads[:, _NB_TOGETHER:]
        return made

    def channels_of(
        self,
        coefficients: np.ndarray,
        labels: np.ndarray,
        bundles: np.ndarray,
        conditions: np.ndarray,
        *,
        shifted: bool,
        rng: np.random.Generator,
    ) -> Callable:
        """Return what gives the channels of new streamlines, a block at a time.

        As `ProfileTexture.channels_of`, but `labels` (m,) are those of bundles, and
        `rng` is the source of the residuals.
        """
        numbers = self._predictors_of(coefficients, bundles, conditions)
        decoded = self._decoded(coefficients, bundles, numbers, numbers, shifted)
        nb_values = self.gains.shape[1]
        rest = self.spreads[bundles]
        rest = rest * rng.standard_normal(rest.shape, dtype=np.float32)
        first = np.zeros((len(labels), _NB_TOGETHER, nb_values), dtype=np.float32)
        for label in np.intersect1d(labels, self.mixtures.groups):
            rows = np.flatnonzero(labels == label)
            nothing = np.zeros((len(rows), 0))
            drawn = self.mixtures.mixture(label).draw(len(rows), [], nothing, rng)
            first[rows] = drawn.reshape(len(rows), _NB_TOGETHER, nb_values)
        residuals = np.concatenate([first, rest], axis=1)
        residuals = ProfileCurves(residuals, self.nb_points, _NB_NODES)

        def channels_at(block, points, counts):
            shares = shares_of_length(points)
            return decoded.at(block, shares) + residuals.at(block, shares)

        return channels_at

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as arrays, whose names begin with `PROFILES`."""
        own = {name: getattr(self, name) for name in _OWN}
        own = {**own, **self.predictors.to_arrays()}
        own = {PROFILES + name: each for name, each in own.items()}
        return {**self.mixtures.to_arrays(PROFILES), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], shapes):
        """Create a fitted texture from the arrays of `to_arrays`, without prefix.

        `shapes` is the `FittedTexture` that it belongs to. Raises ValueError if the
        arrays do not fit together, or not to that.
        """
        check_there(arrays, FITTED_PROFILE_ARRAYS)
        sizes = check_arrays(arrays, FITTED_PROFILE_ARRAYS)
        made = cls()
        made.nb_points = shapes.nb_points
        given = {name: np.asarray(each) for name, each in arrays.items()}
        made.mixtures = GroupMixtures.from_arrays(given)
        for name in _OWN:
            setattr(made, name, given[name].astype(np.float32))
        made.predictors = Predictors.from_arrays(given)
        nb_bundles, nb_conditions = shapes.effects.shape[:2]
        check_effects(made, nb_bundles, nb_conditions)
        if sizes["w"] != _NB_TOGETHER * sizes["v"] or not sizes["v"]:
            found = f"of {sizes['w']} columns"
            expected = f"of {_NB_TOGETHER} for each value"
            raise SchemaError(f"{PROFILES}centres", found, expected)
        check_orders(made.gains, made.nb_points)
        return made
