"""Texture without residuals of training streamlines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.streamlines.array_sequence import equal_counts
from dipy_tractogen.streamlines.geometry import curvature
from dipy_tractogen.utils.array_schema import Array, check_arrays, with_prefix
from dipy_tractogen.utils.schema import SchemaError

from ..samplers.gaussian_mixture import ConditionalGaussianMixture
from ..texture import details as flat
from ..texture import padded
from ..texture.arrays import ENDS, check_shape, without_prefix
from ..texture.condition_effects import effects_of
from ..texture.profile_arrays import PROFILES
from ..texture.residual_matching import orders_of, shapes_of
from ..texture.texture import Texture
from . import bends
from .endpoints import FittedEndpoints
from .mixtures import MIXTURE_ARRAYS, GroupMixtures
from .profiles import ARRAYS_IN_TEXTURE, FittedProfileTexture

# Columns of the logarithms of the length and of the steps in a millimetre.
_NB_SIZES = 2
# Columns of the centroid and of the way from end to end.
_NB_PLACES = 6
_NB_NOISE = bends.NB_BANDS + 1
_NB_FIXED = _NB_SIZES + _NB_PLACES + 3 * bends.NB_BENDS + _NB_NOISE
# The noise of drawn streamlines is between these percentiles of the real one.
_PERCENTILES = (1, 99)
# Points of a decoded streamline, and of a drawn one.
_MOST_DECODED = 2**15
_MOST_POINTS = 2**12
_LARGEST = 1e4
# Rounds of calibration, streamlines of a bundle that are drawn, and the largest factor.
_ROUNDS = 2
_FEWEST_DRAWN = 200
_MOST = 2.0
_TINY = 1e-9

FITTED_TEXTURE_ARRAYS = {
    **MIXTURE_ARRAYS,
    **with_prefix(ENDS, MIXTURE_ARRAYS),
    "nb_points": Array("iu", (), 2, _MOST_DECODED),
    "even_points": Array("iu", (), 0, _MOST_POINTS),
    "gains": Array("f", ("k",), 0, 1),
    "low": Array("f", ("b", _NB_NOISE), -_LARGEST, _LARGEST),
    "high": Array("f", ("b", _NB_NOISE), -_LARGEST, _LARGEST),
    "blurs": Array("f", ("b", 2), 0, 1e6),
    "effects": Array("f", ("b", "q", "k", 3), -1e6, 1e6),
    "effects_on_ends": Array("f", ("b", "q", 2, 3), -1e6, 1e6),
    **ARRAYS_IN_TEXTURE,
}
"""Arrays of a `FittedTexture` in a file: a group is one of the b bundles."""


class FittedTexture(Texture):
    """Texture whose residuals are drawn from densities fitted to real ones.

    A Gaussian mixture of each bundle describes lengths, coarse decoded shapes, what
    real streamlines differ from these by, and the energy of their turns by wavelength.
    A residual is drawn given the length and the shape of the decoded streamline. No
    residual is drawn twice.

    Attributes
    ----------
    mixtures : GroupMixtures
        Mixture of the residuals of each bundle.
    ends : FittedEndpoints
        Density of the ends of each bundle.
    effects : ndarray of shape (b, q, k, 3), float32
        Effects of the conditions, which are those of the texture.
    low, high : ndarray of shape (b, NB_BANDS + 1), float32
        Percentiles 1 and 99 of the noise of each bundle; see `noise_of`.
    even_points : int
        Number of points of all streamlines; zero if these differ.
    """

    def __init__(self):
        super().__init__()
        self.mixtures = None
        self.even_points = 0
        self._by_bundle: dict[int, ConditionalGaussianMixture] = {}

    @classmethod
    def of(cls, texture: Texture, seed: int = 0) -> FittedTexture:
        """Fit the bundles of a texture that have 20 residuals or more.

        Parameters
        ----------
        texture : Texture
            Texture with residuals of training streamlines.
        seed : int, optional
            Seed of the fit.

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
        made.nb_points, made.gains = texture.nb_points, texture.gains
        made.even_points = int(texture.counts[0]) if texture.is_even else 0
        columns = _columns(texture)
        made.mixtures = GroupMixtures.fit(columns, texture.labels, seed=seed)
        made.labels = made.mixtures.groups
        kept = np.isin(np.unique(texture.labels), made.labels)
        made.effects = texture.effects[kept]
        noise = columns[:, -_NB_NOISE:]
        ranges = [
            np.percentile(noise[texture.labels == one], _PERCENTILES, axis=0)
            for one in made.labels
        ]
        made.low, made.high = np.stack(ranges, axis=1).astype(np.float32)
        made.ends = FittedEndpoints.of(texture.ends, made.labels, seed)
        made._calibrate(texture, seed)
        if texture.profiles is not None:
            made.profiles = FittedProfileTexture.of(texture, made.labels, seed)
        return made

    def _calibrate(self, texture: Texture, seed: int) -> None:
        """Change the energies so that the mean curvature of each bundle is real.

        Energies are exponentials, of which a few that are too large are too much.
        """
        turns = _mean_curvatures(_points(texture), texture.counts)
        sizes = np.maximum(np.bincount(texture.labels)[self.labels], _FEWEST_DRAWN)
        for _ in range(_ROUNDS):
            drawn, labels = self.mixtures.draw(sizes, seed)
            own = np.searchsorted(self.labels, labels)
            counts = self._bounded(drawn, own)
            rng = np.random.default_rng(seed)
            found = _mean_curvatures(self._drawn(drawn, counts, rng), counts)
            for row, label in enumerate(self.labels):
                ratio = turns[texture.labels == label].mean()
                ratio /= max(found[own == row].mean(), _TINY)
                change = 2 * np.log(np.clip(ratio, 1 / _MOST, _MOST))
                columns = slice(-_NB_NOISE, -1)
                self.mixtures.centres[self.mixtures.group_of == label, columns] += (
                    change
                )
                self.low[row, :-1] += change
                self.high[row, :-1] += change

    def _residuals(self, coefficients, labels, wanted, conditions, rng):
        """Draw residuals for decoded streamlines, each its own."""
        bundles = np.searchsorted(self.labels, labels)
        shape = (len(labels), self.effects.shape[1])
        if conditions is None or not shape[1]:
            conditions = np.zeros(shape)
        check_shape("conditions", conditions, shape)
        shapes = shapes_of(coefficients)
        given = np.column_stack([np.log(wanted), shapes])
        columns = [0, *range(_NB_SIZES, _NB_SIZES + shapes.shape[1])]
        drawn = np.zeros((len(labels), self.mixtures.centres.shape[1]))
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            if label not in self._by_bundle:
                self._by_bundle[label] = self.mixtures.mixture(label)
            drawn[rows] = self._by_bundle[label].draw(
                len(rows), columns, given[rows], rng
            )
        counts = self._bounded(drawn, bundles)
        effects = effects_of(self.effects, conditions, bundles)

        def points_of(block: np.ndarray) -> np.ndarray:
            own = counts[block]
            points = self._drawn(drawn[block], own, rng, effects[block])
            places = padded.point_numbers(own) + (np.cumsum(own) - own)[:, None]
            return points[:, places]

        return conditions, counts, counts, points_of, labels

    def _bounded(self, drawn: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Bound the noise in columns (m, w) of bundles (m,), and return the counts."""
        noise = drawn[:, -_NB_NOISE:]
        np.clip(noise, self.low[rows], self.high[rows], out=noise)
        return self._drawn_counts(drawn)

    def _drawn_counts(self, drawn: np.ndarray) -> np.ndarray:
        """Return numbers of points (m,) of drawn columns (m, w)."""
        if self.even_points:
            return np.full(len(drawn), self.even_points)
        logs = drawn[:, :_NB_SIZES].sum(axis=1)
        steps = np.exp(np.clip(logs, 0, np.log(_MOST_POINTS - 1)))
        return np.maximum(np.rint(steps), 1).astype(np.intp) + 1

    def _drawn(self, drawn, counts, rng, effects=0.0) -> np.ndarray:
        """Return points (3, N) of streamlines of drawn columns (m, w).

        Effects of conditions (m, k, 3) are added to their decoded coarse shapes.
        """
        sizes, shapes, *places, curved, noise = _split(drawn)
        decoded = self.gains[:, None] * orders_of(shapes, len(self.gains)) + effects
        base = _places(flat.curves(decoded.astype(np.float32), counts), counts)
        centroids, chords = (one + two for one, two in zip(places, base))
        points = bends.curves_of(
            curved.reshape(-1, bends.NB_BENDS, 3) + base[2],
            noise,
            chords,
            np.exp(sizes[:, 0]),
            counts,
            rng,
        )
        points += np.repeat(centroids.T, counts, axis=1)
        return points.astype(np.float32)

    @property
    def mean_points(self) -> int:
        """Mean number of points of a streamline."""
        centres = self.mixtures.centres.astype(float)
        counts = self._drawn_counts(centres)
        return round(float(np.average(counts, weights=self.mixtures.parts)))

    @property
    def is_even(self) -> bool:
        """Whether all streamlines have one number of points."""
        return self.even_points > 0

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fitted arrays, for a model's file."""
        return {
            **self.mixtures.to_arrays(),
            **self.ends.mixtures.to_arrays(ENDS),
            "nb_points": np.array(self.nb_points),
            "even_points": np.array(self.even_points),
            "gains": self.gains,
            "low": self.low,
            "high": self.high,
            "blurs": self.ends.blurs,
            "effects": self.effects,
            "effects_on_ends": self.ends.effects,
            **(self.profiles.to_arrays() if self.profiles else {}),
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
        made, own = cls(), {name: np.asarray(each) for name, each in arrays.items()}
        made.mixtures = GroupMixtures.from_arrays(own)
        ends = GroupMixtures.from_arrays(own, ENDS)
        made.labels = made.mixtures.groups
        _check_together(made.labels, ends.groups, sizes)
        made.nb_points, made.even_points = (
            int(own[name]) for name in ("nb_points", "even_points")
        )
        if made.even_points == 1:
            raise SchemaError("even_points", "1", "0, or 2 and more")
        if (own["low"] > own["high"]).any():
            raise SchemaError("low", "in part above high", "ranges from low to high")
        for name in ("gains", "low", "high", "effects"):
            setattr(made, name, own[name].astype(np.float32))
        parts = (own[name].astype(np.float32) for name in ("blurs", "effects_on_ends"))
        made.ends = FittedEndpoints(ends, *parts)
        if of_profiles := without_prefix(PROFILES, own):
            made.profiles = FittedProfileTexture.from_arrays(of_profiles, made)
        return made


def _check_together(labels: np.ndarray, ends: np.ndarray, sizes: Mapping) -> None:
    """Raise a ValueError if mixtures have other bundles or columns than expected."""
    if len(labels) != sizes["b"]:
        raise SchemaError("blurs", f"of {sizes['b']} bundles", f"of {len(labels)}")
    if not np.array_equal(ends, (2 * labels[:, None] + [0, 1]).ravel()):
        expected = "both sides of those of group_of"
        raise SchemaError(f"{ENDS}group_of", "other bundles", expected)
    nb_shapes = sizes["w"] - _NB_FIXED
    if not sizes["k"] or nb_shapes < 3 * sizes["k"] or nb_shapes % 3:
        raise SchemaError("centres", f"of {sizes['w']} columns", "more, or fewer")
    if sizes[ENDS + "w"] != 3:
        found = f"of {sizes[ENDS + 'w']} columns"
        raise SchemaError(f"{ENDS}centres", found, "3 columns")


def _columns(texture: Texture) -> np.ndarray:
    """Return what the mixtures describe of each residual (n, w)."""
    points = _points(texture)
    bundles = np.searchsorted(np.unique(texture.labels), texture.labels)
    decoded = texture.coarse() - texture.offsets
    decoded += effects_of(texture.effects, texture.conditions, bundles)
    rest = points - flat.curves(decoded, texture.counts)
    lengths = texture.lengths[:, 0].astype(float)
    parts = (
        np.log(np.column_stack([lengths, (texture.counts - 1) / lengths])),
        texture.shapes,
        *_places(rest, texture.counts),
        bends.noise_of(points, texture.counts),
    )
    return np.concatenate([each.reshape(len(lengths), -1) for each in parts], axis=1)


def _points(texture: Texture) -> np.ndarray:
    """Return the points (3, N) of the real streamlines of a texture."""
    details = flat.restored(texture.details, texture.units, texture.counts)
    return flat.curves(texture.coarse(), texture.counts) + details


def _mean_curvatures(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean curvature (n,) in 1/mm of streamlines (3, N)."""
    found = np.zeros(len(counts))
    for rows, places in equal_counts(counts, np.cumsum(counts) - counts):
        if places.shape[1] > 2:
            own = points[:, places].transpose(1, 2, 0)
            found[rows] = curvature(own).mean(axis=1)
    return found


def _places(points: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return centroids (n, 3), ways from end to end (n, 3) and bends, all in mm."""
    starts = np.cumsum(counts) - counts
    centroids = (np.add.reduceat(points, starts, axis=1) / counts).T
    chords = (points[:, starts + counts - 1] - points[:, starts]).T
    return centroids, chords, bends.bends_of(points, counts)


def _split(columns: np.ndarray) -> list[np.ndarray]:
    """Return sizes, shapes, centroids, chords, bends and noise of `_columns`."""
    nb_shapes = columns.shape[1] - _NB_FIXED
    widths = (_NB_SIZES, nb_shapes, 3, 3, 3 * bends.NB_BENDS)
    return np.split(columns, np.cumsum(widths), axis=1)
