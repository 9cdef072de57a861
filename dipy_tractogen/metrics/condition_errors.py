"""Attributes that generated streamlines have, against those that were asked for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.streamlines.attributes import obtained_values
from dipy_tractogen.streamlines.conditions import COMPUTED

from .regression import regression_errors


def compare_with_asked(
    streamlines,
    asked: Mapping[str, np.ndarray],
    labels: np.ndarray,
    bundle_names: Mapping[int, str],
) -> dict[str, dict]:
    """Measure how far attributes are from what was asked for.

    They are measured on all of the points that the streamlines have.

    Parameters
    ----------
    streamlines : ArraySequence or ndarray of shape (n, p, 3)
        Generated streamlines, points in mm.
    asked : mapping of str to ndarray of shape (n,)
        What each was asked for, by the name of the attribute, one of
        :data:`dipy_tractogen.streamlines.conditions.COMPUTED`; NaN where it is not
        known.
    labels : ndarray of shape (n,)
        Bundle of each.
    bundle_names : mapping of int to str
        Names of the bundles of interest.

    Returns
    -------
    dict of str to dict
        By attribute ``unit``, and over all streamlines the coefficient of determination
        ``r2`` (None where all were asked for one value), the mean absolute error
        ``mae``, in the unit, and the number ``n``; under ``bundles`` the latter three
        for each. Attributes and bundles with no known value are left out.
    """
    found = {}
    for name, wanted in asked.items():
        known = np.isfinite(wanted)
        if not known.any():
            continue
        obtained = obtained_values(streamlines, [name])[name]
        members = {
            bundle: known & (labels == label) for label, bundle in bundle_names.items()
        }
        found[name] = {
            "unit": COMPUTED[name][1],
            **_errors(obtained[known], wanted[known]),
            "bundles": {
                bundle: _errors(obtained[rows], wanted[rows])
                for bundle, rows in members.items()
                if rows.any()
            },
        }
    return found


def _errors(obtained: np.ndarray, asked: np.ndarray) -> dict:
    errors = regression_errors(asked, obtained)
    return {
        "r2": errors["r2"],
        "mae": errors["mean_absolute_error"],
        "n": len(asked),
    }
