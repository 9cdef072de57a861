"""Ends of generated streamlines, as sharp as those of real ones.

Real streamlines end where tracking stopped, close together at the border of the white
matter. A decoder with an accepted error of a millimetre blurs these ends. The blur is
known, so the end before it is drawn from its posterior: from the density of the real
ends, given the blurred one.
"""

from __future__ import annotations

from nibabel.streamlines import ArraySequence
import numpy as np
from scipy.spatial import cKDTree

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.moved import renamed
from dipy_tractogen.utils.schema import SchemaError

from ..stratified import sample_each_group
from .condition_effects import effects_of, fit_effects

# Largest number of ends stored of a side of a bundle, and in all; 24 bytes each.
_MOST_OF_A_BUNDLE = 1000
_MOST_IN_ALL = 24000
# Bundles with fewer streamlines keep their decoded ends.
_FEWEST = 20
# Neighbours that describe how real ends scatter about one, and neighbours, with the one
# itself, that it is drawn from.
_NB_AROUND = 8
_NB_CANDIDATES = 12
# Share of the error of decoded ends that counts as blur. Less of it moves ends less.
_BLUR = 0.7
# Widths of the density of real ends that are tried, in deviations of the neighbours.
_WIDTHS = (0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0)
# Ends are sharp enough at up to so many times the distance between real ends.
_SHARP = 1.15
_TINY = np.finfo(np.float32).tiny
# Larger than any coordinate of a streamline, in mm.
_FARTHEST_MM = 1e6

ENDPOINT_ARRAYS = {
    "points": Array("f", ("r", 2, 3), -_FARTHEST_MM, _FARTHEST_MM),
    "labels": Array("iu", ("r",), 0, 2**31 - 1),
    "blurs": Array("f", ("b", 2), 0, _FARTHEST_MM),
    "widths": Array("f", ("b", 2), 0, _FARTHEST_MM),
    # Files of earlier versions do not have it.
    "effects": Array("f", ("b", "q", 2, 3), -_FARTHEST_MM, _FARTHEST_MM, needed=False),
}
"""Arrays of `Endpoints` in a file: r streamlines of b bundles."""


class Endpoints:
    """Endpoints of training streamlines, by which generated ones are sharpened.

    The real ends of each side of a bundle are described by a mixture of normal
    densities, one about each stored end, with the covariance of its neighbours. A
    generated end is modelled as a draw from this mixture plus the error of the decoder,
    which is normal with one deviation for each side of a bundle. It is replaced by a
    draw from the posterior density of the end without the error. So ends move towards
    the surface of the real ends, and little along it, and no stored end is
    repeated. Effects of conditions such as an age are subtracted before, and added
    afterwards: ends of other ages would weaken them. The width of the densities is the
    one for which sharpened ends are as far from real ends as other real ends are.

    Attributes
    ----------
    points : ndarray of shape (r, 2, 3), float32
        First and last points of streamlines in mm, without effects of conditions.
    labels : ndarray of shape (r,), int32
        Bundle of each, ascending.
    blurs : ndarray of shape (b, 2), float32
        Deviation of the error of the ends of each bundle in mm; zero where ends are
        not moved, because they are sharp or fewer than 20.
    widths : ndarray of shape (b, 2), float32
        Width of the densities.
    effects : ndarray of shape (b, q, 2, 3), float32
        Effects of conditions on the ends of each bundle in mm.
    """

    def __init__(self):
        self.points = np.zeros((0, 2, 3), dtype=np.float32)
        self.labels = np.zeros(0, dtype=np.int32)
        self.blurs = np.zeros((0, 2), dtype=np.float32)
        self.widths = np.zeros((0, 2), dtype=np.float32)
        self.effects = np.zeros((0, 0, 2, 3), dtype=np.float32)
        self._densities: dict[tuple[int, int], _EndDensity | None] = {}

    def fit(
        self,
        points: np.ndarray,
        means: np.ndarray,
        labels: np.ndarray,
        *,
        conditions: np.ndarray | None = None,
        seed: int = 0,
    ) -> Endpoints:
        """Store ends of training streamlines.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Training streamlines in mm, each in the direction of its bundle.
        means : ndarray of shape (n, nb_points, 3)
            The same, decoded.
        labels : ndarray of shape (n,)
            Bundle of each.
        conditions : ndarray of shape (n, q), optional
            Conditions of each as numbers, of a deviation of about one.
        seed : int, optional
            Seed of the sample, at most 1,000 a bundle and 24,000 in all.

        Returns
        -------
        Endpoints
            The object itself.
        """
        rng = np.random.default_rng(seed)
        limits = {"most": _MOST_OF_A_BUNDLE, "most_in_all": _MOST_IN_ALL}
        by_bundle = sample_each_group(labels, rng, **limits)
        real, means = points[:, [0, -1]], means[:, [0, -1]]
        conditions = np.zeros((len(labels), 0)) if conditions is None else conditions
        bundles = np.unique(labels, return_inverse=True)[1].reshape(-1)
        self.effects = fit_effects(real, conditions, bundles, len(by_bundle))
        errors = means - real
        real = real - effects_of(self.effects, conditions, bundles)
        stored = np.concatenate(by_bundle)
        self.points = real[stored].astype(np.float32)
        self.labels = labels[stored].astype(np.int32)
        self.blurs = np.zeros((len(by_bundle), 2), dtype=np.float32)
        self.widths = np.ones((len(by_bundle), 2), dtype=np.float32)
        for row, own in enumerate(by_bundle):
            if len(own) < _FEWEST:
                continue
            for side in (0, 1):
                blur = _BLUR * np.sqrt(np.mean(errors[own, side] ** 2))
                width = _choose_width(real[own, side], errors[own, side], blur, rng)
                if width is not None:
                    self.blurs[row, side] = blur
                    self.widths[row, side] = width
        self._densities = {}
        return self

    def moves(
        self,
        ends: np.ndarray,
        labels: np.ndarray,
        seed=0,
        conditions: np.ndarray | None = None,
    ) -> np.ndarray:
        """Draw the displacements that sharpen ends.

        Parameters
        ----------
        ends : ndarray of shape (m, 2, 3)
            First and last points of streamlines in mm.
        labels : ndarray of shape (m,)
            Bundle of each, one of those fitted.
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.
        conditions : ndarray of shape (m, q), optional
            Conditions of each, as in the fit; without them they have no effect.

        Returns
        -------
        ndarray of shape (m, 2, 3), float32
            Displacements in mm; zero if nothing was fitted.
        """
        moves = np.zeros(ends.shape, dtype=np.float32)
        if not len(self.labels):
            return moves
        rng = np.random.default_rng(seed)
        if self.effects.size and conditions is not None:
            bundles = np.searchsorted(np.unique(self.labels), labels)
            ends = ends - effects_of(self.effects, conditions, bundles)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            for side in (0, 1):
                density = self._density(int(label), side)
                if density is not None:
                    blurred = ends[rows, side]
                    moves[rows, side] = density.draw(blurred, rng) - blurred
        return moves

    def _density(self, label: int, side: int) -> _EndDensity | None:
        """Return the density of one side of a bundle, made when first needed."""
        key = (label, side)
        if key not in self._densities:
            row = int(np.searchsorted(np.unique(self.labels), label))
            blur, width = self.blurs[row, side], self.widths[row, side]
            own = self.points[self.labels == label, side]
            density = _EndDensity(own, blur).of_width(width) if blur > 0 else None
            self._densities[key] = density
        return self._densities[key]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as named arrays, for a model's file."""
        return {name: getattr(self, name) for name in ENDPOINT_ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Endpoints:
        """Create fitted endpoints from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        sizes = check_arrays(arrays, ENDPOINT_ARRAYS)
        if len(np.unique(arrays["labels"])) != sizes["b"]:
            raise SchemaError(
                "blurs", f"those of {sizes['b']} bundles", "those of the labels"
            )
        ends = cls()
        none = np.zeros((sizes["b"], 0, 2, 3))
        arrays = {"effects": none, **arrays}
        for name in ENDPOINT_ARRAYS:
            dtype = np.int32 if name == "labels" else np.float32
            setattr(ends, name, np.asarray(arrays[name], dtype=dtype))
        return ends


class _EndDensity:
    """Density of the real ends on one side of a bundle."""

    def __init__(self, ends: np.ndarray, blur: float):
        self._ends = ends.astype(np.float32)
        self._blur = blur
        self._tree = cKDTree(ends)
        self._precision = np.float32(0.5 / blur**2)
        _, near = self._tree.query(ends, min(len(ends), _NB_CANDIDATES))
        self._near = near
        self._covariances = _covariances(ends[near[:, : _NB_AROUND + 1]])

    def of_width(self, width: float) -> _EndDensity:
        """Set the width of the normal densities; return the object itself."""
        # Shares of the differences from a real end that the posterior keeps, by axis.
        variances, axes = np.linalg.eigh(width**2 * self._covariances)
        variances = np.maximum(variances, 0)
        kept = variances / (variances + self._blur**2)
        self._gain = _along(axes, kept)
        self._root = _along(axes, self._blur * np.sqrt(kept))
        return self

    def draw(self, blurred: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw ends (n, 3) without the blur, given blurred ones (n, 3)."""
        _, nearest = self._tree.query(blurred)
        candidates = self._near[nearest]
        away = self._ends[candidates]
        away -= blurred[:, None]
        # The argmax of scores with Gumbel noise is a draw by their exponentials. The
        # argmin of exponential variates over the latter is the same, and faster.
        scores = np.einsum("nki,nki->nk", away, away)
        scores *= self._precision
        noise = rng.standard_exponential(scores.shape, dtype=np.float32)
        scores += np.log(np.maximum(noise, _TINY))
        chosen = np.argmin(scores, axis=1)[:, None]
        chosen = np.take_along_axis(candidates, chosen, axis=1)[:, 0]
        ends = self._ends[chosen]
        noise = rng.standard_normal(ends.shape, dtype=np.float32)
        ends_to_blurred = blurred - ends
        drawn = np.einsum("nij,nj->ni", self._gain[chosen], ends_to_blurred)
        drawn += np.einsum("nij,nj->ni", self._root[chosen], noise)
        return drawn + ends


def ends_of(streamlines: ArraySequence) -> np.ndarray:
    """Return first and last points (n, 2, 3) of streamlines."""
    first = np.asarray(streamlines._offsets)
    last = first + np.asarray(streamlines._lengths) - 1
    return streamlines._data[np.column_stack([first, last])]


def _choose_width(real, errors, blur: float, rng) -> float | None:
    """Choose the width for which half of the ends come as near to the others as real.

    None where blurred ends are sharp enough.
    """
    order = rng.permutation(len(real))
    known, others = order[::2], order[1::2]
    # A generated end has the error of the decoder and the residual of another.
    blurred = real[others] + errors[others] - errors[rng.permutation(others)]
    tree = cKDTree(real[known])
    wanted = tree.query(real[others])[0].mean()
    if tree.query(blurred)[0].mean() <= _SHARP * wanted:
        return None
    density = _EndDensity(real[known], blur)
    found = [
        tree.query(density.of_width(width).draw(blurred, rng))[0].mean()
        for width in _WIDTHS
    ]
    return _WIDTHS[int(np.argmin(np.abs(np.array(found) - wanted)))]


def _covariances(groups: np.ndarray) -> np.ndarray:
    """Compute the covariance of each group of points (n, k, 3)."""
    centred = groups - groups.mean(axis=1, keepdims=True)
    return np.einsum("nki,nkj->nij", centred, centred) / max(1, groups.shape[1] - 1)


def _along(axes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return float32 matrices with factors (n, 3) along orthogonal axes (n, 3, 3)."""
    matrices = np.einsum("nij,nj,nkj->nik", axes, factors, axes)
    return matrices.astype(np.float32)


__getattr__ = renamed(__name__, {"RealEnds": "Endpoints"})
