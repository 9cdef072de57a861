"""Texture and ends of streamlines where a subject's bundle lies."""

from __future__ import annotations

from collections.abc import Mapping

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_sequence, coordinates_of, ranks
from dipy_tractogen.streamlines.geometry import arc_lengths

from ..texture.details import curve_lengths, decoded_coefficients
from ..texture.padded import SHORTEST_MM, STRETCH
from ..texture.texture import Texture


class SubjectTexture:
    """A texture whose bundles are displaced to those of a subject.

    Residuals and ends are those of the training, where a bundle may lie elsewhere. So
    decoded streamlines get them where the model has the bundle, and are displaced
    afterwards.

    Parameters
    ----------
    texture : Texture
        Texture of the model.
    moves : mapping of int to ndarray of shape (nb_points, 3)
        Mean displacement of decoded streamlines of each bundle, in mm.
    extras : mapping of int to ndarray of shape (nb_points, 3)
        What is added to that, in mm, in some of these bundles.
    """

    def __init__(
        self,
        texture: Texture,
        moves: Mapping[int, np.ndarray],
        extras: Mapping[int, np.ndarray],
    ):
        self._texture = texture
        self._moves = {
            bundle: decoded_coefficients(move[None], texture.nb_orders)[0]
            for bundle, move in moves.items()
        }
        self._curves = {
            bundle: move + extras.get(bundle, 0) for bundle, move in moves.items()
        }

    def apply_to_coefficients(
        self,
        coefficients: np.ndarray,
        labels: np.ndarray,
        target_lengths: np.ndarray,
        *given,
        exact: bool = True,
        **options,
    ) -> ArraySequence:
        """Return streamlines with texture; see `Texture.apply_to_coefficients`."""
        before = np.array(coefficients)
        for bundle, move in self._moves.items():
            before[labels == bundle, :, :3] -= move
        # A displacement of one end makes streamlines longer.
        ratio = curve_lengths(before[..., :3]) / curve_lengths(coefficients[..., :3])
        made = self._texture.apply_to_coefficients(
            before, labels, ratio * target_lengths, *given, exact=exact, **options
        )
        made._data[:, :3] += self._displacements(labels, made._lengths)
        return _of_lengths(made, target_lengths) if exact else made

    def _displacements(self, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return displacements (N, 3) of all points of streamlines (n,)."""
        shares = ranks(counts) / np.repeat(np.maximum(counts - 1, 1), counts)
        bundles = np.repeat(labels, counts)
        found = np.zeros((len(shares), 3), dtype=np.float32)
        for bundle, curve in self._curves.items():
            rows = np.flatnonzero(bundles == bundle)
            places = np.linspace(0, 1, len(curve))
            for axis, values in enumerate(curve.T):
                found[rows, axis] = np.interp(shares[rows], places, values)
        return found

    @property
    def nb_orders(self) -> int:
        """Number of cosine coefficients that are used of a decoded streamline."""
        return self._texture.nb_orders

    @property
    def mean_points(self) -> int:
        """Mean number of points of a streamline."""
        return self._texture.mean_points

    @property
    def is_even(self) -> bool:
        """Whether all streamlines have one number of points."""
        return self._texture.is_even


def _of_lengths(streamlines: ArraySequence, wanted: np.ndarray) -> ArraySequence:
    """Scale streamlines (n,) about their centroids to lengths in mm, by 5 % at most."""
    counts = np.asarray(streamlines._lengths)
    sizes = arc_lengths(coordinates_of(streamlines))
    factors = wanted / np.maximum(sizes, SHORTEST_MM)
    factors = np.clip(factors, 1 / STRETCH, STRETCH)[:, None]
    starts = np.cumsum(counts) - counts
    centroids = np.add.reduceat(streamlines._data[:, :3], starts) / counts[:, None]
    factors, rest = (
        np.repeat(each.astype(np.float32), counts, axis=0)
        for each in (factors, (1 - factors) * centroids)
    )
    made = np.array(streamlines._data)
    made[:, :3] = made[:, :3] * factors + rest
    return as_sequence(made, counts)
