"""Arithmetic on latents: ways between two, neighbours, pairs that lie near."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

# Below this sine of their angle two latents have one direction, or opposite ones: there
# is no plane between them, or it is not certain which.
_SMALLEST_SINE = 1e-4
# Pairs that are matched at once: the time grows with the third power.
_BLOCK = 2000


def linear_path(
    first: np.ndarray, second: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Go straight from latents to others.

    Apt for latents without a distribution of their own to keep to, as those of an
    autoencoder, for conditions, and for latents of one bundle. A streamline changes as
    evenly as the decoder allows.

    Parameters
    ----------
    first, second : ndarray of shape (n, d)
        Ends of each path.
    shares : ndarray of shape (s,)
        Share of the second in each step, 0 for the first and 1 for the second.

    Returns
    -------
    ndarray of shape (n, s, d)
        The steps of each path.
    """
    shares = np.asarray(shares)[None, :, None]
    return (1 - shares) * first[:, None] + shares * second[:, None]


def spherical_path(
    first: np.ndarray, second: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    r"""Go from latents to others along a great circle :footcite:p:`Shoemake1985`.

    Apt for latents that follow a standard normal distribution in many dimensions, as
    those of a variational autoencoder are meant to: nearly all have a norm near
    :math:`\sqrt d`, and the middle of a straight path between two that are independent
    lies at :math:`\sqrt{d / 2}`, where hardly any is :footcite:p:`White2016`. In few
    dimensions, or between latents that are near each other, it makes no difference.

    Parameters
    ----------
    first, second : ndarray of shape (n, d)
        Ends of each path. Where they have one direction or opposite ones, or one is
        zero, the path is straight.
    shares : ndarray of shape (s,)
        Share of the second in each step, 0 for the first and 1 for the second.

    Returns
    -------
    ndarray of shape (n, s, d)
        The steps of each path, at equal angles for equal steps of the shares.

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
"""Ways from one latent to another, by name."""


def nearest(
    z: np.ndarray, among: np.ndarray, nb_neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest latents.

    Parameters
    ----------
    z : ndarray of shape (n, d)
        Latents whose neighbours are looked for.
    among : ndarray of shape (m, d)
        Latents to look among.
    nb_neighbours : int
        Number of neighbours of each, at most m.

    Returns
    -------
    distances : ndarray of shape (n, nb_neighbours)
        Euclidean distances, ascending.
    indices : ndarray of shape (n, nb_neighbours), int
        Rows of `among`.

    Raises
    ------
    ValueError
        If there are fewer than `nb_neighbours` to look among.
    """
    from sklearn.neighbors import NearestNeighbors

    if not 1 <= nb_neighbours <= len(among):
        raise ValueError(
            f"nb_neighbours={nb_neighbours}: give 1 to {len(among)}, the number of "
            "streamlines to look among."
        )
    return NearestNeighbors(n_neighbors=nb_neighbours).fit(among).kneighbors(z)


def match(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pair each row of one set with one of another, so that pairs lie near.

    The sum of squared distances is the least possible for up to 2,000 rows
    :footcite:p:`Crouse2016`; more are matched 2,000 at a time, in the order given.

    Parameters
    ----------
    first, second : ndarray of shape (n, d)
        The two sets.

    Returns
    -------
    ndarray of shape (n,), int
        For each row of the first the row of the second, each once.

    Raises
    ------
    ValueError
        If the sets differ in their shape.

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
