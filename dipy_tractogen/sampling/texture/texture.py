"""Texture: what a decoder leaves out of streamlines, and their exact length.

A decoder gives the mean of what its latents do not say, so that what it decodes is
smoother and shorter than real streamlines. Residuals that training streamlines left are
kept and added again, and the arc length is then made the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dipy_tractogen.streamlines.geometry import CHUNK, cosine_basis
from dipy_tractogen.utils.prefetch import map_in_order

from .arc_length import SHORTEST_MM, add_with_length, arc_lengths
from .endpoints import Endpoints
from .residual_matching import Descriptors, ResidualMatcher, coarse_shapes
from .residual_scale import choose_scales, halves
from .residuals import (
    check_fitted,
    check_given,
    choose_kept,
    damping,
    low_pass,
    shrinking,
)
from .schema import ENDS, check_texture, ends_of

_NB_COEFFICIENTS = 128
# Weights of the length, and of its ratio to the decoded one, in the choice of one.
_LENGTH_WEIGHT = 1.0
_RATIO_WEIGHT = 0.5
_STORED = ("coefficients", "labels", "lengths", "shapes")


class Texture:
    """Residuals of training streamlines, to be added to decoded ones.

    A residual is a real streamline minus what the decoder makes of latents drawn from
    its posterior, as cosine coefficients :footcite:p:`Chung2010`. The first ones, the
    place and the coarse shape, are damped; all of them where they do not suit other
    streamlines of the bundle (`choose_scales`). A decoded streamline gets a residual
    of its own bundle, drawn from those of streamlines of a like length and shape whose
    decoded means were too short by a like ratio. What is then missing from its length
    is made up by a factor of the residual, from 0.8 to 1.25, and after that by a
    scaling about the centroid of up to 5 %. Waves of a decoded streamline that are too
    short to have been decoded are left out before, and its ends are moved to where real
    ends are (`Endpoints`).

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
        self._similar: dict[bool, ResidualMatcher] = {}

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
        check_fitted(points, means, labels)
        real = arc_lengths(points) if lengths_mm is None else np.asarray(lengths_mm)
        if real.shape != labels.shape:
            raise ValueError(
                f"lengths_mm has shape {real.shape} for {len(labels)} streamlines: "
                "give one length for each."
            )
        self._keep(points, means, labels, real, seed)
        strengths, self.ends = map_in_order(
            lambda fit: fit(),
            (
                lambda: _scales(points, means, labels, real, seed),
                lambda: Endpoints().fit(points, means, labels, seed=seed),
            ),
        )
        factors = np.array([strengths.get(int(one), 1.0) for one in self.labels])
        self.coefficients *= factors.astype(np.float16)[:, None, None]
        self._prepare()
        return self

    def _keep(self, points, means, labels, real, seed: int) -> None:
        """Keep the residuals of some streamlines as they are."""
        kept = choose_kept(labels, np.random.default_rng(seed))
        self.nb_points = points.shape[1]
        smooth = low_pass(means[kept].astype(np.float32), real[kept])
        basis = cosine_basis(self.nb_points, min(_NB_COEFFICIENTS, self.nb_points))
        coefficients = np.matmul(basis, points[kept] - smooth)
        coefficients *= damping(len(basis))[:, None]
        self.coefficients = coefficients.astype(np.float16)
        self.labels = labels[kept].astype(np.int32)
        sizes = np.column_stack([real[kept], arc_lengths(smooth)])
        self.lengths = sizes.astype(np.float32)
        self.shapes = coarse_shapes(smooth)

    def _prepare(self) -> None:
        """Make of what is stored what is read often."""
        self._similar = {}
        self._residuals = self._along(self.coefficients)

    def _along(self, coefficients: np.ndarray) -> np.ndarray:
        """Return residuals (r, nb_points, 3) in mm from their coefficients."""
        basis = cosine_basis(self.nb_points, coefficients.shape[1])
        return np.matmul(basis.T, coefficients.astype(np.float32))

    def apply(
        self,
        means: np.ndarray,
        labels: np.ndarray,
        target_lengths: np.ndarray | None = None,
        seed=0,
        *,
        exact: bool = True,
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
        exact : bool, optional
            Whether a target goes before the place of the ends. Without it fewer are
            met, and more ends are sharp.

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
        check_given(means, labels, target_lengths, self.nb_points, self.labels)
        rng = np.random.default_rng(seed)
        suited = self._suit(means, labels, target_lengths, rng)
        ends = self._residuals[:, [0, -1]][suited.chosen] * suited.scales
        ends += suited.means[:, [0, -1]]
        moves = self.ends.moves(ends, labels, rng)
        return suited.add(self._residuals.__getitem__, moves, exact=exact)

    def _suit(self, means, labels, target_lengths, rng) -> _Suited:
        """Choose a residual and a length for each streamline."""
        means = np.asarray(means, dtype=np.float32)
        if target_lengths is None:
            means = low_pass(means, arc_lengths(means))
        else:
            target_lengths = np.maximum(target_lengths, SHORTEST_MM)
            means = low_pass(means, target_lengths)
        decoded = arc_lengths(means)
        chosen = self._draw(means, labels, decoded, target_lengths, rng)
        real, mean = self.lengths[chosen].T
        if target_lengths is None:
            target_lengths = decoded * (real / mean)
        scales = shrinking(target_lengths, real)[:, None, None]
        return _Suited(means, chosen, target_lengths, scales)

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

    def _to_choose_from(self, has_targets: bool) -> ResidualMatcher:
        """Describe the streamlines that left the residuals."""
        real, mean = self.lengths.T.astype(float)
        if has_targets:
            weights = (_LENGTH_WEIGHT, _RATIO_WEIGHT)
            known = np.column_stack([real, real / mean])
        else:
            weights, known = (_LENGTH_WEIGHT,), mean[:, None]
        descriptors = Descriptors(self.labels, np.log(known), self.shapes)
        return ResidualMatcher(descriptors, weights)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what was fitted as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            ``nb_points``, ``coefficients``, ``labels``, ``lengths`` and ``shapes``;
            those of the ends begin with ``ends_``.
        """
        return {
            "nb_points": np.array(self.nb_points),
            **{name: getattr(self, name) for name in _STORED},
            **{ENDS + name: each for name, each in self.ends.to_arrays().items()},
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

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        check_texture(arrays)
        texture = cls()
        texture.nb_points = int(arrays["nb_points"])
        for name in _STORED:
            kind = getattr(texture, name).dtype
            setattr(texture, name, np.asarray(arrays[name], dtype=kind))
        ends = ends_of(arrays)
        if ends:
            texture.ends = Endpoints.from_arrays(ends)
        texture._prepare()
        return texture


def _scales(points, means, labels, real, seed: int) -> dict[int, float]:
    """Try residuals of half of the streamlines on the other half, bundle by bundle."""
    donors, judged = halves(labels, seed)
    if not len(judged):
        return {}
    trial = Texture()
    trial._keep(points[donors], means[donors], labels[donors], real[donors], seed)
    rng = np.random.default_rng(seed)
    # Which residual a streamline gets does not depend on their strength.
    suited = trial._suit(means[judged], labels[judged], real[judged], rng)
    ends_stay = np.zeros((len(judged), 2, 3), dtype=np.float32)

    def textured(strength: float) -> np.ndarray:
        weakened = (trial.coefficients * strength).astype(np.float16)
        return suited.add(
            lambda chosen: trial._along(weakened[chosen]), ends_stay, exact=True
        )

    return choose_scales(textured, points[judged], labels[judged])


@dataclass
class _Suited:
    """Decoded streamlines, with the residual and the length that each gets.

    Attributes
    ----------
    means : ndarray of shape (m, nb_points, 3), float32
        The streamlines in mm.
    chosen : ndarray of shape (m,), int
        Index of the residual of each.
    target_lengths : ndarray of shape (m,)
        Length of each in mm.
    scales : ndarray of shape (m, 1, 1), float32
        Factor of each residual.
    """

    means: np.ndarray
    chosen: np.ndarray
    target_lengths: np.ndarray
    scales: np.ndarray

    def add(self, residuals_of: Callable, moves, *, exact: bool) -> np.ndarray:
        """Add the residuals of those that were chosen, and move the ends."""
        textured = np.empty_like(self.means)
        for start in range(0, len(self.means), CHUNK):
            part = slice(start, start + CHUNK)
            own = residuals_of(self.chosen[part])
            own *= self.scales[part]
            given = (self.means[part], own, self.target_lengths[part], moves[part])
            textured[part] = add_with_length(*given, exact=exact)
        return textured
