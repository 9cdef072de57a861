"""Predicting the attribute of a regression model, for the commands that do."""

from __future__ import annotations

# Streamlines held as resampled points at a time: 100 MB at 256 points.
_BLOCK = 32768


def predict(model, bundles, *, show_progress: bool = False):
    """Predict the attribute of streamlines, and find what it is where that is known.

    Parameters
    ----------
    model : RVAE
        The model, trained.
    bundles : BundleSet
        The n streamlines. Unless the attribute is computed from points, it is known
        where `bundles` have values of its name.
    show_progress : bool, optional
        Whether a progress bar is shown.

    Returns
    -------
    predicted, deviation : ndarray of shape (n,), float64
        In the unit of the attribute.
    measured : ndarray of shape (n,) or None
        What the attribute is, in the same unit; None where it is not known.
    """
    import numpy as np

    from dipy_tractogen.streamlines.conditions import computed_values
    from dipy_tractogen.streamlines.geometry import resample
    from dipy_tractogen.utils.progress import track_progress

    predictions, computed = [], []
    starts = range(0, len(bundles), _BLOCK)
    for start in track_progress(starts, "Predicting", show_bar=show_progress):
        block = bundles.streamlines[start : start + _BLOCK]
        points = resample(block, model.nb_points)
        predictions.append(model.predict_attribute(points))
        computed += computed_values(points, [model.attribute]).values()
    predicted, deviation = (np.concatenate(parts) for parts in zip(*predictions))
    if computed:
        return predicted, deviation, np.concatenate(computed)
    return predicted, deviation, bundles.values.get(model.attribute)
