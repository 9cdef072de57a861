"""Membership attacks: tell the training streamlines of a model from others."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from dipy_tractogen.streamlines.conversion import as_streamlines

from ..distances import mdf_points
from ..errors import point_errors
from .novelty import nearest_distances

FALSE_POSITIVES = 0.01
"""Share of others that an attack may take for training streamlines."""

_SMALLEST_DEVIATION = 1e-6


def attack_power(members: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """Measure how well scores tell training streamlines from others.

    Parameters
    ----------
    members : ndarray of shape (n,)
        Scores of training streamlines; the higher, the more likely a member.
    others : ndarray of shape (m,)
        Scores of streamlines that were not trained on.

    Returns
    -------
    dict of str to float
        ``auc``, the area under the curve, 0.5 for an attack that knows nothing, and
        ``true_positives``, the share of training streamlines that are found where one
        in a hundred others is taken for one, 0.01 for such an attack
        :footcite:p:`Carlini2022`.

    Raises
    ------
    ValueError
        If there are no scores of either.

    References
    ----------
    .. footbibliography::
    """
    if not len(members) or not len(others):
        raise ValueError(
            f"{len(members)} scores of training streamlines and {len(others)} of "
            "others: give one of each or more."
        )
    ordered = np.sort(others)
    places = [
        np.searchsorted(ordered, members, side=side) for side in ("left", "right")
    ]
    allowed = int(FALSE_POSITIVES * len(others))
    # Ties count as others, so that there are no more false positives than allowed.
    threshold = ordered[len(ordered) - allowed - 1]
    return {
        "auc": float(np.mean(places) / len(others)),
        "true_positives": float(np.mean(members > threshold)),
    }


def membership(model, training, held_out, generated=None) -> dict[str, dict | None]:
    """Attack a model with what its file and its streamlines tell.

    Parameters
    ----------
    model : StreamlineModel
        A trained model.
    training, held_out : BundleSet
        Streamlines that it was trained on, and others of the same bundles, with the
        values that the model reads.
    generated : ArraySequence, ndarray of shape (n, p, 3) or BundleSet, optional
        Streamlines from the model.

    Returns
    -------
    dict of str to dict or None
        `attack_power` of each attack: ``reconstruction``, by the point error of the
        model; ``generated``, by the distance to the closest generated streamline, None
        without these; ``stored``, by the distance of latents to the closest stored
        ones, None for a shared model, which stores none.

    Raises
    ------
    ValueError
        If the model is not trained, or a value is missing that it reads.
    """
    scores = [_scores(model, each, generated) for each in (training, held_out)]
    return {
        name: None
        if scores[0][name] is None
        else attack_power(*(s[name] for s in scores))
        for name in scores[0]
    }


def likelihood_ratio(
    losses: np.ndarray, shadow_losses: np.ndarray, is_member: np.ndarray
) -> np.ndarray:
    """Score streamlines by losses of shadow models that were trained with and without.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        Loss of each streamline under the attacked model, such as its point error in mm.
    shadow_losses : ndarray of shape (s, n)
        Losses under models that were trained on parts of the streamlines.
    is_member : ndarray of shape (s, n), bool
        Whether each model was trained on each.

    Returns
    -------
    ndarray of shape (n,)
        Logarithm of the likelihood ratio of normal densities of the logarithms of the
        losses: those of models trained on the streamline over those of others
        :footcite:p:`Carlini2022`. Deviations are pooled over streamlines, because
        shadow models are few.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a streamline is in no model or in all.

    References
    ----------
    .. footbibliography::
    """
    is_member = np.asarray(is_member, dtype=bool)
    if (
        is_member.shape != np.shape(shadow_losses)
        or is_member.shape[1:] != losses.shape
    ):
        raise ValueError(
            f"{np.shape(losses)} losses, {np.shape(shadow_losses)} of shadow models "
            f"and {is_member.shape} memberships: give (n,), (s, n) and (s, n)."
        )
    counts = is_member.sum(axis=0)
    if ((counts == 0) | (counts == len(is_member))).any():
        raise ValueError(
            "A streamline is in no shadow model, or in all: train each on another half."
        )
    shadow, found = (
        np.log(np.maximum(shadow_losses, 1e-9)),
        np.log(np.maximum(losses, 1e-9)),
    )
    logs = []
    for kind in (is_member, ~is_member):
        mean = np.sum(shadow, axis=0, where=kind) / kind.sum(axis=0)
        squares = np.sum((shadow - mean) ** 2, where=kind)
        freedom = max(int(kind.sum()) - len(mean), 1)
        deviation = max(np.sqrt(squares / freedom), _SMALLEST_DEVIATION)
        # The mean of a few models is uncertain, too.
        deviation = deviation * np.sqrt(1 + 1 / kind.sum(axis=0))
        logs.append(norm.logpdf(found, mean, deviation))
    return logs[0] - logs[1]


def _scores(model, bundles, generated) -> dict[str, np.ndarray | None]:
    """Return the scores (n,) of streamlines by attack."""
    encoded = model.encode_and_decode(bundles)
    points = model.as_points(bundles.streamlines)
    near = None
    if generated is not None:
        others = mdf_points(as_streamlines(generated))
        near = -nearest_distances(mdf_points(bundles.streamlines), others)
    return {
        "reconstruction": -point_errors(points, encoded["points"]),
        "generated": near,
        "stored": _nearness_to_stored(model.record, encoded["z_mean"]),
    }


def _nearness_to_stored(record, z_mean: np.ndarray) -> np.ndarray | None:
    """Return minus the distance of latents to the closest stored ones."""
    if record.density is None or record.is_shared:
        return None
    distances, _ = cKDTree(record.density.posteriors.means).query(z_mean)
    return -distances
