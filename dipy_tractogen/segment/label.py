"""Labels of latents by the nearest ones of known bundles."""

from __future__ import annotations

import logging

import numpy as np

from dipy_tractogen.utils.constructors import documented
from dipy_tractogen.utils.messages import format_count, listed

from .neighbours import NONE, NearestLatents
from .thresholds import ThresholdParameters

logger = logging.getLogger("dipy_tractogen")


@documented(ThresholdParameters, raises=False)
class LatentLabels(NearestLatents):
    """Classifier of latents by bundle, with -1 for none.

    Latents belong to the bundle of the nearest reference latents
    :footcite:p:`Legarreta2022`, if these are within the threshold of the bundle.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    reference_, bundles_, thresholds_, held_out_relative_, held_out_nearest_
        As of `NearestLatents`.

    References
    ----------
    .. footbibliography::
    """

    def fit(self, z, y, groups=None) -> LatentLabels:
        """Fit the thresholds.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents with meaningful Euclidean distances (see `LatentMetric`).
        y : ndarray of shape (n,), int
            Bundle of each, from 0; below 0 for none.
        groups : ndarray of shape (n,), int, optional
            Groups that are kept in one fold, as a streamline and its copies.

        Returns
        -------
        LatentLabels
            Itself.

        Raises
        ------
        ValueError
            If an array does not fit, a parameter is out of its range, fewer than two
            belong to a bundle, or there is no example to be rejected and no
            `kept_share`.
        """
        self._fit(z, y, groups, lambda bundles, nearest: bundles == nearest)
        self.classes_ = np.unique(np.maximum(y, NONE))
        return self

    def predict(self, z) -> np.ndarray:
        """Return the bundle of latents.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.

        Returns
        -------
        ndarray of shape (n,), int32
            Bundle of each, -1 for none.
        """
        distances, bundles = self.nearest(z)
        return np.where(distances <= self.thresholds_[bundles], bundles, NONE)

    def held_out_labels(self) -> np.ndarray:
        """Return the labels of the cross-validation, -1 for none."""
        near = self.held_out_relative_ <= 1
        return np.where(near, self.held_out_nearest_, NONE)


def label_figures(predicted, labels, bundle_names) -> dict:
    """Measure predicted labels (n,) by the true ones, -1 for none.

    Returns ``accuracy`` and ``nb_streamlines``; ``macro_f1``, the mean of ``f1`` over
    the bundles among `labels`, None without one; under ``bundles``, by the name of each
    bundle among either, ``f1``, ``precision``, ``recall`` and ``nb_streamlines``.
    """
    from sklearn.metrics import precision_recall_fscore_support

    predicted, labels = np.asarray(predicted), np.asarray(labels)
    measured = precision_recall_fscore_support(
        labels, predicted, labels=range(len(bundle_names)), zero_division=0
    )
    found = {
        name: {
            "f1": float(f1),
            "precision": float(precision),
            "recall": float(recall),
            "nb_streamlines": int(number),
        }
        for label, (name, precision, recall, f1, number) in enumerate(
            zip(bundle_names, *measured)
        )
        if number or (predicted == label).any()
    }
    f1 = [each["f1"] for each in found.values() if each["nb_streamlines"]]
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(np.mean(f1)) if f1 else None,
        "nb_streamlines": len(labels),
        "bundles": found,
    }


def score_labels(predicted, labels, own_names, bundle_names) -> dict:
    """Compare predicted labels with those of streamlines, by name; log the figures.

    `predicted` (n,) are indices into `bundle_names`, of which the last is that of
    unassigned streamlines, `labels` (n,) indices into `own_names`; bundles of another
    name count as unassigned. Returns the measures of `label_figures`.
    """
    names, none = list(bundle_names), len(bundle_names) - 1
    unknown = [name for name in own_names if name not in names]
    if unknown:
        logger.info("Not in the reference, so of none: %s", listed(unknown))
    codes = [names.index(n) if n in names else none for n in own_names]
    found = label_figures(predicted, np.array(codes)[labels], names)
    for name, each in found["bundles"].items():
        logger.info(
            "%s: precision %.3f, recall %.3f of %s",
            name,
            each["precision"],
            each["recall"],
            format_count(each["nb_streamlines"], "streamline"),
        )
    logger.info(
        "Accuracy %.3f, mean F1 of the bundles %.3f",
        found["accuracy"],
        found["macro_f1"],
    )
    return found
