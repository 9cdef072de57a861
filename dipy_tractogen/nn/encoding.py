"""Encoding of whole sets of bundles by a model, a block of streamlines at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dipy_tractogen.streamlines.conditions import BUNDLE, COMPUTED, computed_values
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.utils.progress import track_progress

# Streamlines held as points at a time: 100 MB at 256 points.
BLOCK = 32768
# Streamlines that mixtures consist of, the steps of whole pairs.
_MIXED = 10240


class EncodedBlock(NamedTuple):
    """Streamlines as a model reads them, and what it makes of them.

    Attributes
    ----------
    rows : slice
        Which of all streamlines they are.
    points : ndarray of shape (m, nb_points, 3)
        Points in RASMM mm.
    outputs : dict of str to ndarray
        From ``encode_and_decode`` of the model.
    """

    rows: slice
    points: np.ndarray
    outputs: dict


def encoded_blocks(
    model, bundles, *, description: str = "Encoding", show_progress: bool = False
) -> Iterator[EncodedBlock]:
    """Encode and decode bundles, a block of streamlines at a time.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    bundles : BundleSet
        Streamlines, with the values that the networks of the model read.
    description : str, optional
        Text of the progress bar.
    show_progress : bool, optional
        Show a progress bar.

    Yields
    ------
    EncodedBlock
        The streamlines, in their order.
    """
    starts = range(0, len(bundles), BLOCK)
    for start in track_progress(starts, description, show_bar=show_progress):
        rows = slice(start, start + BLOCK)
        points = resample(bundles.streamlines[rows], model.nb_points)
        values = bundles.known_values(rows) if model.conditions_in_networks else None
        yield EncodedBlock(rows, points, model.encode_and_decode(points, values))


def mixed_blocks(
    model, bundles, pairs, nb_steps: int, *, path: str = "linear", show_progress=False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mix pairs of streamlines, a block of pairs at a time.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    bundles : tuple of two BundleSet
        First and second streamlines, with the values that the networks read.
    pairs : tuple of two ndarray of shape (n,), int
        Their rows, from ``model.pair``.
    nb_steps, path
        As for ``model.interpolate``.
    show_progress : bool, optional
        Show a progress bar.

    Yields
    ------
    number : ndarray of shape (m,), int
        Numbers of the pairs.
    steps : ndarray of shape (m, nb_steps, nb_points, 3), float32
        Points in RASMM mm.
    """
    block = max(1, _MIXED // nb_steps)
    starts = range(0, len(pairs[0]), block)
    for start in track_progress(starts, "Mixing", show_bar=show_progress):
        number = np.arange(start, min(start + block, len(pairs[0])))
        rows = [each[number] for each in pairs]
        first, second = (each.streamlines[own] for each, own in zip(bundles, rows))
        values = [each.known_values(own) for each, own in zip(bundles, rows)]
        yield (
            number,
            model.interpolate(
                *(first, second, nb_steps),
                path=path,
                first_values=values[0],
                second_values=values[1],
            ),
        )


def conditions_to_load(conditions) -> dict[str, list[str]]:
    """Return the conditions that have to be loaded from files.

    These are all but the bundle and what is computed from the points; by their kind,
    ``categorical`` or ``continuous``. None are needed where `conditions` is None.
    """
    kinds = ("categorical", "continuous")
    if conditions is None:
        return {kind: [] for kind in kinds}
    return {
        kind: [
            one.name
            for one in getattr(conditions, kind)
            if one.name not in (BUNDLE, *COMPUTED)
        ]
        for kind in kinds
    }


def predict_attribute(model, bundles, *, show_progress: bool = False):
    """Predict the attribute of a regression model for bundles.

    Parameters
    ----------
    model : RVAE
        The model, trained.
    bundles : BundleSet
        The n streamlines. An attribute that is not computed from points is known
        where `bundles` have values of its name.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    predicted, deviation : ndarray of shape (n,), float64
        Prediction and its standard deviation, in the unit of the attribute.
    measured : ndarray of shape (n,) or None
        The true values, in the same unit; None where they are not known.
    """
    predictions, computed = [], []
    starts = range(0, len(bundles), BLOCK)
    for start in track_progress(starts, "Predicting", show_bar=show_progress):
        points = resample(bundles.streamlines[start : start + BLOCK], model.nb_points)
        predictions.append(model.predict_attribute(points))
        computed += computed_values(points, [model.attribute]).values()
    predicted, deviation = (np.concatenate(parts) for parts in zip(*predictions))
    if computed:
        return predicted, deviation, np.concatenate(computed)
    return predicted, deviation, bundles.values.get(model.attribute)
