"""Streamlines as a model reads them: oriented, with their conditions."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib

import numpy as np

from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    LENGTH,
    Conditions,
    computed_values,
)
from dipy_tractogen.streamlines.orientation import bundle_directions, orient

from .checks import check_bundles
from .data import TrainingData


class OrientedBundles:
    """Streamlines that run as their bundles do, and what the network reads of them.

    Parameters
    ----------
    model : StreamlineModel
        The model. One that has no conditions yet gets those of the data.
    data : TrainingData
        The training streamlines.

    Attributes
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Streamlines in RASMM mm, all of a bundle in one direction.
    labels : ndarray of shape (n,), int32
        Bundle of each streamline.
    names : tuple of str
        Names of the bundles.
    counts : ndarray of int
        Streamlines of each bundle.
    directions : ndarray
        Direction of each bundle.
    conditions : Conditions
        What is known of the streamlines; those of the model if it reads some.
    values : dict of str to ndarray of shape (n,)
        Bundle, length and further conditions of each streamline, by name.
    inputs : dict of str to ndarray
        What the model reads: ``"features"`` in mm, and ``"conditions"``.
    digest : str
        SHA-256 of what was given.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or a bundle has no streamline.
    """

    def __init__(self, model, data: TrainingData):
        self._model = model
        self.labels, self.names = check_bundles(
            data.points, data.labels, data.bundle_names, model.nb_points
        )
        self.counts = np.bincount(self.labels, minlength=len(self.names))
        if not self.counts.all():
            raise ValueError(
                f"bundle_names hold {self.names[int(np.argmin(self.counts))]}, which "
                "has no training streamline: leave it out."
            )
        self.directions = bundle_directions(data.points, self.labels, len(self.names))
        self.points = orient(data.points, self.labels, self.directions)
        self.values = self._all_values(data.points, self.labels, data.values)
        self.conditions = Conditions.of(
            self.values, categories={BUNDLE: self.names}, units=data.units
        )
        if model.reads_conditions or model.conditions is not None:
            model.condition_on(self.conditions)
            self.conditions = model.conditions
        self.inputs = self._inputs(self.points, self.values)
        numbers = self.conditions.standardised(self.values)
        codes = self.conditions.codes(self.values)
        self.digest = digest(data.points, codes, numbers)

    def held_out(self, data: TrainingData) -> HeldOut:
        """Prepare streamlines of the same bundles that are not trained on.

        Parameters
        ----------
        data : TrainingData
            The streamlines; labels are needed where there is more than one bundle.

        Returns
        -------
        HeldOut
            What is read of them.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        if data.labels is None and len(self.names) > 1:
            raise ValueError(
                "held_out_labels is missing: give the bundle of each held-out "
                "streamline, as labels do for points."
            )
        labels, _ = check_bundles(
            data.points, data.labels, self.names, self._model.nb_points
        )
        values = self._all_values(data.points, labels, data.values)
        points = orient(data.points, labels, self.directions)
        inputs = self._inputs(points, values)
        return HeldOut(
            data.points,
            values,
            inputs,
            digest(data.points, labels, inputs.get("conditions")),
        )

    def length_ranges(self) -> list[list[float]]:
        """Give the shortest and the longest streamline of each bundle, in mm."""
        size = self.values[LENGTH]
        by_bundle = [size[self.labels == label] for label in range(len(self.names))]
        return [[float(part.min()), float(part.max())] for part in by_bundle]

    def _all_values(self, points, labels, values: dict) -> dict[str, np.ndarray]:
        given = {
            name: each for name, each in values.items() if name not in (BUNDLE, LENGTH)
        }
        for name, each in given.items():
            if name not in COMPUTED and np.shape(each) != (len(points),):
                raise ValueError(
                    f"The values of {name} have shape {np.shape(each)}; expected "
                    f"({len(points)},), one for each streamline."
                )
        computed = [LENGTH, *given, *self._model.needed_conditions]
        return {
            BUNDLE: np.array(self.names)[labels],
            **given,
            **computed_values(points, computed),
        }

    def _inputs(self, points, values) -> dict[str, np.ndarray]:
        inputs = {"features": self._model.backbone.analyse(points)}
        if self._model.reads_conditions:
            inputs["conditions"] = self.conditions.encode(values)
        return inputs


@dataclass
class HeldOut:
    """Streamlines that are not trained on.

    Attributes
    ----------
    points : ndarray of shape (m, nb_points, 3)
        Streamlines in RASMM mm, as they were given.
    values : dict of str to ndarray of shape (m,)
        Their conditions, by name.
    inputs : dict of str to ndarray
        What the model reads of them.
    digest : str
        SHA-256 of what was given.
    """

    points: np.ndarray
    values: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    digest: str


def digest(*arrays: np.ndarray | None) -> str:
    """Give the SHA-256 of arrays, one after the other.

    Parameters
    ----------
    *arrays : ndarray or None
        The arrays; None counts as none.

    Returns
    -------
    str
        In hexadecimal.
    """
    result = hashlib.sha256()
    for array in arrays:
        if array is not None:
            result.update(np.ascontiguousarray(array).data)
    return result.hexdigest()
