"""The classifier two-sample test of profiles."""

from __future__ import annotations

import numpy as np

from ..c2st.sample import Sample, areas_of, centred
from ..c2st.two_sample import scores_out_of_fold
from .pairing import Features

_NAME = "profile"


def tell_profiles(candidates: Features, reference: Features, *, seed: int = 0) -> dict:
    """Test whether classifiers can tell profiles of candidates from reference ones.

    As `c2st` does of shapes :footcite:p:`LopezPaz2017`, by the first 24 cosine
    coefficients of each value along the streamline and the logarithm of the energy in
    eight bands of the others, less their mean in the bundle over both sets.

    Returns
    -------
    dict
        The AUC of ``boosting`` and ``network``, the larger of both as ``value``, and
        its 95 % ``interval``.

    References
    ----------
    .. footbibliography::
    """
    labels = np.concatenate([candidates.labels, reference.labels])
    values = np.concatenate([candidates.profile, reference.profile])
    ours = np.arange(len(values)) < len(candidates.profile)
    # Copies of a profile are in one fold.
    copies = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
    sample = Sample({_NAME: centred(values, labels)}, labels, ours, copies)
    return areas_of(scores_out_of_fold(sample, _NAME, seed), ours)
