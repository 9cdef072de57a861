"""Texture without residuals of training streamlines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays, with_prefix
from dipy_tractogen.utils.schema import SchemaError

from ..texture import details as flat
from ..texture.arrays import ENDS
from ..texture.condition_effects import effects_of
from ..texture.endpoints import Endpoints
from ..texture.residual_matching import orders_of
from ..texture.texture import Texture
from . import spectrum
from .mixtures import MIXTURE_ARRAYS, GroupMixtures

# Components of a bundle: they have many columns.
_MOST_COMPONENTS = 4
# Columns of the logarithms of the length and of the steps in a millimetre.
_NB_SIZES = 2
_NB_FIXED = _NB_SIZES + 3 * spectrum.NB_COEFFICIENTS + 2 * spectrum.NB_BANDS
# Coordinates of both ends.
_NB_ENDS = 6
_MOST_POINTS = 2**15
# Residuals drawn of a bundle, as many as a texture stores.
_MOST_DRAWN = 1000
# Points of all residuals, several times those that a texture stores.
_MOST_DRAWN_POINTS = 4_000_000

# Attributes of the ends, beside the mixture.
_OF_ENDS = ("blurs", "widths", "effects")

FITTED_TEXTURE_ARRAYS = {
    **MIXTURE_ARRAYS,
    **with_prefix(ENDS, MIXTURE_ARRAYS),
    "nb_points": Array("iu", (), 2, _MOST_POINTS),
    "even_points": Array("iu", (), 0, _MOST_POINTS),
    "gains": Array("f", ("k",), 0, 1),
    "sizes": Array("iu", ("b",), 1, _MOST_DRAWN),
    "blurs": Array("f", ("b", 2), 0, 1e6),
    "widths": Array("f", ("b", 2), 0, 1e6),
    "seed": Array("iu", (), 0, 2**63 - 1),
    # Files of earlier versions do not have these.
    "effects": Array("f", ("b", "q", "k", 3), -1e6, 1e6, needed=False),
    "effects_on_ends": Array("f", ("b", "q", 2, 3), -1e6, 1e6, needed=False),
}
"""Arrays of a `FittedTexture` in a file: a group is one of the b bundles."""


class FittedTexture(Texture):
    """Texture whose residuals are draws from densities fitted to real ones.

    A Gaussian mixture of each bundle describes lengths, coarse shapes, offsets, the
    coefficients of the next cosines, and the energy of the details by wavelength,
    across the streamline and along it. Another one describes both ends. All are without
    the effects of conditions, which are those of the texture.

    Attributes
    ----------
    mixtures : GroupMixtures
        Mixture of the residuals of each bundle.
    end_mixtures : GroupMixtures
        Mixture of the ends of each bundle in mm.
    sizes : ndarray of shape (b,), int32
        Residuals that are drawn of each bundle.
    even_points : int
        Number of points of all streamlines; zero if these differ.
    """

    def __init__(self):
        super().__init__()
        self.mixtures = self.end_mixtures = None
        self.sizes = np.zeros(0, dtype=np.int32)
        self.even_points = self.seed = 0

    @classmethod
    def of(cls, texture: Texture, seed: int = 0) -> FittedTexture:
        """Fit the bundles of a texture that have 20 residuals or more.

        Parameters
        ----------
        texture : Texture
            Texture with residuals of training streamlines.
        seed : int, optional
            Seed of fit and draws.

        Returns
        -------
        FittedTexture
            The fitted texture, of fewer bundles where some are too small.

        Raises
        ------
        ValueError
            If all bundles are too small, or the texture is that of an earlier version.
        """
        if not len(texture.details):
            raise ValueError(
                "The texture of the model is that of an earlier version: train again."
            )
        made = cls()
        made.nb_points, made.gains, made.seed = texture.nb_points, texture.gains, seed
        made.even_points = int(texture.counts[0]) if texture.is_even else 0
        made.mixtures = GroupMixtures.fit(
            _columns(texture),
            texture.labels,
            most_components=_MOST_COMPONENTS,
            seed=seed,
        )
        kept = made.mixtures.groups
        made.sizes = np.bincount(texture.labels)[kept].astype(np.int32)
        made.effects = texture.effects[np.isin(np.unique(texture.labels), kept)]
        made._fit_end_mixtures(texture.ends, kept)
        made._draw()
        return made

    def _fit_end_mixtures(self, ends: Endpoints, kept: np.ndarray) -> None:
        rows = np.isin(ends.labels, kept)
        flat_ends = ends.points[rows].reshape(-1, 6)
        self.end_mixtures = GroupMixtures.fit(
            flat_ends, ends.labels[rows], seed=self.seed
        )
        own = np.isin(np.unique(ends.labels), kept)
        for name in _OF_ENDS:
            setattr(self.ends, name, getattr(ends, name)[own])

    def _draw(self) -> None:
        """Draw residuals and ends."""
        rng = np.random.default_rng(self.seed)
        x, labels = self.mixtures.draw(self.sizes, self.seed)
        self.labels = labels.astype(np.int32)
        self.conditions = np.zeros((len(x), self.effects.shape[1]), dtype=np.float32)
        nb_orders = len(self.gains)
        sizes, shapes, offsets, low, energies = _split(x, nb_orders)
        self.shapes = shapes.astype(np.float32)
        self.offsets = offsets.reshape(len(x), -1, 3).astype(np.float32)
        self.counts = self._drawn_counts(sizes)
        nb_drawn = int(self.counts.sum(dtype=np.int64))
        if nb_drawn > _MOST_DRAWN_POINTS:
            expected = f"up to {_MOST_DRAWN_POINTS}"
            raise SchemaError("sizes", f"for {nb_drawn} points", expected)
        coarse = self.coarse()
        details = spectrum.details_of(
            low.reshape(len(x), -1, 3),
            energies.reshape(len(x), 2, -1),
            flat.directions(coarse, self.counts),
            self.counts,
            nb_orders,
            rng,
        ).astype(np.float32)
        self.details, self.units = flat.quantised(details, self.counts)
        points = flat.curves(coarse, self.counts) + details
        decoded = orders_of(self.shapes, nb_orders)
        found = flat.flat_lengths(points, self.counts)
        found = np.column_stack([found, flat.curve_lengths(decoded)])
        self.lengths = np.maximum(found, flat.SHORTEST_MM).astype(np.float32)
        points, ends_of = self.end_mixtures.draw(self.sizes, self.seed)
        self.ends.points = points.reshape(-1, 2, 3).astype(np.float32)
        self.ends.labels = ends_of.astype(np.int32)
        self._prepare()

    def _drawn_counts(self, sizes: np.ndarray) -> np.ndarray:
        """Return numbers of points (n,) of logarithms of sizes (n, 2)."""
        if self.even_points:
            return np.full(len(sizes), self.even_points, dtype=np.int32)
        steps = np.exp(np.clip(sizes.sum(axis=1), 0, np.log(_MOST_POINTS)))
        return np.maximum(np.rint(steps), 1).astype(np.int32) + 1

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fitted arrays, for a model's file, and no residuals."""
        return {
            **self.mixtures.to_arrays(),
            **self.end_mixtures.to_arrays(ENDS),
            "nb_points": np.array(self.nb_points),
            "even_points": np.array(self.even_points),
            "gains": self.gains,
            "sizes": self.sizes,
            "blurs": self.ends.blurs,
            "widths": self.ends.widths,
            "effects": self.effects,
            "effects_on_ends": self.ends.effects,
            "seed": np.array(self.seed),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> FittedTexture:
        """Create a texture from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        sizes = check_arrays(arrays, FITTED_TEXTURE_ARRAYS)
        made = cls()
        made.mixtures = GroupMixtures.from_arrays(arrays)
        made.end_mixtures = GroupMixtures.from_arrays(arrays, ENDS)
        _check_together(made, sizes)
        for name in ("nb_points", "even_points", "seed"):
            setattr(made, name, int(arrays[name]))
        if made.even_points == 1:
            raise SchemaError("even_points", "1", "0, or 2 and more")
        made.gains = np.asarray(arrays["gains"], dtype=np.float32)
        made.sizes = np.asarray(arrays["sizes"], dtype=np.int32)
        nb_bundles, nb_orders = sizes["b"], sizes["k"]
        effects = arrays.get("effects", np.zeros((nb_bundles, 0, nb_orders, 3)))
        made.effects = np.asarray(effects, dtype=np.float32)
        on_ends = arrays.get("effects_on_ends", np.zeros((nb_bundles, 0, 2, 3)))
        for name, each in zip(_OF_ENDS, (arrays["blurs"], arrays["widths"], on_ends)):
            setattr(made.ends, name, np.asarray(each, dtype=np.float32))
        made._draw()
        return made


def _check_together(texture: FittedTexture, sizes: Mapping[str, int]) -> None:
    """Raise a ValueError if mixtures have other bundles or columns than expected."""
    groups = texture.mixtures.groups
    if len(groups) != sizes["b"]:
        raise SchemaError("sizes", f"of {sizes['b']} bundles", f"of {len(groups)}")
    if not np.array_equal(groups, texture.end_mixtures.groups):
        raise SchemaError(f"{ENDS}group_of", "other bundles", "those of group_of")
    rest = sizes["w"] - _NB_FIXED - 3 * sizes["k"]
    if not sizes["k"] or rest < 3 * sizes["k"] or rest % 3:
        raise SchemaError("centres", f"of {sizes['w']} columns", "more, or fewer")
    if sizes[ENDS + "w"] != _NB_ENDS:
        found = f"of {sizes[ENDS + 'w']} columns"
        raise SchemaError(f"{ENDS}centres", found, f"{_NB_ENDS} columns")


def _columns(texture: Texture) -> np.ndarray:
    """Return what the mixtures describe of each residual (n, w)."""
    nb_orders = len(texture.gains)
    directions = flat.directions(texture.coarse(), texture.counts)
    details = flat.restored(texture.details, texture.units, texture.counts)
    low, energies = spectrum.spectra(details, directions, texture.counts, nb_orders)
    lengths = texture.lengths[:, 0].astype(float)
    bundles = np.searchsorted(np.unique(texture.labels), texture.labels)
    effects = effects_of(texture.effects, texture.conditions, bundles)
    parts = (
        np.log(np.column_stack([lengths, (texture.counts - 1) / lengths])),
        texture.shapes,
        texture.offsets - effects,
        low,
        energies,
    )
    return np.concatenate([each.reshape(len(lengths), -1) for each in parts], axis=1)


def _split(x: np.ndarray, nb_orders: int) -> list[np.ndarray]:
    """Return sizes, shapes, offsets, coefficients and energies of `_columns`."""
    nb_shapes = x.shape[1] - _NB_FIXED - 3 * nb_orders
    widths = (_NB_SIZES, nb_shapes, 3 * nb_orders, 3 * spectrum.NB_COEFFICIENTS)
    return np.split(x, np.cumsum(widths), axis=1)
