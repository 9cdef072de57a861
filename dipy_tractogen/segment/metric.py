"""Distances of latents in millimetres of the streamlines that they stand for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from dipy_tractogen.utils.moved import RenamedAttribute, warn_renamed

from .neighbours import check_dimensions

# Decoders bend, so a step is short; single precision ends its digits, so not too short.
_STEP = 0.1
_SMALLEST_STEP = 1e-3
_NB_LATENTS = 256
# Weight of the point error, which the latents do not hold, beside their distance: 1 to
# 4 gave the same within 0.002 in F1 on human bundles, nothing 0.003 less.
_ERROR_WEIGHT = 2.0
# Far beyond any streamline, and within reach of single precision.
_FARTHEST_MM = 1e6


class LatentMetric(TransformerMixin, BaseEstimator):
    r"""Linear map of latents to coordinates whose distances are in mm.

    A unit of one latent may move a streamline by 20 mm, that of another not at all. The
    decoder :math:`f` tells: :math:`\|f(z + d) - f(z)\|^2 \approx d^T J^T J d` with its
    derivative :math:`J` :footcite:p:`Arvanitidis2018`. Here :math:`J^T J` is averaged
    over latents and points, so that Euclidean distances of the coordinates are root
    mean square distances of the points. The point error of the reconstruction, which
    the latents do not hold, is one more coordinate.

    Parameters
    ----------
    decode : callable, optional
        Takes latents (n, d) and returns points (n, p, 3) in mm; `fit` needs it.
    seed : int, optional
        Seed of the choice of the latents that the derivative is averaged over.

    Attributes
    ----------
    factor_ : ndarray of shape (d, d), float32
        The map, in mm for each unit of a latent: ``z @ factor_``.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self, decode: Callable[[np.ndarray], np.ndarray] | None = None, *, seed: int = 0
    ):
        self.decode = decode
        self.seed = seed

    @classmethod
    def from_factor(cls, factor: np.ndarray) -> LatentMetric:
        """Return a metric whose `factor_` is known."""
        metric = cls()
        metric.factor_ = np.asarray(factor, dtype=np.float32)
        metric.n_features_in_ = len(metric.factor_)
        return metric

    def fit(self, z: np.ndarray, y=None) -> LatentMetric:
        """Measure how far steps along each latent move the points.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents of streamlines.
        y : None
            Not used.

        Returns
        -------
        LatentMetric
            Itself.

        Raises
        ------
        ValueError
            If there are no latents, or no decoder.
        """
        if self.decode is None:
            raise ValueError("decode=None: give the decoder of a model.")
        z = check_array(z, dtype=np.float32, input_name="z")
        rng = np.random.default_rng(self.seed)
        chosen = z[rng.permutation(len(z))[:_NB_LATENTS]]
        steps = np.maximum(_STEP * z.std(axis=0), _SMALLEST_STEP)
        columns = []
        for dimension, size in enumerate(steps):
            step = np.zeros(z.shape[1], dtype=np.float32)
            step[dimension] = size
            change = self.decode(chosen + step) - self.decode(chosen - step)
            columns.append(np.asarray(change, dtype=float) / (2 * size))
        derivative = np.stack(columns, axis=-1)
        nb_points = derivative.shape[0] * derivative.shape[1]
        metric = np.einsum("npki,npkj->ij", derivative, derivative, optimize=True)
        values, vectors = np.linalg.eigh(metric / nb_points)
        factor = vectors * np.sqrt(np.maximum(values, 0))
        self.factor_ = factor.astype(np.float32)
        self.n_features_in_ = z.shape[1]
        return self

    def transform(
        self, z: np.ndarray, error_mm: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Return coordinates whose Euclidean distances are in mm.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.
        error_mm : ndarray of shape (n,) or float, optional
            Mean point error of the reconstruction of each streamline.

        Returns
        -------
        ndarray of shape (n, d + 1), float32
            Coordinates, the weighted error last.
        """
        check_is_fitted(self, "factor_")
        z = np.asarray(z, np.float32)
        check_dimensions(self, z)
        error = _ERROR_WEIGHT * np.asarray(error_mm, dtype=np.float32)
        coordinates = np.column_stack(
            [z @ self.factor_, np.broadcast_to(error, (len(z),))]
        )
        return np.clip(coordinates, -_FARTHEST_MM, _FARTHEST_MM)

    @classmethod
    def of(cls, decode, z, seed: int = 0) -> LatentMetric:
        """Fit a metric; the name of version 0.1."""
        warn_renamed("LatentMetric.of", "fit")
        return cls(decode, seed=seed).fit(z)

    coordinates = RenamedAttribute("transform")
    factor = RenamedAttribute("factor_")
