"""Encoding and decoding of streamlines by a model, and of whole sets in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    Conditions,
    measured_values,
)
from dipy_tractogen.streamlines.conversion import as_streamlines, to_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.geometry import arc_lengths, resample
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.utils.messages import briefly, listed
from dipy_tractogen.utils.progress import track_progress

from .profiles import (
    PointData,
    as_columns,
    columns_of,
    value_errors,
    with_point_values,
)

# Streamlines held as points at a time: 100 MB at 256 points.
BLOCK = 32768


def encode(
    model,
    streamlines,
    values: Mapping[str, np.ndarray] | None = None,
    data_per_point: PointData | None = None,
) -> np.ndarray:
    """Encode streamlines.

    Which end comes first does not matter: of the two directions the one that the
    model reconstructs better is taken.

    Parameters
    ----------
    streamlines : ndarray of shape (n, p, 3), ArraySequence or BundleSet
        Points in RASMM mm, or another input of `as_streamlines`; resampled where they
        are not `nb_points`. A BundleSet brings its values.
    values : mapping of str to ndarray of shape (n,), optional
        Conditions of each, by name: text (``"bundle"``) or numbers. Only models
        that read them need them; those that follow from the points are computed.
    data_per_point : mapping of str to ndarray, optional
        Values along the streamlines that the model reads, its ``profiles``, by name: a
        number for each point, in the order of the points, NaN where it is missing. A
        BundleSet brings its own.

    Returns
    -------
    ndarray of shape (n, latent_dim), float32
        Means of the latents.

    Raises
    ------
    ValueError
        If a condition or a value along the streamlines that the model reads is
        missing, or a category unknown.
    """
    return model.encode_and_decode(streamlines, values, data_per_point)["z_mean"]


def reconstruct(
    model,
    streamlines,
    values: Mapping[str, np.ndarray] | None = None,
    data_per_point: PointData | None = None,
) -> np.ndarray:
    """Encode and decode streamlines; arguments as of `encode`.

    Returns
    -------
    ndarray of shape (n, nb_points, 3), float32
        Points in RASMM mm, each streamline in the direction it was given.
    """
    return model.encode_and_decode(streamlines, values, data_per_point)["points"]


def encode_and_decode(
    model,
    streamlines,
    values: Mapping[str, np.ndarray] | None = None,
    data_per_point: PointData | None = None,
) -> dict:
    """Encode and decode streamlines at once; arguments as of `encode`.

    Returns
    -------
    dict of str to ndarray
        ``z_mean`` of shape (n, latent_dim), means of the latents; ``deviation`` of
        the same shape, where the latents have one; ``points``, as `reconstruct`
        returns them. All float32. Of a model with values along the streamlines also
        ``data_per_point``, by name the reconstructed values of shape (n, nb_points),
        and ``value_errors``, by name the mean absolute errors of shape (n,), each in
        the unit of its value; NaN where a streamline has no value.
    """
    streamlines, values = with_values(model, streamlines, values, data_per_point)
    columns = as_columns(model, streamlines)
    matrix = model.condition_matrix(columns[..., :3], values)
    profiles = model.known_profiles()
    outputs = model.coder.encode(profiles.channels(columns), matrix)
    if not len(profiles):
        return outputs
    made = profiles.values_of(outputs["points"])
    return {
        **outputs,
        "points": np.ascontiguousarray(outputs["points"][..., :3]),
        "data_per_point": profiles.by_name(made),
        "value_errors": profiles.by_name(value_errors(columns[..., 3:], made)),
    }


def with_values(
    model, streamlines, values: Mapping | None, data: PointData | None = None
) -> tuple:
    """Return streamlines with the values of their points, and values of each.

    Streamlines are as `with_point_values` returns them; a BundleSet brings its values.
    """
    own = streamlines.known_values() if isinstance(streamlines, BundleSet) else {}
    return with_point_values(model, streamlines, data), {**own, **(values or {})}


def decode(
    model,
    z: np.ndarray,
    nb_points: int | None = None,
    values: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Decode latents.

    Parameters
    ----------
    z : ndarray of shape (n, latent_dim)
        Latents.
    nb_points : int, optional
        Points of each streamline in the result, by default those of the model.
    values : mapping of str to ndarray of shape (n,), optional
        Conditions of each, by name; a model that reads conditions needs all.

    Returns
    -------
    ndarray of shape (n, nb_points, 3), float32
        Points in RASMM mm.

    Raises
    ------
    ValueError
        If `z` has another number of dimensions than the model, or a condition is
        missing or unknown.
    """
    model.check_layers()
    z = np.asarray(z, dtype=np.float32)
    if z.ndim != 2 or z.shape[1] != model.latent_dim:
        raise ValueError(
            f"z has shape {z.shape}; expected (n, {model.latent_dim}), "
            "the latent_dim of the model."
        )
    matrix = None
    if model.conditions_in_networks:
        matrix = _encoded_values(model, values or {}, len(z))
    points = model.coder.decode(z, matrix)
    if nb_points is None or nb_points == model.nb_points:
        return points
    return resample(points, nb_points)


def condition_on(model, conditions: Conditions) -> None:
    """Set the conditions of the training streamlines, and make layers that need them.

    Raises ValueError if the model was made for other conditions.
    """
    if model.conditions is None:
        model.network.build_layers(conditions)
        model.conditions = conditions
        return
    known, given = (
        {one.name: one.categories for one in each}
        for each in (model.conditions, conditions)
    )
    if known != given:
        made_for = listed((briefly(one.describe()) for one in model.conditions), "; ")
        raise ValueError(
            f"The model was made for {made_for}: train it on the same conditions "
            "and categories, or make another one."
        )


def condition_matrix(
    model, points: np.ndarray, values: Mapping[str, np.ndarray] | None
) -> np.ndarray | None:
    """Return conditions as the networks read them; None if they read none.

    `points` (n, nb_points, 3) are in mm; `values` are text or numbers by the name of
    the condition, but for those computed from the points. Raises ValueError if one is
    missing, a category unknown, or the model not trained.
    """
    model.check_layers()
    if not model.conditions_in_networks:
        return None
    computed = measured_values(points, model.conditions.names)
    given = {name: each for name, each in (values or {}).items() if each is not None}
    return _encoded_values(model, {**computed, **given}, len(points))


def _encoded_values(
    model, values: Mapping[str, np.ndarray], nb_streamlines: int
) -> np.ndarray:
    """Return conditions as the networks read them, checked to be one for each."""
    matrix = model.conditions.encode(values)
    if len(matrix) != nb_streamlines:
        raise ValueError(
            f"There are values of {len(matrix)} streamlines, for {nb_streamlines}: "
            "give one for each."
        )
    return matrix


def check_layers(model) -> None:
    """Raise ValueError if the layers wait for the conditions of a training."""
    if model.reads_conditions and model.conditions is None:
        raise ValueError(
            "The model is not trained, and does not know the conditions that it "
            "reads: call fit before."
        )


def as_points(model, streamlines) -> np.ndarray:
    """Return streamlines as points (n, nb_points, 3), float32, in mm.

    Raises ValueError if a point is not finite.
    """
    streamlines = as_streamlines(streamlines)
    given = isinstance(streamlines, np.ndarray) and streamlines.ndim == 3
    if given and streamlines.shape[1:] == (model.nb_points, 3):
        points = np.asarray(streamlines, dtype=np.float32)
        _check_finite(np.isfinite(points).all(axis=(1, 2)))
        return points
    # Resampling could turn NaN into numbers.
    _check_finite(np.isfinite(arc_lengths(to_sequence(streamlines))))
    return resample(streamlines, model.nb_points)


def _check_finite(finite: np.ndarray) -> None:
    """Check that each streamline is marked as finite."""
    if not finite.all():
        raise ValueError(
            f"{np.sum(~finite)} of {len(finite)} streamlines have points that are NaN "
            "or infinite: leave them out, as load_bundles does."
        )


class EncodedBlock(NamedTuple):
    """The streamlines `rows`, their points in mm, and their ``encode_and_decode``.

    `columns` are their points and the model's values, (m, nb_points, 3 + v).
    """

    rows: slice
    points: np.ndarray
    outputs: dict
    columns: np.ndarray


def encoded_blocks(
    model,
    bundles,
    *,
    transform: Transform | None = None,
    description: str = "Encoding",
    show_progress: bool = False,
) -> Iterator[EncodedBlock]:
    """Encode and decode a `BundleSet`, a block of streamlines at a time.

    `bundles` have the values that the networks of the model read; `transform` takes
    them to the space of the model, in which the blocks are, where the streamlines are
    in another one; `description` is the text of the progress bar.
    """
    block = columns_of(model, bundles, transform)
    starts = range(0, len(bundles), BLOCK)
    for start in track_progress(starts, description, show_bar=show_progress):
        rows = slice(start, start + BLOCK)
        columns = block(rows)
        values = bundles.known_values(rows) if model.conditions_in_networks else None
        outputs = model.encode_and_decode(columns, values)
        points = np.ascontiguousarray(columns[..., :3])
        yield EncodedBlock(rows, points, outputs, columns)


def conditions_to_load(conditions) -> dict[str, list[str]]:
    """Return the conditions that have to be loaded from files.

    These are all but the bundle and those computed from the points; by their kind,
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


def predict_attribute(
    model,
    bundles,
    *,
    transform: Transform | None = None,
    show_progress: bool = False,
):
    """Predict the attribute of an `RVAE` for the n streamlines of a `BundleSet`.

    `transform` takes them to the space of the model, where the streamlines are in
    another one. Returns prediction and standard deviation (n,), float64, and the true
    values, all in the unit of the attribute; None in place of the last where `bundles`
    have no values of the attribute, and it is not computed from points.
    """
    predictions, computed = [], []
    block = columns_of(model, bundles, transform)
    starts = range(0, len(bundles), BLOCK)
    for start in track_progress(starts, "Predicting", show_bar=show_progress):
        columns = block(slice(start, start + BLOCK))
        predictions.append(model.predict_attribute(columns))
        computed += measured_values(columns[..., :3], [model.attribute]).values()
    predicted, deviation = (np.concatenate(parts) for parts in zip(*predictions))
    if computed:
        return predicted, deviation, np.concatenate(computed)
    return predicted, deviation, bundles.values.get(model.attribute)
