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
    """The streamlines `rows`, their points in mm, and their ``encode_and_decode``."""

    rows: slice
    points: np.ndarray
    outputs: dict


def encoded_blocks(
    model, bundles, *, description: str = "Encoding", show_progress: bool = False
) -> Iterator[EncodedBlock]:
    """Encode and decode a `BundleSet`, a block of streamlines at a time.

    `bundles` have the values that the networks of the model read; `description` is the
    text of the progress bar.
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
    """Mix pairs of streamlines of two `BundleSet`, a block of pairs at a time.

    `pairs` are the rows from ``model.pair``; `nb_steps` and `path` as for
    ``model.interpolate``. Yields the numbers of the pairs (m,) and points in mm (m,
    nb_steps, nb_points, 3).
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
    """Predict the attribute of an `RVAE` for the n streamlines of a `BundleSet`.

    Returns prediction and standard deviation (n,), float64, and the true values, all in
    the unit of the attribute; None in place of the last where `bundles` have no values
    of the attribute, and it is not computed from points.
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
