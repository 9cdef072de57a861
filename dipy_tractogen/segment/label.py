"""Labelling by the nearest latents of known bundles."""

from __future__ import annotations

import numpy as np

from .neighbours import NONE, NearestLatents
from .thresholds import figures


class LatentLabels(NearestLatents):
    """Tells the bundle of streamlines by their latents, or that they are of none.

    A streamline is of the bundle whose latents have the nearest one
    :footcite:p:`Legarreta2022`, if that is within the threshold of the bundle.

    Parameters
    ----------
    criterion : {"f1", "balanced_accuracy"}, optional
        What the threshold of a bundle makes as large as possible among those that are
        nearest to it.
    kept_share : float, optional
        Learn each threshold such that this share of the held-out latents of its bundle
        is kept, in place of the criterion.
    nb_folds : int, optional
        Number of folds; distances and figures are held-out ones.
    seed : int, optional
        Fixes the folds.

    Attributes
    ----------
    reference_, bundles_, thresholds_, held_out_relative_, held_out_nearest_
        As of `NearestLatents`.

    References
    ----------
    .. footbibliography::
    """

    def fit(self, z, labels, groups=None) -> LatentLabels:
        """Learn the thresholds.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents, such that Euclidean distances mean something (`LatentMetric`).
        labels : ndarray of shape (n,), int
            Bundle of each, from 0; below 0 those of none.
        groups : ndarray of shape (n,), int, optional
            Those of a group are in one fold, as a streamline and what was made of it.

        Returns
        -------
        LatentLabels
            Itself.

        Raises
        ------
        ValueError
            If an array does not fit, fewer than two are of a bundle, or nothing is
            wrong to learn from and there is no `kept_share`.
        """
        self._fit(z, labels, groups, lambda bundles, nearest: bundles == nearest)
        self.classes_ = np.unique(np.maximum(labels, NONE))
        return self

    def predict(self, z) -> np.ndarray:
        """Tell the bundle of latents.

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
        """Return labels of what was fitted, each fold by the others.

        Returns
        -------
        ndarray of shape (n,), int32
            Bundle of each, -1 for none.
        """
        near = self.held_out_relative_ <= 1
        return np.where(near, self.held_out_nearest_, NONE)


def label_figures(predicted, labels, bundle_names) -> dict:
    """Measure labels, of each bundle and of all.

    Parameters
    ----------
    predicted : ndarray of shape (n,), int
        Labels that were given; -1 is none.
    labels : ndarray of shape (n,), int
        Labels that are right.
    bundle_names : sequence of str
        Names of the bundles, by label.

    Returns
    -------
    dict
        ``accuracy`` of all; ``macro_f1``, the mean of ``f1`` over the bundles that
        streamlines are of, None where they are of none; and under ``bundles``, by the
        name of those that are given, too, ``f1``, ``precision``, ``recall`` and
        ``nb_streamlines``, how many there are.
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    found = {}
    for label, name in enumerate(bundle_names):
        given, right = predicted == label, labels == label
        if not (given.any() or right.any()):
            continue
        each = figures(-given.astype(float), given, right)
        found[name] = {key: each[key] for key in ("f1", "precision", "recall")}
        found[name]["nb_streamlines"] = int(right.sum())
    f1 = [each["f1"] for each in found.values() if each["nb_streamlines"]]
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(np.mean(f1)) if f1 else None,
        "nb_streamlines": len(labels),
        "bundles": found,
    }
