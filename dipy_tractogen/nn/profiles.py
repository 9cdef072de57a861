"""Values along streamlines, such as FA, on their way to the network of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import (
    as_sequence,
    coordinates_of,
    packed,
)
from dipy_tractogen.streamlines.conversion import as_streamlines
from dipy_tractogen.streamlines.point_data.columns import resample_values
from dipy_tractogen.streamlines.point_data.maps import maps_of_images
from dipy_tractogen.streamlines.point_data.profile import Profiles
from dipy_tractogen.streamlines.point_data.values import PointData
from dipy_tractogen.streamlines.resampled import ResampledPoints
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.utils.messages import listed


def known_profiles(model) -> Profiles:
    """Return what the training of a model found of its values along streamlines.

    Raises ValueError if the model has some, and is not trained.
    """
    profiles = Profiles.from_plain(model.record.profiles)
    if len(profiles) < len(model.profiles):
        raise ValueError(
            f"The model is not trained, and does not know the range of "
            f"{listed(model.profiles)}: call fit before."
        )
    return profiles


def set_profiles(model, profiles: Profiles) -> None:
    """Set what a training found of the values along its streamlines."""
    model.record.profiles = profiles.to_plain()
    model.network.reconstruction.profile_scales = profiles.scales.tolist()


def values_of_points(
    names: Sequence[str], data: Mapping | None, nb_points: int
) -> list[np.ndarray]:
    """Return the named values (nb_points,) of points, in their order.

    `data` has them by name as arrays of any shape of one number a point, or as an
    ArraySequence. Raises ValueError where one is missing or has another size.
    """
    data = data or {}
    missing = [name for name in names if name not in data]
    if missing:
        raise ValueError(
            f"The model reads {listed(missing)} along the streamlines, which have "
            f"{listed(data)}: give them as data_per_point, or load images of them as "
            f"well ({maps_of_images(missing)})."
        )
    found = []
    for name in names:
        values = data[name]
        if isinstance(values, ArraySequence):
            values = packed(values)[0]
        values = np.asanyarray(values)
        if values.size != nb_points or values.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} has the shape {values.shape} and type {values.dtype} for "
                f"{nb_points} points: give one number for each."
            )
        found.append(values.reshape(-1))
    return found


def with_point_values(model, streamlines, data_per_point: PointData | None = None):
    """Return streamlines whose points have the model's values beside coordinates.

    Parameters
    ----------
    streamlines : ndarray of shape (n, p, 3), ArraySequence or BundleSet
        Points in RASMM mm, or another input of `as_streamlines`; a BundleSet or a
        StatefulTractogram brings its values. Those that have v values beside their
        coordinates, (n, p, 3 + v), are returned as they are.
    data_per_point : mapping of str to ndarray, optional
        One number for each point, in the order of the points, by name.

    Returns
    -------
    ndarray of shape (n, p, 3 + v), or ArraySequence
        Coordinates and the v values of the model, NaN where they are missing.

    Raises
    ------
    ValueError
        If a value is missing in all, of another size, or the model has none.
    """
    own = getattr(streamlines, "data_per_point", None)
    streamlines = as_streamlines(streamlines)
    if not model.profiles:
        if data_per_point:
            raise ValueError(
                f"data_per_point has {listed(data_per_point)}, and the model has no "
                "values along streamlines: make one with profiles=[...], or leave it "
                "out."
            )
        return streamlines
    if _width_of(streamlines) == 3 + len(model.profiles):
        return streamlines
    data = {**(own or {}), **(data_per_point or {})}
    if isinstance(streamlines, np.ndarray):
        shape = streamlines.shape[:2]
        values = values_of_points(model.profiles, data, int(np.prod(shape)))
        columns = [each.reshape(*shape, 1) for each in values]
        return np.concatenate([streamlines, *columns], axis=2, dtype=np.float32)
    points, counts = packed(streamlines)
    values = values_of_points(model.profiles, data, len(points))
    columns = np.column_stack([points, *values]).astype(np.float32)
    return as_sequence(columns, counts)


def as_columns(model, streamlines) -> np.ndarray:
    """Return streamlines as points and values (n, nb_points, 3 + v), float32.

    `streamlines` are as `with_point_values` returns them; values may be NaN.
    """
    if not model.profiles:
        return model.as_points(streamlines)
    if isinstance(streamlines, np.ndarray):
        points = model.as_points(streamlines[..., :3])
        if streamlines.shape[1] == model.nb_points:
            return np.asarray(streamlines, dtype=np.float32)
        nb_streamlines, nb_given, width = streamlines.shape
        columns = streamlines.reshape(-1, width)
        counts = np.full(nb_streamlines, nb_given)
    else:
        columns, counts = packed(streamlines)
        points = model.as_points(as_sequence(columns[:, :3], counts))
    values = resample_values(columns[:, :3], columns[:, 3:], counts, model.nb_points)
    return np.concatenate([points, values.reshape(*points.shape[:2], -1)], axis=2)


def separated(profiles: Profiles, made) -> tuple:
    """Return streamlines and the values along them of those with channels.

    `made` are an array (n, p, 3 + v) or a sequence. Values are (N, 1) by name, within
    the limits of the training.
    """
    if not len(profiles):
        return made, {}
    channels = made if isinstance(made, np.ndarray) else made._data
    values = profiles.values_within_limits(channels)
    data = {name: each.reshape(-1, 1) for name, each in values.items()}
    return coordinates_of(made), data


def decoded_values(
    model, z: np.ndarray, matrix: np.ndarray | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Decode latents to points (n, nb_points, 3) and values (n, nb_points) by name."""
    if not model.profiles:
        return model.coder.decode(z, matrix), {}
    channels = model.coder.decode_channels(z, matrix)
    profiles = model.known_profiles()
    data = profiles.by_name(profiles.values_of(channels))
    return coordinates_of(channels), data


def value_errors(given: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return mean absolute errors (n, v) of values (n, p, v) over known points.

    NaN where a streamline has no known one.
    """
    known = np.isfinite(given)
    errors = np.abs(np.where(known, given, made) - made).sum(axis=1, dtype=float)
    counts = known.sum(axis=1)
    return np.where(counts, errors / np.maximum(counts, 1), np.nan)


def _width_of(streamlines) -> int:
    if isinstance(streamlines, np.ndarray):
        return streamlines.shape[-1]
    return streamlines._data.shape[-1] if len(streamlines) else 3


def columns_of(
    model, bundles, transform: Transform | None = None
) -> Callable[[slice], np.ndarray]:
    """Return what gives points and values (m, nb_points, 3 + v) of a `BundleSet`.

    It is called with a slice of the streamlines, so that few are in memory at once.
    `transform` takes them to the space of the model, where they are in another one.
    """
    values = []
    if model.profiles:
        total = int(np.sum(bundles.streamlines._lengths))
        data = getattr(bundles, "data_per_point", {})
        values = values_of_points(model.profiles, data, total)
    given = bundles.streamlines, model.nb_points, values, transform
    return ResampledPoints(*given).__getitem__
