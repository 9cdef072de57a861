"""Ends of generated streamlines, as sharp as those of real ones.

Real streamlines end where tracking stopped, close to one another on the border of the
white matter; a decoder that accepts an error of a millimetre blurs that. The blur is
known, so an end is drawn from what it may have been before: from the density of the
real ends, given the blurred one.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.moved import renamed
from dipy_tractogen.utils.schema import SchemaError

from ..stratified import limit_per_group

# Ends kept of a side of a bundle, and in all; 24 bytes a streamline.
_MOST_OF_A_BUNDLE = 1000
_MOST_IN_ALL = 24000
# Streamlines of a bundle below which its ends are left as they are.
_FEWEST = 20
# Neighbours that tell how real ends scatter about one, and those, it among them, that
# are weighed against each other.
_NB_AROUND = 8
_NB_CANDIDATES = 12
# Share of the error of decoded ends that counts as blur. Less of it moves ends less.
_BLUR = 0.7
# Widths of the density of real ends that are tried, in deviations of the neighbours.
_WIDTHS = (0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0)
# Ends that are not more than so much farther from real ends are sharp enough.
_SHARP = 1.15
# An end's displacement falls along the streamline as this power of what is left of it.
_FADE_POWER = 5
_TINY = np.finfo(np.float32).tiny
# Beyond any point of a streamline, in mm.
_FARTHEST_MM = 1e6

ENDPOINT_ARRAYS = {
    "points": Array("f", ("r", 2, 3), -_FARTHEST_MM, _FARTHEST_MM),
    "labels": Array("iu", ("r",), 0, 2**31 - 1),
    "blurs": Array("f", ("b", 2), 0, _FARTHEST_MM),
    "widths": Array("f", ("b", 2), 0, _FARTHEST_MM),
}
"""Arrays of `Endpoints` in a file: r streamlines of b bundles."""


class Endpoints:
    """Ends of training streamlines, on which generated ones are sharpened.

    For either side of a bundle the real ends are described by a mixture of normal
    densities, one about each that is kept, with the covariance of its neighbours. A
    generated end is taken for a draw from it to which the error of the decoder was
    added, a normal with one deviation for each side of a bundle. It is replaced by a
    draw from the density of what it was before. So it stays where it is as far as real
    ends are spread there, and is moved where they are not; and it is none of those that
    are kept. The width of the densities is the one with which sharpened ends are as far
    from real ends as other real ends are.

    Attributes
    ----------
    points : ndarray of shape (r, 2, 3), float32
        First and last points of streamlines in mm.
    labels : ndarray of shape (r,), int32
        Bundle of each, ascending.
    blurs : ndarray of shape (b, 2), float32
        Deviation of the error of the ends of each bundle in mm; zero where ends are
        left as they are, being sharp or fewer than 20.
    widths : ndarray of shape (b, 2), float32
        Width of the densities.
    """

    def __init__(self):
        self.points = np.zeros((0, 2, 3), dtype=np.float32)
        self.labels = np.zeros(0, dtype=np.int32)
        self.blurs = np.zeros((0, 2), dtype=np.float32)
        self.widths = np.zeros((0, 2), dtype=np.float32)
        self._sides: dict[tuple[int, int], _Side | None] = {}

    def fit(
        self, points: np.ndarray, means: np.ndarray, labels: np.ndarray, *, seed=0
    ) -> Endpoints:
        """Keep the ends of training streamlines.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Training streamlines in mm, each in the direction of its bundle.
        means : ndarray of shape (n, nb_points, 3)
            What the decoder makes of them.
        labels : ndarray of shape (n,)
            Bundle of each.
        seed : int, optional
            Seed of the choice, at most 1,000 a bundle and 24,000 in all.

        Returns
        -------
        Endpoints
            Itself.
        """
        rng = np.random.default_rng(seed)
        bundles = np.unique(labels)
        most = limit_per_group(len(bundles), _MOST_OF_A_BUNDLE, _MOST_IN_ALL)
        own = [rng.permutation(np.flatnonzero(labels == one))[:most] for one in bundles]
        kept = np.concatenate(own)
        self.points = points[kept][:, [0, -1]].astype(np.float32)
        self.labels = labels[kept].astype(np.int32)
        self.blurs = np.zeros((len(bundles), 2), dtype=np.float32)
        self.widths = np.ones((len(bundles), 2), dtype=np.float32)
        for row, chosen in enumerate(own):
            if len(chosen) < _FEWEST:
                continue
            for side in (0, 1):
                place = -side
                real, errors = points[chosen, place], means[chosen, place]
                errors = errors - real
                blur = _BLUR * np.sqrt(np.mean(errors**2))
                width = _choose_width(real, errors, blur, rng)
                if width is not None:
                    self.blurs[row, side] = blur
                    self.widths[row, side] = width
        self._sides = {}
        return self

    def moves(self, ends: np.ndarray, labels: np.ndarray, seed=0) -> np.ndarray:
        """Draw the displacements that sharpen ends.

        Parameters
        ----------
        ends : ndarray of shape (m, 2, 3)
            First and last points of streamlines in mm.
        labels : ndarray of shape (m,)
            Bundle of each, of those that were fitted.
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.

        Returns
        -------
        ndarray of shape (m, 2, 3), float32
            What is to be added, in mm; nothing as long as nothing was fitted.
        """
        moves = np.zeros(ends.shape, dtype=np.float32)
        if not len(self.labels):
            return moves
        rng = np.random.default_rng(seed)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            for side in (0, 1):
                density = self._side(int(label), side)
                if density is not None:
                    blurred = ends[rows, side]
                    moves[rows, side] = density.draw(blurred, rng) - blurred
        return moves

    def _side(self, label: int, side: int) -> _Side | None:
        """Describe one side of a bundle when it is first needed."""
        key = (label, side)
        if key not in self._sides:
            row = int(np.searchsorted(np.unique(self.labels), label))
            blur, width = self.blurs[row, side], self.widths[row, side]
            own = self.points[self.labels == label, side]
            self._sides[key] = _Side(own, blur).of_width(width) if blur > 0 else None
        return self._sides[key]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what was fitted as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            ``points``, ``labels``, ``blurs`` and ``widths``.
        """
        return {name: getattr(self, name) for name in ENDPOINT_ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Endpoints:
        """Make fitted ends again from `to_arrays`.

        Parameters
        ----------
        arrays : dict of str to ndarray
            As `to_arrays` gave them.

        Returns
        -------
        Endpoints
            Ready to sharpen.

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
        for name in ENDPOINT_ARRAYS:
            kind = np.int32 if name == "labels" else np.float32
            setattr(ends, name, np.asarray(arrays[name], dtype=kind))
        return ends


class _Side:
    """Density of the real ends on one side of a bundle."""

    def __init__(self, ends: np.ndarray, blur: float):
        self._ends = ends.astype(np.float32)
        self._blur = blur
        self._tree = cKDTree(ends)
        self._precision = np.float32(0.5 / blur**2)
        _, near = self._tree.query(ends, min(len(ends), _NB_CANDIDATES))
        self._near = near
        self._spread = _deviations(ends[near[:, : _NB_AROUND + 1]])

    def of_width(self, width: float) -> _Side:
        """Give the densities a width, and return them."""
        # Of the normal about a real end, blurred, the part to keep of a deviation.
        variances, axes = np.linalg.eigh(width**2 * self._spread)
        variances = np.maximum(variances, 0)
        kept = variances / (variances + self._blur**2)
        self._gain = _along(axes, kept)
        self._root = _along(axes, self._blur * np.sqrt(kept))
        return self

    def draw(self, blurred: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw what blurred ends may have been."""
        _, nearest = self._tree.query(blurred)
        candidates = self._near[nearest]
        away = self._ends[candidates]
        away -= blurred[:, None]
        # The largest of scores with Gumbel noise is a draw by their exponentials, and
        # the smallest of exponential variates over them is the same, and faster.
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


def fade(nb_points: int) -> np.ndarray:
    """Weights by which the displacements of both ends move a whole streamline.

    They fall smoothly from an end to the other: to a half within an eighth.

    Parameters
    ----------
    nb_points : int
        Points of a streamline.

    Returns
    -------
    ndarray of shape (nb_points, 2), float32
        Weights of the displacements of the first and of the last point.
    """
    at = np.linspace(0, 1, nb_points, dtype=np.float32)
    return np.column_stack([(1 - at) ** _FADE_POWER, at**_FADE_POWER])


def _choose_width(real, errors, blur: float, rng) -> float | None:
    """Choose the width with which half of the ends come as near to the others.

    None where they do so without.
    """
    order = rng.permutation(len(real))
    known, others = order[::2], order[1::2]
    # A generated end has the error of the decoder and the residual of another.
    blurred = real[others] + errors[others] - errors[rng.permutation(others)]
    tree = cKDTree(real[known])
    wanted = tree.query(real[others])[0].mean()
    if tree.query(blurred)[0].mean() <= _SHARP * wanted:
        return None
    side = _Side(real[known], blur)
    found = [
        tree.query(side.of_width(width).draw(blurred, rng))[0].mean()
        for width in _WIDTHS
    ]
    return _WIDTHS[int(np.argmin(np.abs(np.array(found) - wanted)))]


def _deviations(groups: np.ndarray) -> np.ndarray:
    """Covariance of each group of points (n, k, 3), about its mean."""
    centred = groups - groups.mean(axis=1, keepdims=True)
    return np.einsum("nki,nkj->nij", centred, centred) / max(1, groups.shape[1] - 1)


def _along(axes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Matrices with the factors (n, 3) along the axes (n, 3, 3), single precision."""
    matrices = np.einsum("nij,nj,nkj->nik", axes, factors, axes)
    return matrices.astype(np.float32)


__getattr__ = renamed(__name__, {"RealEnds": "Endpoints"})
