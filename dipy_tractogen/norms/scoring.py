"""Scores of one subject against norms, with false discoveries controlled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from dipy_tractogen.utils.messages import format_number

from .design import value_of
from .norms import Key, Norms
from .summary import LATENT, Summary

CENTILES = (5, 25, 50, 75, 95)
"""Centiles of the bands, in %."""
FALSE_DISCOVERIES = 0.05
"""False discovery rate: what has a q of at most this is unusual."""


@dataclass
class Score:
    """What is unusual in one bundle of a subject.

    Attributes
    ----------
    mean : ndarray of shape (j,)
        What the subject has: values at nodes, or measures.
    bands : ndarray of shape (5, j)
        `CENTILES` of what is expected of means over as many streamlines.
    z, p, q : ndarray of shape (j,)
        Standard normal deviates, their two-sided probabilities, and these adjusted for
        the false discovery rate; NaN where a value is missing.
    distance : float
        Squared distance of all together, over what is usual.
    p_together, q_together : float
        Its probability, and this adjusted.
    nb_streamlines : int
        Streamlines of the subject.
    nb_subjects : int
        Subjects that the norms are of.
    """

    mean: np.ndarray
    bands: np.ndarray
    z: np.ndarray
    p: np.ndarray
    q: np.ndarray
    distance: float
    p_together: float
    q_together: float
    nb_streamlines: int
    nb_subjects: int

    @property
    def centiles(self) -> np.ndarray:
        """Share in % of the reference group (j,) that has less."""
        return 100 * stats.norm.cdf(self.z)

    @property
    def z_together(self) -> float:
        """Normal deviate of the probability of the distance; large is unusual."""
        return float(stats.norm.isf(self.p_together))


def score(
    norms: Norms, conditions: Mapping, summaries: Mapping[Key, Summary]
) -> dict[Key, Score]:
    """Score a subject.

    False discoveries are controlled by Benjamini and Hochberg's procedure
    :footcite:p:`Benjamini1995` among all that is scored together: a probability for
    each profile, shape and mean latent of each bundle. Nodes and measures are tested
    within those of them that are found, as selected families
    :footcite:p:`Benjamini2014`: a node is unusual only where all of them are.

    Parameters
    ----------
    norms : Norms
        What is usual.
    conditions : mapping of str to str or float
        Category or number of the subject, by the name of each condition of the norms.
    summaries : mapping of Key to Summary
        What the subject has. What there are no norms of is left out.

    Returns
    -------
    dict of Key to Score
        In the order of the norms.

    Raises
    ------
    ValueError
        If a condition is missing or unknown.

    References
    ----------
    .. footbibliography::
    """
    matrix = norms.design.matrix(one_row(norms, conditions), 1)
    scores = {
        key: _score(model, matrix, summaries[key])
        for key, model in norms.models.items()
        if key in summaries
    }
    together = _adjusted(np.array([each.p_together for each in scores.values()]))
    nb_found = max(int(np.sum(together <= FALSE_DISCOVERIES)), 1)
    nb_tested = int(np.isfinite(together).sum())
    for (key, each), q in zip(scores.items(), together.tolist()):
        each.q_together = q
        if key[1] != LATENT:
            # Of selected families, a smaller rate is controlled.
            adjusted = _adjusted(each.p) * nb_tested / nb_found
            each.q = np.minimum(np.maximum(adjusted, q), 1.0)
    return scores


def unusual_bundles(scores: Mapping[Key, Score]) -> list[str]:
    """Return the bundles of which anything is unusual, in alphabetic order."""
    found = {
        bundle
        for (bundle, _, _), each in scores.items()
        if each.q_together <= FALSE_DISCOVERIES
    }
    return sorted(found)


def one_row(norms: Norms, conditions: Mapping) -> dict[str, np.ndarray]:
    """Return the conditions of one subject as arrays of one value."""
    return {
        one.name: np.array([value_of(conditions, one.name).item()])
        for one in norms.design.conditions
    }


def outside(norms: Norms, conditions: Mapping) -> list[str]:
    """Return what is said of numbers out of the range of the training subjects.

    Raises ValueError for numbers beyond it by more than its width, as generation does.
    """
    said = []
    for one in norms.design.conditions.continuous:
        number = float(value_of(conditions, one.name).item())
        beyond = max(one.low - number, number - one.high)
        text = (
            f"{one.name}={format_number(number)} is out of the range of the training "
            f"subjects, {one.describe()}"
        )
        if beyond > one.high - one.low:
            raise ValueError(f"{text}, by more than its width: nothing is known of it.")
        if beyond > 1e-6 * max(1.0, one.high - one.low):
            said.append(f"{text}: the expectation is an extrapolation")
    return said


def _score(model, matrix: np.ndarray, summary: Summary) -> Score:
    given = summary.mean[None], np.array([summary.nb_streamlines])
    scores = model.compare(matrix, *given)
    predicted = model.predict(matrix, given[1])
    nothing = np.full(len(summary.mean), np.nan)
    return Score(
        summary.mean,
        predicted.quantiles(np.array(CENTILES) / 100)[:, 0],
        scores.z[0],
        np.where(np.isfinite(scores.z[0]), scores.p[0], np.nan),
        nothing,
        float(scores.distance[0]),
        float(scores.p_together[0]),
        np.nan,
        summary.nb_streamlines,
        model.nb_subjects_,
    )


def _adjusted(p: np.ndarray) -> np.ndarray:
    """Return adjusted probabilities (m,); NaN stays, and does not count."""
    known, adjusted = np.isfinite(p), np.full(len(p), np.nan)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known])
    return adjusted
