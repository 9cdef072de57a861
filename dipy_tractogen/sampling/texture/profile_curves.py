"""Profiles of values along streamlines as cosine series, at points of streamlines."""

from __future__ import annotations

from functools import lru_cache

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.geometry import cosine_basis

from . import padded

NB_ORDERS = 24
"""Cosine coefficients that are used of a decoded profile."""

NB_NODES = 128
"""Places at equal arc lengths between which a decoded profile is a parabola."""


class ProfileCurves:
    """Profiles of v values along m streamlines, by the share of their length.

    Parameters
    ----------
    coefficients : ndarray of shape (m, k, v)
        Cosine coefficients, of cosines with a mean square of one.
    nb_points : int
        Number of points at equal arc lengths that the coefficients are of.
    nb_nodes : int, optional
        Places at equal arc lengths between which profiles are parabolas: corners of
        lines could be told from real profiles.
    """

    def __init__(
        self, coefficients: np.ndarray, nb_points: int, nb_nodes: int = NB_NODES
    ):
        self._factors = np.ascontiguousarray(
            coefficients.transpose(2, 0, 1), dtype=np.float32
        )
        given = nb_points, coefficients.shape[1], nb_nodes
        self._waves, self._bends = _waves(*given), _bends(*given)

    def at(self, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return values (v, n, p) of n streamlines at shares (n, p) of their length."""
        factors = self._factors[:, rows]
        nodes, bends = (np.matmul(factors, each) for each in (self._waves, self._bends))
        nb_values, nb_rows, nb_nodes = nodes.shape
        share = shares * np.float32(nb_nodes - 1)
        places = np.minimum(share.astype(np.intp), nb_nodes - 2)
        share -= places
        places += nb_nodes * np.arange(nb_rows)[:, None]
        nodes, bends = (each.reshape(nb_values, -1) for each in (nodes, bends))
        found = np.take(nodes, places, axis=1)
        bends = np.take(bends, places, axis=1)
        places += 1
        found += share * (np.take(nodes, places, axis=1) - found)
        bends *= share * (share - 1)
        found += bends
        return found

    def along(self, streamlines: ArraySequence) -> np.ndarray:
        """Return values (v, N) at the N points of the m streamlines."""
        counts = np.asarray(streamlines._lengths, dtype=np.intp)
        starts, points = np.cumsum(counts) - counts, streamlines._data.T
        found = np.empty((len(self._factors), points.shape[1]), dtype=np.float32)
        for rows in padded.blocks_of_similar(counts):
            places = starts[rows][:, None] + padded.point_numbers(counts[rows])
            shares = padded.shares_of_length(points[:, places])
            found[:, places] = self.at(rows, shares)
        return found


def profile_coefficients(values: np.ndarray) -> np.ndarray:
    """Return cosine coefficients (n, k, v) of profiles (n, nb_points, v)."""
    nb_points = values.shape[1]
    basis = cosine_basis(nb_points, min(NB_ORDERS, nb_points))
    return np.matmul(basis / np.float32(np.sqrt(nb_points)), values)


@lru_cache(8)
def _bends(nb_points: int, nb_orders: int, nb_nodes: int) -> np.ndarray:
    """Return half the second differences (k, nodes) of cosines after each node."""
    step = (nb_points - 1) / (nb_nodes - 1)
    along = (0.5 + step * (np.arange(nb_nodes) + 0.5)) / nb_points
    rates = np.pi * np.arange(nb_orders)[:, None] / nb_points
    bends = -(np.cos(rates * nb_points * along) * (rates * step) ** 2) / np.sqrt(2)
    return bends.astype(np.float32)


@lru_cache(8)
def _waves(nb_points: int, nb_orders: int, nb_nodes: int) -> np.ndarray:
    """Return the cosines (k, nodes) of decoded profiles at equal arc lengths."""
    # The cosines of n points have their ends half a step before and after them.
    along = np.linspace(0.5, nb_points - 0.5, nb_nodes) / nb_points
    waves = np.cos(np.pi * np.arange(nb_orders)[:, None] * along) * np.sqrt(2)
    waves[0] = 1
    return waves.astype(np.float32)
