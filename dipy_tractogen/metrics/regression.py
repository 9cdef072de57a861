"""Errors of numbers that are predicted."""

from __future__ import annotations

import numpy as np


def regression_errors(
    measured: np.ndarray, predicted: np.ndarray
) -> dict[str, float | None]:
    r"""Measure how far predictions are from what is so.

    Parameters
    ----------
    measured : ndarray of shape (n,)
        What is so, of one streamline at least.
    predicted : ndarray of shape (n,)
        What is predicted, in the same unit.

    Returns
    -------
    dict of str to float or None
        ``mean_absolute_error``, in the unit of both, and ``r2``, the coefficient of
        determination :math:`1 - \sum (m - p)^2 / \sum (m - \bar m)^2`, None where all
        measured values are the same.

    Raises
    ------
    ValueError
        If the shapes differ, or there is nothing.
    """
    measured = np.asarray(measured, dtype=float)
    predicted = np.asarray(predicted, dtype=float)
    if measured.shape != predicted.shape or measured.ndim != 1 or not len(measured):
        raise ValueError(
            f"Errors of predictions need two arrays of one shape (n,), got "
            f"{measured.shape} and {predicted.shape}."
        )
    errors = predicted - measured
    # The variance of equal numbers need not be exactly zero.
    varies = np.ptp(measured) > 0
    return {
        "mean_absolute_error": float(np.mean(np.abs(errors))),
        "r2": float(1 - np.mean(errors**2) / np.var(measured)) if varies else None,
    }


def describe_errors(measured: np.ndarray, predicted: np.ndarray, unit: str = "") -> str:
    """Say how far predictions are from what is so.

    Parameters
    ----------
    measured, predicted : ndarray of shape (n,)
        As of `regression_errors`.
    unit : str, optional
        Unit of both.

    Returns
    -------
    str
        Mean absolute error and R2.

    Raises
    ------
    ValueError
        As `regression_errors` does.
    """
    errors = regression_errors(measured, predicted)
    error = f"{errors['mean_absolute_error']:.3g} {unit}".rstrip()
    r2 = "undefined" if errors["r2"] is None else f"{errors['r2']:.3f}"
    return f"mean absolute error {error}, R2 {r2}"
