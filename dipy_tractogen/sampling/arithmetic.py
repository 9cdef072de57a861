"""Arithmetic on latents: paths between two, nearest neighbours, matching."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

# Below this sine of their angle two latents have the same or opposite directions: the
# plane between them is not defined, or not accurate.
_SMALLEST_SINE = 1e-4
# Pairs that are matched at once: the time grows with the third power.
_BLOCK = 2000


def linear_path(
    first: np.ndarray, second: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Interpolate linearly between latents.

    Suitable for latents without a known distribution, as those of an autoencoder, for
    conditions, and for latents of one bundle. The shares (s,) of the second ones (n, d)
    go from 0 to 1; the result has the shape (n, s, d).
    """
    shares = np.asarray(shares)[None, :, None]
    return (1 - shares) * first[:, None] + shares * second[:, None]


def spherical_path(
    first: np.ndarray, second: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    r"""Interpolate between latents along a great circle :footcite:p:`Shoemake1985`.

    Suitable for latents with a standard normal distribution in many dimensions, as
    those of a variational autoencoder: nearly all have a norm near :math:`\sqrt d`, but
    the middle of a linear path between two independent ones has the norm
    :math:`\sqrt{d / 2}`, where hardly any latent is :footcite:p:`White2016`. In few
    dimensions, or between similar latents, it makes no difference. Steps of equal
    shares have equal angles. Paths are linear where the directions are the same or
    opposite, or a latent is zero. Arguments as of `linear_path`.

    References
    ----------
    .. footbibliography::
    """
    path = linear_path(first, second, shares)
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    dots = np.einsum("nd,nd->n", first, second)
    cosines = np.clip(np.divide(dots, norms, where=norms > 0, out=dots * 0 + 1), -1, 1)
    angles = np.arccos(cosines)
    curved = np.flatnonzero(np.sin(angles) > _SMALLEST_SINE)
    angle = angles[curved, None]
    shares = np.asarray(shares)[None]
    of_first = np.sin((1 - shares) * angle) / np.sin(angle)
    of_second = np.sin(shares * angle) / np.sin(angle)
    path[curved] = (
        of_first[..., None] * first[curved, None]
        + of_second[..., None] * second[curved, None]
    )
    return path


PATHS = {"linear": linear_path, "spherical": spherical_path}
"""Functions that interpolate between latents, by name."""


def nearest(
    z: np.ndarray, among: np.ndarray, nb_neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and indices (n, nb_neighbours) of the nearest latents of (m, d).

    Distances are Euclidean and ascend. Raises ValueError if there are fewer than
    `nb_neighbours` to look among.
    """
    from sklearn.neighbors import NearestNeighbors

    if not 1 <= nb_neighbours <= len(among):
        raise ValueError(
            f"nb_neighbours={nb_neighbours}: give 1 to {len(among)}, the number of "
            "streamlines to look among."
        )
    return NearestNeighbors(n_neighbors=nb_neighbours).fit(among).kneighbors(z)


def match(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the row (n,) of the second set (n, d) for each of the first, each once.

    The sum of squared distances is minimal for up to 2,000 rows
    :footcite:p:`Crouse2016`; more are matched 2,000 at a time, in the order given.
    Raises ValueError if the sets differ in their shape.

    References
    ----------
    .. footbibliography::
    """
    if first.shape != second.shape:
        raise ValueError(
            f"first has shape {first.shape} and second {second.shape}: give as many "
            "rows, and columns, of both."
        )
    partners = np.empty(len(first), dtype=np.intp)
    for start in range(0, len(first), _BLOCK):
        part = slice(start, start + _BLOCK)
        cost = cdist(first[part], second[part], "sqeuclidean")
        rows, columns = linear_sum_assignment(cost)
        partners[start + rows] = start + columns
    return partners
