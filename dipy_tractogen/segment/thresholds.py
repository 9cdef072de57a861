"""Thresholds of distances: their parameters, their fit, and measures of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipy_tractogen.utils.parameters import LARGEST_SEED, Parameters, parameter


@dataclass(kw_only=True)
class ThresholdParameters(Parameters):
    """Parameters of the thresholds that are fitted to examples."""

    criterion: str = parameter(
        "f1",
        "Measure that the thresholds maximise: f1 or balanced_accuracy.",
        choices=("f1", "balanced_accuracy"),
    )
    kept_share: float | None = parameter(
        None,
        "Share of held-out reference streamlines that the threshold of each bundle "
        "keeps, in place of the criterion; other examples are not needed then.",
        essential=True,
        within="(0, 1)",
    )
    nb_folds: int = parameter(
        5, "Folds of the cross-validation.", option=None, within="[2, 10000]"
    )
    seed: int = parameter(
        0,
        "Seed of the folds, and of the invalid streamlines if some are made.",
        essential=True,
        within=f"[0, {LARGEST_SEED}]",
    )


def best_threshold(
    distances: np.ndarray, accepted: np.ndarray, criterion: str = "f1"
) -> float:
    """Return the threshold of distances (n,) that maximises a criterion.

    It is the geometric mean of the largest distance within it and the next one.
    `accepted` (n,) are the examples that should be within. Raises ValueError if all or
    none should.
    """
    distances, accepted = np.asarray(distances, float), np.asarray(accepted, bool)
    if accepted.all() or not accepted.any():
        raise ValueError(
            "a threshold needs examples of both kinds, and there is one kind: give "
            "both, or the share that is to be kept (kept_share)."
        )
    order = np.argsort(distances, kind="stable")
    distances, accepted = distances[order], accepted[order]
    right, wrong = np.cumsum(accepted), np.cumsum(~accepted)
    if criterion == "f1":
        merit = 2 * right / (right + wrong + right[-1])
    else:
        merit = (right / right[-1] + 1 - wrong / wrong[-1]) / 2
    # No threshold lies between equal distances.
    merit[:-1][distances[1:] == distances[:-1]] = -1
    last = int(np.argmax(merit))
    following = distances[min(last + 1, len(distances) - 1)]
    return float(np.sqrt(distances[last] * following))


def figures(
    relative: np.ndarray, predicted: np.ndarray, truth: np.ndarray
) -> dict[str, float | int | None]:
    """Measure a decision on n examples.

    `relative` are distances over thresholds, `predicted` says which examples were
    accepted, `truth` which should be. Returns ``f1``, ``precision``, ``recall``,
    ``accuracy``, ``balanced_accuracy``, ``roc_auc``, ``nb_to_accept`` and
    ``nb_to_reject``; None for a measure that needs both kinds where there is one.
    """
    from sklearn import metrics

    predicted, truth = np.asarray(predicted, bool), np.asarray(truth, bool)
    both = bool(truth.any() and not truth.all())
    balanced = metrics.balanced_accuracy_score(truth, predicted) if both else None
    area = metrics.roc_auc_score(truth, -np.asarray(relative)) if both else None
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, average="binary", zero_division=0
    )
    return {
        "f1": float(f1),
        "precision": float(precision),
        "recall": float(recall),
        "accuracy": float((predicted == truth).mean()),
        "balanced_accuracy": None if balanced is None else float(balanced),
        "roc_auc": None if area is None else float(area),
        "nb_to_accept": int(truth.sum()),
        "nb_to_reject": int((~truth).sum()),
    }
