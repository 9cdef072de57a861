"""Texture: what a decoder leaves out of streamlines, and their exact length.

A decoder gives the mean of what its latents do not say, so that what it decodes is
smoother and shorter than real streamlines. Residuals that training streamlines left are
kept and added again, and the arc length is then made the one that is asked for.
"""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.geometry import cosine_basis

from .arc_length import CHUNK, SHORTEST_MM, add_with_length, arc_lengths
from .similar import Descriptors, SimilarStreamlines, coarse_shapes
from .strength import choose_strengths

# Residuals kept of a bundle, and in all; 768 bytes each.
_MOST_OF_A_BUNDLE = 500
_MOST_IN_ALL = 12000
_NB_COEFFICIENTS = 128
# Latents drawn from a fitted density are spread a little wider than those of real
# streamlines, and so are their means: what a residual adds to the place and the coarse
# shape of a streamline is damped, from nothing at the first coefficient to all here.
_NB_DAMPED = 8
# Weights of the length, and of its ratio to the decoded one, in the choice of one.
_LENGTH_WEIGHT = 1.0
_RATIO_WEIGHT = 0.5
_STORED = ("coefficients", "labels", "lengths", "shapes")


class Texture:
    """Residuals of training streamlines, to be added to decoded ones.

    A residual is a real streamline minus what the decoder makes of latents drawn from
    its posterior, as cosine coefficients :footcite:p:`Chung2010`. The first ones, the
    place and the coarse shape, are damped; all of them where they do not suit other
    streamlines of the bundle (`choose_strengths`). A decoded streamline gets a residual
    of its own bundle, drawn from those of streamlines of a like length and shape whose
    decoded means were too short by a like ratio. What is then missing from its length
    is made up by a factor of the residual, from 0.7 to 1, and after that by a scaling
    about the centroid of up to 5 %.

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
        self._residuals = np.zeros((0, 0, 3), dtype=np.float32)
        self._similar: dict[bool, SimilarStreamlines] = {}

    def fit(
        self,
        points: np.ndarray,
        means: np.ndarray,
        labels: np.ndarray,
        lengths_mm: np.ndarray | None = None,
        *,
        seed: int = 0,
    ) -> Texture:
        """Keep the residuals of training streamlines.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Training streamlines in RASMM mm, each in the direction of its bundle.
        means : ndarray of shape (n, nb_points, 3)
            What the decoder makes of latents drawn from the posterior of each.
        labels : ndarray of shape (n,)
            Bundle of each.
        lengths_mm : ndarray of shape (n,), optional
            Length of each real streamline in mm; measured along `points` by default.
        seed : int, optional
            Seed of the choice of residuals, at most 500 a bundle and 12,000 in all.

        Returns
        -------
        Texture
            Itself.

        Raises
        ------
        ValueError
            If the arrays do not fit together, are empty or hold values that are not
            finite.
        """
        labels = np.asarray(labels)
        _check(points, means, labels)
        real = arc_lengths(points) if lengths_mm is None else np.asarray(lengths_mm)
        if real.shape != labels.shape:
            raise ValueError(
                f"lengths_mm has shape {real.shape} for {len(labels)} streamlines: "
                "give one length for each."
            )
        self._keep(points, means, labels, real, seed)
        strengths = _strengths(points, means, labels, real, seed)
        factors = np.array([strengths.get(int(one), 1.0) for one in self.labels])
        self.coefficients *= factors.astype(np.float16)[:, None, None]
        self._prepare()
        return self

    def _keep(self, points, means, labels, real, seed: int) -> None:
        """Keep the residuals of some streamlines as they are."""
        kept = _choose(labels, np.random.default_rng(seed))
        self.nb_points = points.shape[1]
        basis = cosine_basis(self.nb_points, min(_NB_COEFFICIENTS, self.nb_points))
        coefficients = np.matmul(basis, points[kept] - means[kept])
        coefficients *= _damping(len(basis))[:, None]
        self.coefficients = coefficients.astype(np.float16)
        self.labels = labels[kept].astype(np.int32)
        sizes = np.column_stack([real[kept], arc_lengths(means[kept])])
        self.lengths = sizes.astype(np.float32)
        self.shapes = coarse_shapes(means[kept])

    def _prepare(self) -> None:
        """Make of what is stored what is read often."""
        self._similar = {}
        basis = cosine_basis(self.nb_points, self.coefficients.shape[1])
        self._residuals = np.matmul(basis.T, self.coefficients.astype(np.float32))

    def apply(
        self,
        means: np.ndarray,
        labels: np.ndarray,
        target_lengths: np.ndarray | None = None,
        seed=0,
    ) -> np.ndarray:
        """Give decoded streamlines the texture and the length of real ones.

        Parameters
        ----------
        means : ndarray of shape (m, nb_points, 3)
            Decoded streamlines in RASMM mm.
        labels : ndarray of shape (m,)
            Bundle of each.
        target_lengths : ndarray of shape (m,), optional
            Length of each in mm. Without it each is as much longer than its mean as the
            streamline was that left the residual.
        seed : int, sequence of int or numpy.random.Generator, optional
            Fixes the draw.

        Returns
        -------
        ndarray of shape (m, nb_points, 3), float32
            Points in RASMM mm. The length is the target, unless that is farther from
            the mean's than the factors of residual and streamline reach.

        Raises
        ------
        ValueError
            If the arrays do not fit together or a bundle has no residuals.
        """
        labels = np.asarray(labels)
        self._check_given(means, labels, target_lengths)
        means = np.asarray(means, dtype=np.float32)
        decoded = arc_lengths(means)
        if target_lengths is not None:
            target_lengths = np.maximum(target_lengths, SHORTEST_MM)
        chosen = self._draw(means, labels, decoded, target_lengths, seed)
        if target_lengths is None:
            target_lengths = decoded * (self.lengths[:, 0] / self.lengths[:, 1])[chosen]
        textured = np.empty_like(means)
        for start in range(0, len(means), CHUNK):
            part = slice(start, start + CHUNK)
            textured[part] = add_with_length(
                means[part], self._residuals[chosen[part]], target_lengths[part]
            )
        return textured

    def _draw(self, means, labels, decoded, target_lengths, seed) -> np.ndarray:
        """Choose a residual for each streamline."""
        has_targets = target_lengths is not None
        if has_targets:
            asked = np.column_stack([target_lengths, target_lengths / decoded])
        else:
            asked = decoded[:, None]
        if has_targets not in self._similar:
            self._similar[has_targets] = self._to_choose_from(has_targets)
        descriptors = Descriptors(labels, np.log(asked), coarse_shapes(means))
        return self._similar[has_targets].draw(descriptors, seed)

    def _to_choose_from(self, has_targets: bool) -> SimilarStreamlines:
        """Describe the streamlines that left the residuals."""
        real, mean = self.lengths.T.astype(float)
        if has_targets:
            weights = (_LENGTH_WEIGHT, _RATIO_WEIGHT)
            known = np.column_stack([real, real / mean])
        else:
            weights, known = (_LENGTH_WEIGHT,), mean[:, None]
        descriptors = Descriptors(self.labels, np.log(known), self.shapes)
        return SimilarStreamlines(descriptors, weights)

    def _check_given(self, means, labels, target_lengths) -> None:
        shape = (len(labels), self.nb_points, 3)
        if means.shape != shape:
            raise ValueError(
                f"means has shape {means.shape}; expected {shape}, one streamline of "
                "the model's points for each label."
            )
        if target_lengths is not None and np.shape(target_lengths) != (len(labels),):
            raise ValueError(
                f"target_lengths has shape {np.shape(target_lengths)} for "
                f"{len(labels)} streamlines: give one length for each."
            )
        unknown = np.setdiff1d(labels, self.labels)
        if len(unknown):
            raise ValueError(
                f"Bundle {unknown[0]} has no residuals; the labels fitted are "
                f"{', '.join(map(str, np.unique(self.labels)))}."
            )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Give what was fitted as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            ``nb_points``, ``coefficients``, ``labels``, ``lengths`` and ``shapes``.
        """
        return {
            "nb_points": np.array(self.nb_points),
            **{name: getattr(self, name) for name in _STORED},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Texture:
        """Make a fitted texture again from `to_arrays`.

        Parameters
        ----------
        arrays : dict of str to ndarray
            As `to_arrays` gave them.

        Returns
        -------
        Texture
            Ready to apply.
        """
        texture = cls()
        texture.nb_points = int(arrays["nb_points"])
        for name in _STORED:
            setattr(texture, name, arrays[name])
        texture._prepare()
        return texture


def _check(points: np.ndarray, means: np.ndarray, labels: np.ndarray) -> None:
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


def _strengths(points, means, labels, real, seed: int) -> dict[int, float]:
    """Try residuals of half of the streamlines on the other half, bundle by bundle."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    # Of a bundle with one streamline there is no other half.
    donors, judged = order[::2], order[1::2]
    judged = judged[np.isin(labels[judged], labels[donors])]
    if not len(judged):
        return {}
    trial = Texture()
    trial._keep(points[donors], means[donors], labels[donors], real[donors], seed)
    whole = trial.coefficients

    def textured(strength: float) -> np.ndarray:
        trial.coefficients = (whole * strength).astype(np.float16)
        trial._prepare()
        return trial.apply(means[judged], labels[judged], real[judged], seed)

    return choose_strengths(textured, points[judged], labels[judged])


def _choose(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the streamlines whose residuals are kept, sorted by bundle."""
    bundles = np.unique(labels)
    most = max(1, min(_MOST_OF_A_BUNDLE, _MOST_IN_ALL // len(bundles)))
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:most] for label in bundles]
    )


def _damping(nb_coefficients: int) -> np.ndarray:
    """Factor of each coefficient of a residual."""
    return np.minimum(np.arange(nb_coefficients, dtype=np.float32) / _NB_DAMPED, 1)
