"""Precision, recall, density and coverage of generated streamlines."""

from __future__ import annotations

from collections.abc import Mapping
import logging

import numpy as np

from dipy_tractogen.streamlines.duplicates import DUPLICATE_MM, describe_duplicates

from .mdf_search import count_in_balls, nearest
from .measures import Estimate, mean_estimate, mean_influence

logger = logging.getLogger("dipy_tractogen")

NB_NEIGHBOURS = 5
"""Default k: a ball reaches from a streamline to its fifth neighbour."""

# A ball does not hold the neighbour that sets its radius; rounding must not let it in.
_OPEN = 1 - 1e-5


def ball_radii(points: np.ndarray, *, k: int = NB_NEIGHBOURS) -> np.ndarray:
    """Return the MDF in mm of each streamline to its k-th nearest other one, (n,).

    A hundredth of a millimetre at least: a ball around copies holds what is the same
    streamline.
    """
    radii = nearest(points, k=k)[0][:, -1] * np.float32(_OPEN)
    return np.maximum(radii, np.float32(DUPLICATE_MM))


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

    Where the k nearest are copies the ball is a hundredth of a millimetre large, and
    closed in effect; a warning tells the number of copies, which shrink the balls.

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
    found = prdc_estimates(candidates, reference, k=k)
    for warning in warn_of_repeats(
        {"candidates": (candidates, None), "reference": (reference, None)}
    ):
        logger.warning(warning)
    return {name: estimate.value for name, estimate in found.items()}


def warn_of_repeats(
    sets: Mapping[str, tuple[np.ndarray, np.ndarray | None]],
) -> list[str]:
    """Return a warning for each set with copies of streamlines.

    `sets` holds points (n, p, 3) and the bundles or None by name; two bundles may share
    streamlines.
    """
    return [
        f"{found}, which makes neighbourhoods and intervals smaller: leave them out."
        for found in describe_duplicates(sets)
    ]


def prdc_estimates(
    candidates: np.ndarray,
    reference: np.ndarray,
    *,
    k: int = NB_NEIGHBOURS,
    reference_radii: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Compute the measures of `prdc` with the influence of each streamline.

    Influences hold for balls of the size that they have: with one candidate less,
    coverage loses the balls that hold no other, and so on. `reference_radii` are the
    `ball_radii` of the reference, if known.
    """
    if reference_radii is None:
        reference_radii = ball_radii(reference, k=k)
    real = count_in_balls(reference, reference_radii, candidates)
    ours = count_in_balls(candidates, ball_radii(candidates, k=k), reference)
    nb_candidates, nb_reference = len(candidates), len(reference)
    precision = mean_estimate(real.per_point > 0)
    recall, coverage = (
        mean_estimate(counts > 0) for counts in (ours.per_point, real.per_ball)
    )
    density = mean_estimate(real.per_point / k)
    return {
        "precision": Estimate(
            precision.value,
            precision.candidates,
            mean_influence(real.exclusive_points, over=nb_candidates),
        ),
        "recall": Estimate(
            recall.value,
            mean_influence(ours.exclusive_points, over=nb_reference),
            recall.candidates,
        ),
        "density": Estimate(
            density.value,
            density.candidates,
            mean_influence(real.per_ball, over=k * nb_candidates),
        ),
        "coverage": Estimate(
            coverage.value,
            mean_influence(real.exclusive_balls, over=nb_reference),
            coverage.candidates,
        ),
    }
