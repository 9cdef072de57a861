"""Training data: arguments of a training, and inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import os

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_sequence, take
from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    LENGTH,
    Conditions,
)
from dipy_tractogen.streamlines.conversion import as_streamlines, to_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.orientation import (
    bundle_directions,
    reverse,
    reverse_streamlines,
    stored_reversed,
)
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.streamlines.resampled import BLOCK, PointSummary, ResampledPoints
from dipy_tractogen.utils.memmap import allocate, release_pages
from dipy_tractogen.utils.messages import normalized_name

from ..profiles import values_of_points
from .condition_table import ConditionTable


@dataclass
class TrainingData:
    """Arguments of a training, with the labels, names and values of a `BundleSet`.

    Arrays and names are as `StreamlineModel.fit` takes them; `points` may be a path.
    """

    points: np.ndarray | ArraySequence
    labels: np.ndarray | None = None
    bundle_names: Sequence[str] | None = None
    values: Mapping[str, np.ndarray] | None = None
    units: Mapping[str, str] | None = None
    subjects: np.ndarray | None = None
    data_per_point: Mapping[str, np.ndarray] | None = None

    def __post_init__(self):
        if self.labels is None and isinstance(self.points, (str, os.PathLike)):
            # The file also holds its bundles.
            self.points = load_bundles(self.points)
        if isinstance(self.points, BundleSet) and self.labels is None:
            bundles = self.points
            self.bundle_names = self.bundle_names or bundles.bundle_names
            self.labels = bundles.labels_in(self.bundle_names)
            self.values = {**bundles.values, **(self.values or {})}
            self.units = {**bundles.units, **(self.units or {})}
            own = getattr(bundles, "data_per_point", {})
            self.data_per_point = {**own, **(self.data_per_point or {})}
        self.points = as_streamlines(self.points)
        if not isinstance(self.points, ArraySequence):
            self.points = np.asarray(self.points, dtype=np.float32)
        self.values = dict(self.values or {})
        self.units = dict(self.units or {})

    def resampled(self, nb_points: int, profiles: Sequence[str]) -> ResampledPoints:
        """Return the streamlines with the values of the names in `profiles`."""
        if not profiles:
            return ResampledPoints(self.points, nb_points)
        is_array = isinstance(self.points, np.ndarray)
        lengths = self.points.shape[:2] if is_array else self.points._lengths
        total = int(np.prod(lengths) if is_array else np.sum(lengths))
        values = values_of_points(profiles, self.data_per_point, total)
        return ResampledPoints(self.points, nb_points, values)


class TrainingSet:
    """Training streamlines, all of a bundle in one direction, as a network reads them.

    Points are read a block at a time, once for the directions and once for the
    features; these are all that is kept, in a mapped file in `folder` where they are
    large. A model without conditions gets those of the data. Raises MemmapError if a
    file cannot be made, ValueError if the arrays do not fit together or a bundle has no
    streamline.

    Attributes
    ----------
    labels : ndarray of shape (n,), int32
        Bundle of each streamline, an index into `names`; `counts` are their numbers.
    directions : ndarray
        Direction of each bundle.
    conditions : Conditions
        Conditions of the streamlines; those of the model if it reads some.
    values : dict of str to ndarray of shape (n,)
        Bundle, length and further conditions of each streamline, by name.
    inputs : dict
        Inputs of the model: ``"features"`` in mm, an array; ``"conditions"``, a
        `ConditionTable`; and ``"known"``, shares of the values along the streamlines
        that are known, where some are missing.
    subjects : ndarray of shape (n,) or None
        Subject of each streamline, a whole number, where it is known.
    digest : str
        SHA-256 of the data.
    """

    def __init__(
        self, model, data: TrainingData, folder: str | os.PathLike | None = None
    ):
        self._model = model
        self._folder = folder
        self._given = data.points
        self.subjects = _check_subjects(data)
        self.labels, self.names = _check_bundles(
            data.points, data.labels, data.bundle_names, model.nb_points
        )
        self.counts = np.bincount(self.labels, minlength=len(self.names))
        if not self.counts.all():
            raise ValueError(
                f"bundle_names hold {self.names[int(np.argmin(self.counts))]}, which "
                "has no training streamline: leave it out."
            )
        self._points = data.resampled(model.nb_points, model.profiles)
        survey = self._survey(self._points, data.values)
        self.directions = bundle_directions(survey.odd, self.labels, len(self.names))
        self._backwards = stored_reversed(survey.odd, self.labels, self.directions)
        self._set_profiles(survey)
        self.values = self._all_values(survey, self.labels, data.values)
        self.conditions = Conditions.of(
            self.values, categories={BUNDLE: self.names}, units=data.units
        )
        if model.reads_conditions or model.conditions is not None:
            model.condition_on(self.conditions)
            self.conditions = model.conditions
        self.inputs = self._inputs(self._points, self._backwards)
        table = ConditionTable(self.conditions, self.values)
        if model.reads_conditions:
            self.inputs["conditions"] = table
        table.add_to(survey.digest)
        self.digest = survey.digest.hexdigest()

    def points(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return points (m, nb_points, 3) in mm of some streamlines, oriented."""
        rows = np.arange(len(self.labels))[rows]
        points = np.empty((len(rows), self._model.nb_points, 3), dtype=np.float32)
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            block = reverse(self._points[some][..., :3], self._backwards[some])
            points[start : start + BLOCK] = block
        return points

    def streamlines(self, rows: np.ndarray) -> ArraySequence:
        """Return streamlines (m,) with the points that they have, oriented."""
        return reverse_streamlines(
            take(to_sequence(self._given), rows), self._backwards[rows]
        )

    def channels_of_values(self, rows: np.ndarray) -> np.ndarray:
        """Return channels (N, v) of the values of the points of `streamlines`.

        They are NaN where a value is missing.
        """
        values = self._points.values_of(rows)
        if isinstance(self._given, np.ndarray):
            counts = np.full(len(rows), self._given.shape[1])
        else:
            counts = np.asarray(self._given._lengths)[rows]
        oriented = reverse_streamlines(
            as_sequence(values, counts), self._backwards[rows]
        )
        return self._model.known_profiles().scaled(oriented._data)

    def held_out(self, data: TrainingData) -> HeldOutSet:
        """Prepare held-out streamlines, with labels if there are several bundles."""
        if data.labels is None and len(self.names) > 1:
            raise ValueError(
                "held_out_labels is missing: give the bundle of each held-out "
                "streamline, as labels do for points."
            )
        labels, _ = _check_bundles(
            data.points, data.labels, self.names, self._model.nb_points
        )
        points = data.resampled(self._model.nb_points, self._model.profiles)
        survey = self._survey(points, data.values)
        backwards = stored_reversed(survey.odd, labels, self.directions)
        values = self._all_values(survey, labels, data.values)
        inputs = self._inputs(points, backwards)
        survey.digest.update(labels.data)
        if self._model.reads_conditions:
            inputs["conditions"] = ConditionTable(self.conditions, values)
            inputs["conditions"].add_to(survey.digest)
        return HeldOutSet(points, values, inputs, survey.digest.hexdigest())

    def covering_grid(self) -> dict:
        """Return the header of a grid that covers the streamlines."""
        return Reference.covering(self._given).to_dict()

    def length_ranges(self) -> list[list[float]]:
        """Return the shortest and the longest streamline of each bundle, in mm."""
        size = self.values[LENGTH]
        by_bundle = [size[self.labels == label] for label in range(len(self.names))]
        return [[float(part.min()), float(part.max())] for part in by_bundle]

    def _survey(self, points: ResampledPoints, values: dict) -> PointSummary:
        names = [LENGTH, *values, *self._model.needed_conditions]
        return PointSummary(points, names, self._model.profiles)

    def _set_profiles(self, survey: PointSummary) -> None:
        """Give the model what is known of its values: it keeps those it has."""
        model = self._model
        if not model.profiles:
            return
        if model.record.profiles:
            model.set_profiles(model.known_profiles())
            return
        given = model.profile_sigmas, model.sigma_mm
        model.set_profiles(survey.profiles.profiles(*given))

    def _all_values(self, survey, labels, values: dict) -> dict[str, np.ndarray]:
        given = {
            name: each for name, each in values.items() if name not in (BUNDLE, LENGTH)
        }
        for name, each in given.items():
            if name not in COMPUTED and np.shape(each) != labels.shape:
                raise ValueError(
                    f"The values of {name} have shape {np.shape(each)}; expected "
                    f"({len(labels)},), one for each streamline."
                )
        return {BUNDLE: np.array(self.names)[labels], **given, **survey.values}

    def _inputs(self, points: ResampledPoints, backwards: np.ndarray) -> dict:
        model, backbone = self._model, self._model.backbone
        profiles = model.known_profiles()
        features = allocate((len(points), *backbone.feature_shape), self._folder)
        inputs = {"features": features}
        shape = (len(points), backbone.feature_shape[0], len(profiles))
        for rows, block in points.blocks():
            block = reverse(block, backwards[rows])
            features[rows] = backbone.analyse(profiles.channels(block))
            release_pages(features)
            missing = ~np.isfinite(block[..., 3:])
            if missing.any() and "known" not in inputs:
                inputs["known"] = allocate(shape, self._folder)
                inputs["known"][: rows.start] = 1
            if "known" in inputs:
                inputs["known"][rows] = _shares_at_nodes(~missing, shape[1])
                release_pages(inputs["known"])
        return inputs


@dataclass
class HeldOutSet:
    """Held-out streamlines: points as given; others as of `TrainingSet`."""

    points: ResampledPoints
    values: dict[str, np.ndarray]
    inputs: dict
    digest: str


def _check_subjects(data: TrainingData) -> np.ndarray | None:
    """Return subjects as whole numbers, one for each streamline."""
    if data.subjects is None:
        return None
    if np.shape(data.subjects) != (len(data.points),):
        raise ValueError(
            f"subjects have shape {np.shape(data.subjects)}; expected "
            f"({len(data.points)},), one for each streamline."
        )
    return np.unique(data.subjects, return_inverse=True)[1].reshape(-1)


def _shares_at_nodes(known: np.ndarray, nb_nodes: int) -> np.ndarray:
    """Return the share (n, nb_nodes, v) of the known points (n, p, v) of each node."""
    nb_points = known.shape[1]
    nodes = np.arange(nb_points) * nb_nodes // nb_points
    starts = np.searchsorted(nodes, np.arange(nb_nodes))
    sums = np.add.reduceat(known, starts, axis=1, dtype=np.float32)
    return sums / np.bincount(nodes)[:, None].astype(np.float32)


def _check_bundles(
    points: np.ndarray | ArraySequence,
    labels: np.ndarray | None,
    bundle_names: Sequence[str] | None,
    nb_points: int,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels, zeros by default, and names, made up by default, that fit."""
    if isinstance(points, ArraySequence):
        if not len(points):
            raise ValueError("points hold no streamline: give one at least.")
    elif points.ndim != 3 or points.shape[1:] != (nb_points, 3) or not len(points):
        raise ValueError(
            f"points have shape {points.shape}; expected (n, {nb_points}, 3) with n "
            ">= 1: resample streamlines with dipy_tractogen.streamlines.geometry."
        )
    labels = np.zeros(len(points)) if labels is None else np.asarray(labels)
    if labels.shape != (len(points),):
        raise ValueError(
            f"labels have shape {labels.shape}; expected ({len(points)},), one index "
            "a streamline."
        )
    is_number = labels.dtype.kind in "biuf"
    if not is_number or (labels < 0).any() or (labels % 1 != 0).any():
        raise ValueError(
            f"labels hold {labels[0]!s} and others: give whole numbers from 0, "
            "indices into bundle_names."
        )
    labels = labels.astype(np.int32)
    if bundle_names is None:
        bundle_names = [f"bundle_{label}" for label in range(labels.max() + 1)]
    if labels.max() >= len(bundle_names):
        raise ValueError(
            f"labels go up to {labels.max()}, but there are {len(bundle_names)} "
            "bundle_names: give one name for each."
        )
    names = tuple(map(normalized_name, bundle_names))
    if len(set(names)) < len(names):
        raise ValueError(f"bundle_names={names}: give each name once.")
    return labels, names
