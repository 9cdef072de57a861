"""Precision, recall, density and coverage of generated streamlines."""

from __future__ import annotations

import numpy as np

from .neighbours import count_in_balls, nearest

NB_NEIGHBOURS = 5
"""Default k: a ball reaches from a streamline to its fifth neighbour."""

# A ball does not hold the neighbour that sets its radius; rounding must not let it in.
_OPEN = 1 - 1e-5


def ball_radii(points: np.ndarray, *, k: int = NB_NEIGHBOURS) -> np.ndarray:
    """Radius of the neighbourhood of each streamline.

    Parameters
    ----------
    points : ndarray of shape (n, p, 3)
        Points in mm, equally spaced; more than `k` streamlines.
    k : int, optional
        Number of neighbours.

    Returns
    -------
    ndarray of shape (n,), float32
        MDF to the k-th nearest other streamline, in mm.

    Raises
    ------
    ValueError
        If there are not more than `k` streamlines.
    """
    return nearest(points, k=k)[0][:, -1] * np.float32(_OPEN)


def prdc(
    candidates: np.ndarray, reference: np.ndarray, *, k: int = NB_NEIGHBOURS
) -> dict[str, float]:
    r"""Precision, recall, density and coverage over the MDF distance.

    With reference streamlines :math:`X_i` (N of them), candidates :math:`Y_j` (M of
    them) and open balls B from a streamline to its k-th neighbour in its own set
    :footcite:p:`Naeem2020`,

    - precision is the share of :math:`Y_j` in any :math:`B(X_i)`;
    - recall is the share of :math:`X_i` in any :math:`B(Y_j)`;
    - density is the number of pairs with :math:`Y_j` in :math:`B(X_i)`, over k M;
    - coverage is the share of :math:`B(X_i)` that hold any :math:`Y_j`.

    Two samples of one distribution do not reach one: compare with what other real
    streamlines reach against the same reference.

    Parameters
    ----------
    candidates : ndarray of shape (M, p, 3)
        Generated streamlines, points in mm, equally spaced.
    reference : ndarray of shape (N, p, 3)
        Real streamlines, points in mm, equally spaced. For comparable figures take as
        many as there are candidates.
    k : int, optional
        Number of neighbours that sets the radii; both sets must be larger.

    Returns
    -------
    dict of str to float
        ``precision``, ``recall`` and ``coverage`` from 0 to 1, and ``density``, which
        can exceed 1.

    Raises
    ------
    ValueError
        If a set has not more than `k` streamlines, or the numbers of points differ.

    References
    ----------
    .. footbibliography::
    """
    real_radii, their_radii = (ball_radii(x, k=k) for x in (reference, candidates))
    per_ball, per_candidate = count_in_balls(reference, real_radii, candidates)
    _, per_reference = count_in_balls(candidates, their_radii, reference)
    return {
        "precision": float(np.mean(per_candidate > 0)),
        "recall": float(np.mean(per_reference > 0)),
        "density": float(per_ball.sum() / (k * len(candidates))),
        "coverage": float(np.mean(per_ball > 0)),
    }
