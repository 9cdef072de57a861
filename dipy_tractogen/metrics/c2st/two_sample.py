"""The classifier two-sample test of streamlines."""

from __future__ import annotations

import warnings

import numpy as np

from dipy_tractogen.streamlines.array_sequence import take
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.geometry import arc_lengths
from dipy_tractogen.streamlines.spectrum import comparable_points
from dipy_tractogen.utils.progress import advance

from .. import cost
from ..measures import C2ST
from .sample import FEWEST, Sample, areas_of, check_labels, matched_rows
from .telling import NAMED, told_by

NB_CLASSIFIERS = 2
"""Gradient boosting and a network."""

_NB_FOLDS = 3
_NB_TREES = 100
_NB_EPOCHS = 60


def c2st(
    candidates,
    reference,
    candidate_labels: np.ndarray | None = None,
    reference_labels: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> dict | None:
    """Test whether classifiers can tell candidates from reference streamlines.

    The classifier two-sample test :footcite:p:`LopezPaz2017`, with the area under the
    ROC curve (AUC) in place of the accuracy: 0.5 if the sets cannot be told, 1 if they
    always are, and below 0.5 by chance alone. Each streamline is scored by classifiers
    that were trained on other ones, in three folds; copies of a streamline are in one
    fold. The classifiers are gradient boosting of trees and a network of one hidden
    layer. Compare with what two sets of real streamlines reach: the larger of two AUC
    is a little above 0.5 by chance.

    The features are, of 128 points at equal arc length in the direction of the bundle,

    - ``shape``: the first 24 cosine coefficients of each coordinate;
    - ``texture``: the logarithm of the energy in eight bands of the coefficients 24 to
      127, and the mean, deviation, maximum and median of the curvature;
    - ``both``.

    The set of the smaller step size is brought to that of the other, or to its number
    of points if this is the same for all its streamlines. As many streamlines of each
    bundle are taken of both, and no more than 2,000 of each set.

    Parameters
    ----------
    candidates, reference : ArraySequence or ndarray of shape (n, p, 3)
        Streamlines, points in mm as they are stored, or what else `as_streamlines`
        takes; resampling before the test is found by it.
    candidate_labels, reference_labels : ndarray of shape (n,), optional
        Bundle of each streamline, of both sets or of neither.
    seed : int, optional
        Seed of the samples, the folds and the classifiers.

    Returns
    -------
    dict or None
        None if a set has fewer than 50 different streamlines to compare.

        - ``step_mm``, and ``compared``, the number of streamlines of each set;
        - ``shape``, ``texture`` and ``both``, each with the AUC of ``boosting`` and
          ``network``, the larger of both as ``value``, and its 95 % ``interval``
          :footcite:p:`DeLong1988`;
        - ``bundles``, the same of each bundle, by label, with 100 streamlines or more
          of both sets: whether the classifiers for all bundles tell its streamlines;
        - ``told_by``, the features that tell most, first of ``shape``, then of
          ``texture``: ``set``; ``text``, such as "too little energy below 3 mm";
          ``alone``, the AUC of candidates against reference streamlines within bundles
          by this feature alone, below 0.5 where it is smaller in candidates;
          ``given_others``, the same for its difference from what the other features
          of the set predict; and ``importance``, by how much the value falls if the
          feature is permuted within bundles.

    Raises
    ------
    ValueError
        If labels do not fit or only one set has them, or a point is not finite.

    References
    ----------
    .. footbibliography::
    """
    sets = [to_sequence(each) for each in (candidates, reference)]
    labels = check_labels(sets, (candidate_labels, reference_labels))
    rows = matched_rows(labels, np.random.default_rng(seed))
    sets = [take(each, chosen) for each, chosen in zip(sets, rows)]
    labels = np.concatenate([each[chosen] for each, chosen in zip(labels, rows)])
    if min(map(len, sets)) < FEWEST:
        return None
    points, step_mm = comparable_points(sets)
    points = np.concatenate(points)
    if not np.isfinite(points).all():
        raise ValueError(
            "Some points are NaN or infinite: drop those streamlines, as load_bundles "
            "does."
        )
    sample = Sample.of(points, labels, len(sets[0]))
    if sample is None:
        return None
    length = float(np.median(np.concatenate([arc_lengths(each) for each in sets])))
    values, bundles, told = {}, {}, []
    for name in C2ST.values():
        scores = scores_out_of_fold(sample, name, seed)
        values[name] = areas_of(scores, sample.ours)
        for label, members in sample.large_bundles():
            own = {each: found[:, members] for each, found in scores.items()}
            bundles.setdefault(label, {})[name] = areas_of(own, sample.ours[members])
        told += told_by(sample, name, scores, length)
    return {
        "step_mm": step_mm,
        "compared": len(sets[0]),
        **values,
        "bundles": bundles,
        "told_by": told,
    }


def make_classifiers(seed: int) -> dict:
    """Return the classifiers of `c2st` by name, not yet trained."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((64,), max_iter=_NB_EPOCHS, random_state=seed)
    return {
        "boosting": HistGradientBoostingClassifier(
            max_iter=_NB_TREES, random_state=seed
        ),
        "network": make_pipeline(StandardScaler(), network),
    }


def scores_out_of_fold(sample: Sample, name: str, seed: int) -> dict[str, np.ndarray]:
    """Return scores (1 + f, n) by classifier: as is, and with each feature permuted.

    Scores are the probability of being a candidate, by classifiers that were trained
    on other streamlines.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import StratifiedGroupKFold
    from threadpoolctl import threadpool_limits

    values, ours = sample.features[name], sample.ours
    folds = StratifiedGroupKFold(_NB_FOLDS, shuffle=True, random_state=seed)
    parts = list(folds.split(values, ours, sample.copies))
    rng = np.random.default_rng(seed)
    columns = [each.columns for each in NAMED.get(name, ())]
    scores = {}
    # Threads that wait for one another are slower than one thread on a busy machine.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for kind, classifier in make_classifiers(seed).items():
            scores[kind] = np.empty((1 + len(columns), len(values)))
            for train, test in parts:
                classifier.fit(values[train], ours[train])
                for place, which in enumerate([slice(0), *columns]):
                    changed = values[test]
                    changed[:, which] = values[sample.permuted(test, rng), which]
                    found = classifier.predict_proba(changed)[:, 1]
                    scores[kind][place, test] = found
            advance(cost.classification(len(values)))
    return scores
