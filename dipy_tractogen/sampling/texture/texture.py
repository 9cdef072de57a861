"""Texture: detail that a decoder leaves out of streamlines, and their exact length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.prefetch import map_in_order
from dipy_tractogen.utils.schema import SchemaError

from ..stratified import sample_each_group
from .arc_length import SHORTEST_MM, arc_lengths
from .endpoints import ENDPOINT_ARRAYS, Endpoints
from .residual_matching import MatchedResiduals, ResidualMatcher, coarse_shapes
from .residual_scale import (
    choose_scales,
    damped_coefficients,
    low_pass,
    residuals_along,
    shrinkage,
    split_halves,
)

# Largest number of residuals stored of a bundle, and in all; 768 bytes each.
_MOST_OF_A_BUNDLE = 500
_MOST_IN_ALL = 12000
# Larger than any coordinate of a streamline in mm, and within half precision.
_FARTHEST_MM = 6e4

_OWN_ARRAYS = {
    "coefficients": Array("f", ("r", "c", 3), -_FARTHEST_MM, _FARTHEST_MM),
    "labels": Array("iu", ("r",), 0, 2**31 - 1),
    "lengths": Array("f", ("r", 2), 1e-6, 1e6),
    "shapes": Array("f", ("r", "s"), -1e9, 1e9),
}
# Prefix of the names of the arrays of the ends.
_ENDS = "ends_"

TEXTURE_ARRAYS = {
    "nb_points": Array("iu", (), 2, 2**15),
    **_OWN_ARRAYS,
    **{
        _ENDS + name: replace(
            each,
            shape=tuple(_ENDS + size if size == "r" else size for size in each.shape),
            needed=False,
        )
        for name, each in ENDPOINT_ARRAYS.items()
    },
}
"""Arrays of a `Texture` in a file: r residuals of c coefficients. Files of earlier
versions have no ends."""


class Texture:
    """Residuals of training streamlines, which are added to decoded ones.

    A decoder returns the mean of what its latents do not describe, so that decoded
    streamlines are smoother and shorter than real ones. A residual is a real streamline
    minus the decoded streamline of latents drawn from its posterior, stored as cosine
    coefficients :footcite:p:`Chung2010`. Those of the place and the coarse shape are
    damped; all are scaled down where they do not suit other streamlines of the bundle
    (`choose_scales`). A decoded streamline gets a residual of its own bundle, drawn
    from those of streamlines with similar length, shape, and ratio of real to decoded
    length. The length is then corrected by a factor of the residual, from 0.8 to 1.25,
    and after that by scaling about the centroid of up to 5 %. Before, waves that are
    too short to be decoded are removed, and ends are moved to real ones (`Endpoints`).

    Attributes
    ----------
    nb_points : int
        Points of a streamline.
    coefficients : ndarray of shape (r, c, 3), float16
        Cosine coefficients of the residuals in mm.
    labels : ndarray of shape (r,), int32
        Bundle of each residual, ascending.
    lengths : ndarray of shape (r, 2), float32
        Length of the real streamline and of its decoded mean, in mm.
    shapes : ndarray of shape (r, s), float32
        First cosine coefficients of the decoded mean, in mm.
    ends : Endpoints
        Ends of real streamlines.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self):
        self.nb_points = 0
        self.coefficients = np.zeros((0, 0, 3), dtype=np.float16)
        self.labels = np.zeros(0, dtype=np.int32)
        self.lengths = np.zeros((0, 2), dtype=np.float32)
        self.shapes = np.zeros((0, 0), dtype=np.float32)
        self.ends = Endpoints()
        self._residuals = np.zeros((0, 0, 3), dtype=np.float32)
        self._matchers: dict[bool, ResidualMatcher] = {}

    def fit(
        self,
        points: np.ndarray,
        means: np.ndarray,
        labels: np.ndarray,
        lengths_mm: np.ndarray | None = None,
        *,
        seed: int = 0,
    ) -> Texture:
        """Store residuals of training streamlines.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Training streamlines in RASMM mm, each in the direction of its bundle.
        means : ndarray of shape (n, nb_points, 3)
            Decoded streamlines of latents drawn from the posterior of each.
        labels : ndarray of shape (n,)
            Bundle of each.
        lengths_mm : ndarray of shape (n,), optional
            Length of each real streamline in mm; measured along `points` by default.
        seed : int, optional
            Seed of the sample of residuals, at most 500 a bundle and 12,000 in all.

        Returns
        -------
        Texture
            The object itself.

        Raises
        ------
        ValueError
            If the arrays do not fit together, are empty or hold values that are not
            finite.
        """
        labels = np.asarray(labels)
        _check_fitted(points, means, labels)
        real = arc_lengths(points) if lengths_mm is None else np.asarray(lengths_mm)
        _check_lengths("lengths_mm", real, labels)
        self._store(points, means, labels, real, seed)
        scales, self.ends = map_in_order(
            lambda fit: fit(),
            (
                lambda: _scales(points, means, labels, real, seed),
                lambda: Endpoints().fit(points, means, labels, seed=seed),
            ),
        )
        factors = np.array([scales.get(int(one), 1.0) for one in self.labels])
        self.coefficients *= factors.astype(np.float16)[:, None, None]
        self._prepare()
        return self

    def _store(self, points, means, labels, real, seed: int) -> None:
        """Store the residuals of a sample of streamlines, not scaled."""
        limits = {"most": _MOST_OF_A_BUNDLE, "most_in_all": _MOST_IN_ALL}
        rng = np.random.default_rng(seed)
        rows = np.concatenate(sample_each_group(labels, rng, **limits))
        self.nb_points = points.shape[1]
        smooth = low_pass(means[rows].astype(np.float32), real[rows])
        self.coefficients = damped_coefficients(points[rows] - smooth)
        self.labels = labels[rows].astype(np.int32)
        both = np.column_stack([real[rows], arc_lengths(smooth)])
        self.lengths = both.astype(np.float32)
        self.shapes = coarse_shapes(smooth)

    def _prepare(self) -> None:
        self._matchers = {}
        self._residuals = residuals_along(self.coefficients, self.nb_points)

    def apply(
        self,
        means: np.ndarray,
        labels: np.ndarray,
        target_lengths: np.ndarray | None = None,
        seed=0,
        *,
        exact: bool = True,
    ) -> np.ndarray:
        """Add texture to decoded streamlines, and correct their length.

        Parameters
        ----------
        means : ndarray of shape (m, nb_points, 3)
            Decoded streamlines in RASMM mm.
        labels : ndarray of shape (m,)
            Bundle of each.
        target_lengths : ndarray of shape (m,), optional
            Length of each in mm. By default each is longer than decoded by the ratio of
            the streamline of its residual.
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.
        exact : bool, optional
            Whether a target length has priority over the place of the ends. Without it,
            fewer lengths are exact and more ends are sharp.

        Returns
        -------
        ndarray of shape (m, nb_points, 3), float32
            Points in RASMM mm. The length is the target, unless the limits of the
            factors of residual and streamline do not allow it.

        Raises
        ------
        ValueError
            If the arrays do not fit together or a bundle has no residuals.
        """
        labels = np.asarray(labels)
        self._check_given(means, labels, target_lengths)
        rng = np.random.default_rng(seed)
        matched = self._match(means, labels, target_lengths, rng)
        ends = self._residuals[:, [0, -1]][matched.rows] * matched.scales
        ends += matched.means[:, [0, -1]]
        moves = self.ends.moves(ends, labels, rng)
        return matched.add(self._residuals.__getitem__, moves, exact=exact)

    def _check_given(self, means, labels, target_lengths) -> None:
        shape = (len(labels), self.nb_points, 3)
        if means.shape != shape:
            raise ValueError(
                f"means has shape {means.shape}; expected {shape}, one streamline of "
                "the model's points for each label."
            )
        if target_lengths is not None:
            _check_lengths("target_lengths", target_lengths, labels)
        unknown = np.setdiff1d(labels, self.labels)
        if len(unknown):
            raise ValueError(
                f"Bundle {unknown[0]} has no residuals; the labels fitted are "
                f"{listed(np.unique(self.labels))}."
            )

    def _match(self, means, labels, target_lengths, rng) -> MatchedResiduals:
        """Choose a residual and a length for each streamline."""
        means = np.asarray(means, dtype=np.float32)
        has_targets = target_lengths is not None
        if has_targets:
            target_lengths = np.maximum(target_lengths, SHORTEST_MM)
        means = low_pass(means, target_lengths if has_targets else arc_lengths(means))
        decoded = arc_lengths(means)
        if has_targets not in self._matchers:
            real, mean = self.lengths.T.astype(float)
            self._matchers[has_targets] = ResidualMatcher(
                self.labels, mean, real if has_targets else None, self.shapes
            )
        rows = self._matchers[has_targets].draw(
            labels, decoded, target_lengths, coarse_shapes(means), rng
        )
        real, mean = self.lengths[rows].T
        lengths_mm = target_lengths if has_targets else decoded * (real / mean)
        scales = shrinkage(lengths_mm, real)[:, None, None]
        return MatchedResiduals(means, rows, lengths_mm, scales)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the attributes as named arrays, for a model's file.

        The names of those of `ends` begin with ``ends_``.
        """
        return {
            "nb_points": np.array(self.nb_points),
            **{name: getattr(self, name) for name in _OWN_ARRAYS},
            **{_ENDS + name: each for name, each in self.ends.to_arrays().items()},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Texture:
        """Create a fitted texture from the arrays of `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        texture, ends = cls(), check_texture(arrays)
        texture.nb_points = int(arrays["nb_points"])
        for name in _OWN_ARRAYS:
            dtype = getattr(texture, name).dtype
            setattr(texture, name, np.asarray(arrays[name], dtype=dtype))
        texture.ends = ends or texture.ends
        texture._prepare()
        return texture


def check_texture(arrays: Mapping[str, np.ndarray]) -> Endpoints | None:
    """Raise a ValueError if arrays do not fit together; return the ends, if any."""
    check_arrays(arrays, TEXTURE_ARRAYS)
    labels = arrays["labels"]
    if not len(labels) or (np.diff(labels) < 0).any():
        raise SchemaError("labels", "empty, or not in order", "ascending bundles")
    nb_points, nb_coefficients = arrays["nb_points"], arrays["coefficients"].shape[1]
    if not 1 <= nb_coefficients <= nb_points:
        raise SchemaError(
            "coefficients",
            f"{nb_coefficients} of each residual",
            f"from 1 to the {nb_points} points of a streamline",
        )
    own = {n.removeprefix(_ENDS): a for n, a in arrays.items() if n.startswith(_ENDS)}
    if not own:
        return None
    ends = Endpoints.from_arrays(own)
    if np.setdiff1d(labels, ends.labels).size:
        raise SchemaError("ends_labels", "without some of the labels", "all bundles")
    return ends


def _check_fitted(points: np.ndarray, means: np.ndarray, labels: np.ndarray) -> None:
    if points.ndim != 3 or points.shape[2:] != (3,) or points.shape != means.shape:
        raise ValueError(
            f"points of the shape {points.shape} and means of the shape {means.shape}: "
            "give both as (n, nb_points, 3)."
        )
    if labels.shape != (len(points),) or len(points) == 0:
        raise ValueError(
            f"{len(points)} streamlines with labels of shape {labels.shape}: give one "
            "label a streamline, and one streamline at least."
        )
    if not (np.isfinite(points).all() and np.isfinite(means).all()):
        raise ValueError("Some points are NaN or infinite: drop those streamlines.")


def _check_lengths(name: str, lengths_mm, labels: np.ndarray) -> None:
    if np.shape(lengths_mm) != labels.shape:
        raise ValueError(
            f"{name} has shape {np.shape(lengths_mm)} for {len(labels)} streamlines: "
            "give one length for each."
        )


def _scales(points, means, labels, real, seed: int) -> dict[int, float]:
    """Choose scales by adding residuals of half of each bundle to the other half."""
    donors, tested = split_halves(labels, seed)
    if not len(tested):
        return {}
    trial = Texture()
    trial._store(points[donors], means[donors], labels[donors], real[donors], seed)
    rng = np.random.default_rng(seed)
    # The match of residuals does not depend on their scale.
    matched = trial._match(means[tested], labels[tested], real[tested], rng)
    no_moves = np.zeros((len(tested), 2, 3), dtype=np.float32)

    def textured(scale: float) -> np.ndarray:
        scaled = (trial.coefficients * scale).astype(np.float16)
        return matched.add(
            lambda rows: residuals_along(scaled[rows], trial.nb_points),
            no_moves,
            exact=True,
        )

    return choose_scales(textured, points[tested], labels[tested])
