"""Errors of points, of predicted numbers, and of requested conditions."""

from __future__ import annotations

from collections.abc import Mapping
import logging

import numpy as np

from dipy_tractogen.streamlines.columns import say_left_out, text_columns
from dipy_tractogen.streamlines.conditions import COMPUTED, measured_values
from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.tables import write_table

from .disentanglement import disentanglement, streamline_attributes

logger = logging.getLogger("dipy_tractogen")


def point_errors(original: np.ndarray, reconstructed: np.ndarray) -> np.ndarray:
    """Return the mean distance of corresponding points by streamline, (n,), in mm."""
    original, reconstructed = np.asarray(original), np.asarray(reconstructed)
    if original.shape != reconstructed.shape or original.ndim != 3:
        raise ValueError(
            f"Point errors need two arrays of one shape (n, nb_points, 3), got "
            f"{original.shape} and {reconstructed.shape}."
        )
    return np.linalg.norm(original - reconstructed, axis=-1).mean(axis=1, dtype=float)


def summarize_errors(errors: np.ndarray) -> dict[str, float | None]:
    """Return ``mean`` and ``p95`` of point errors in mm; None without streamlines."""
    if not len(errors):
        return {"mean": None, "p95": None}
    return {"mean": float(np.mean(errors)), "p95": float(np.percentile(errors, 95))}


def measure_model(model, bundles, *, show_progress: bool = False) -> dict:
    """Measure how a model encodes held-out streamlines.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    bundles : BundleSet
        Streamlines that it was not trained on, with the values that its networks read.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    dict
        ``nb_streamlines``; ``reconstruction_mm`` with the ``mean`` and the 95th
        percentile ``p95`` of the point errors; ``reconstruction_values``, the same of
        the values along the streamlines by name, each in its own unit, where the model
        has some; ``truncation_mm``, the part of the mean point error
        that the number of coefficients alone causes; ``latent_dim`` and
        ``active_units``; and `disentanglement`, or None for fewer than three
        streamlines.
    """
    from dipy_tractogen.nn.encoding import encoded_blocks

    errors, truncation, z_mean, attributes = [], [], [], []
    of_values: dict[str, list] = {name: [] for name in model.profiles}
    for rows, points, outputs, _ in encoded_blocks(
        model, bundles, description="Reconstructing", show_progress=show_progress
    ):
        errors.append(point_errors(points, outputs["points"]))
        truncation.append(model.coder.truncation_error(points))
        z_mean.append(outputs["z_mean"])
        for name, each in of_values.items():
            each.append(outputs["value_errors"][name])
        attributes.append(streamline_attributes(points, bundles.streamlines[rows]))
    joined = {
        name: np.concatenate([each[name] for each in attributes])
        for name in attributes[0]
    }
    z_mean = np.concatenate(z_mean)
    return {
        "nb_streamlines": len(bundles),
        "reconstruction_mm": summarize_errors(np.concatenate(errors)),
        **_summaries_of_values(of_values),
        "truncation_mm": float(np.concatenate(truncation).mean()),
        "latent_dim": model.latent_dim,
        "active_units": model.record.active_units,
        "disentanglement": disentanglement(z_mean, joined) if len(z_mean) > 2 else None,
    }


def _summaries_of_values(errors: Mapping[str, list]) -> dict[str, dict]:
    """Return the summaries of errors of values, by name; nothing without values."""
    if not errors:
        return {}
    joined = {name: np.concatenate(each) for name, each in errors.items()}
    return {
        "reconstruction_values": {
            name: summarize_errors(each[np.isfinite(each)])
            for name, each in joined.items()
        }
    }


def regression_errors(
    measured: np.ndarray, predicted: np.ndarray
) -> dict[str, float | None]:
    r"""Return the mean absolute error and R2 of predictions.

    Parameters
    ----------
    measured : ndarray of shape (n,)
        True values, of one streamline at least.
    predicted : ndarray of shape (n,)
        Predicted values, in the same unit.

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
    """Return mean absolute error and R2 as text."""
    errors = regression_errors(measured, predicted)
    error = f"{errors['mean_absolute_error']:.3g} {unit}".rstrip()
    r2 = "undefined" if errors["r2"] is None else f"{errors['r2']:.3f}"
    return f"mean absolute error {error}, R2 {r2}"


def log_predictions(
    bundles, predicted: np.ndarray, measured: np.ndarray | None, *, name: str, unit: str
) -> None:
    """Log the errors of predictions (n,), by bundle and of all.

    Without `measured` values the mean is logged.
    """
    if measured is None:
        mean = f"{predicted.mean():.4g} {unit}".rstrip()
        count = format_count(len(bundles), "streamline")
        logger.info("Predicted %s of %s: mean %s", name, count, mean)
        return
    groups = {
        bundle: np.flatnonzero(bundles.labels == label)
        for label, bundle in enumerate(bundles.bundle_names)
    }
    for group, rows in {**groups, "All bundles": np.arange(len(bundles))}.items():
        errors = describe_errors(measured[rows], predicted[rows], unit)
        count = format_count(len(rows), "streamline")
        logger.info("%s, %s of %s: %s", group, name, count, errors)


def save_predictions(
    path, bundles, predicted, deviation, measured=None, *, force: bool = False
) -> None:
    """Write predictions, standard deviations and measured values (n,) as a table.

    It has the bundle and the index of each streamline, and its numbers in
    ``data_per_streamline``.
    """
    columns = {
        "bundle": (bundles.bundle_names[label] for label in bundles.labels),
        "index": range(len(bundles)),
        "predicted": map(float, predicted),
        "deviation": map(float, deviation),
    }
    if measured is not None:
        columns["measured"] = map(float, measured)
    columns |= text_columns(bundles.data_per_streamline, columns, path)
    why = f"{path} has a row for each streamline, and not for each point"
    say_left_out({"data_per_point": bundles.data_per_point}, why)
    write_table(path, list(columns), zip(*columns.values()), force=force)


def condition_errors(
    streamlines,
    requested: Mapping[str, np.ndarray],
    labels: np.ndarray,
    bundle_names: Mapping[int, str],
) -> dict[str, dict]:
    """Compare attributes of generated streamlines with the requested values.

    Attributes are measured on all points that the streamlines have. `requested` holds
    values (n,) by attribute, one of `COMPUTED`, NaN where unknown;
    `bundle_names` the names by label.

    Returns by attribute ``unit``; over all streamlines the coefficient of determination
    ``r2`` (None where one value was requested of all), the mean absolute error ``mae``
    and the number ``n``; and these three for each bundle under ``bundles``. Attributes
    and bundles without a known value are left out.
    """
    found = {}
    for name, wanted in requested.items():
        known = np.isfinite(wanted)
        if not known.any():
            continue
        measured = measured_values(streamlines, [name])[name]
        members = {
            bundle: known & (labels == label) for label, bundle in bundle_names.items()
        }
        found[name] = {
            "unit": COMPUTED[name][1],
            **_errors(measured[known], wanted[known]),
            "bundles": {
                bundle: _errors(measured[rows], wanted[rows])
                for bundle, rows in members.items()
                if rows.any()
            },
        }
    return found


def _errors(measured: np.ndarray, requested: np.ndarray) -> dict:
    errors = regression_errors(requested, measured)
    return {
        "r2": errors["r2"],
        "mae": errors["mean_absolute_error"],
        "n": len(requested),
    }
