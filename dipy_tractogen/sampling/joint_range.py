"""Requested numbers that the training has, but not together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from dipy_tractogen.streamlines.conditions import COMPUTED

if TYPE_CHECKING:
    from .condition_request import ConditionRequest
    from .density import ConditionalDensity

# Numbers nearer than this are never far, in standard deviations.
_NEAR = 0.1
# Share of the training that is not far from the rest.
_USUAL_SHARE = 0.999


def warn_far_together(
    density: ConditionalDensity, request: ConditionRequest, counts: np.ndarray
) -> None:
    """Warn of numbers that are each within their range, but far from any streamline.

    Two numbers or more are compared with the streamlines that have the requested
    categories, for each bundle with streamlines to draw; `counts` (m,) are those of the
    strata. They are far where no streamline is as near as training streamlines are to
    the rest.
    """
    columns = np.flatnonzero(np.isfinite(request.ranges[:, 0]))
    matched = request.matches(density.strata)
    low, high = request.ranges[columns].T
    beyond = (low > density.high[matched][:, columns].max(axis=0)) | (
        high < density.low[matched][:, columns].min(axis=0)
    )
    # What is out of the range of a single number has been warned of.
    if len(columns) < 2 or beyond.any():
        return
    names = [density.conditions.continuous[column].name for column in columns]
    computed = np.isin(names, list(COMPUTED))
    known = density.posteriors
    bundles = density.strata[known.stratum_of, 0]
    far = {}
    for bundle in np.unique(density.strata[counts > 0, 0]):
        rows = np.flatnonzero(matched[known.stratum_of] & (bundles == bundle))
        own = known.numbers[rows][:, columns]
        outside = np.maximum(np.maximum(low - own, own - high), 0)
        distances = _relative_distances(own, outside, computed)
        nearest = int(np.argmin(distances))
        if distances[nearest] > 1:
            name = density.conditions.categorical[0].categories[bundle]
            far[name] = distances[nearest], rows[nearest]
    if far:
        _, row = min(far.values())
        request.warn_far_together(known.numbers[row], list(far))


def _relative_distances(
    own: np.ndarray, outside: np.ndarray, computed: np.ndarray
) -> np.ndarray:
    """Return distances (n,) of streamlines to a request, over the usual distance.

    `own` are their numbers (n, k), `outside` how far these are from those requested. A
    length differs between the streamlines of a subject, an age does not: the distances
    in numbers of streamlines, `computed` (k,), and of subjects are compared apart.
    """
    if np.linalg.norm(outside, axis=1).min() <= _NEAR:
        return np.zeros(len(own))
    subjects = np.unique(own[:, ~computed], axis=0)
    usual = {"streamlines": _usual_distance(own), "subjects": _usual_distance(subjects)}
    if subjects.shape[1] == 1:
        # An age between two others is no farther than half their difference.
        usual["subjects"] /= 2
    relative = [
        np.linalg.norm(outside[:, part], axis=1) / max(_NEAR, usual[whose])
        for whose, part in (("streamlines", computed), ("subjects", ~computed))
    ]
    return np.maximum(*relative)


def _usual_distance(numbers: np.ndarray) -> float:
    """Return the distance that almost all rows (n, k) have to the nearest other one.

    Infinite for a single row, and without a column.
    """
    if len(numbers) < 2 or not numbers.shape[1]:
        return np.inf
    distances, _ = cKDTree(numbers).query(numbers, k=2)
    return float(np.quantile(distances[:, 1], _USUAL_SHARE))
