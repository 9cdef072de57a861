"""What a training is given: streamlines and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_streamlines
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.streamlines.dataset import BundleSet


@dataclass
class TrainingData:
    """Streamlines and what is known of them.

    Attributes
    ----------
    points : ndarray of shape (n, nb_points, 3), float32, or ArraySequence
        Streamlines in RASMM mm, in either direction. Those of a sequence are resampled
        to the points of the model, a block at a time.
    labels : ndarray of shape (n,), or None
        Bundle of each, an index into `bundle_names`; one bundle without it.
    bundle_names : sequence of str, or None
        Names of the bundles; ``bundle_0`` and so on without it.
    values : mapping of str to ndarray of shape (n,), or None
        Further conditions of each, by name: text or numbers.
    units : mapping of str to str, or None
        Units of the numbers.
    """

    points: np.ndarray | ArraySequence
    labels: np.ndarray | None = None
    bundle_names: Sequence[str] | None = None
    values: Mapping[str, np.ndarray] | None = None
    units: Mapping[str, str] | None = None

    def __post_init__(self):
        if isinstance(self.points, BundleSet) and self.labels is None:
            bundles = self.points
            self.bundle_names = self.bundle_names or bundles.bundle_names
            self.labels = bundles.labels_in(self.bundle_names)
            self.values = {**bundles.values, **(self.values or {})}
            self.units = {**bundles.units, **(self.units or {})}
        self.points = as_streamlines(self.points)
        if not isinstance(self.points, ArraySequence):
            self.points = np.asarray(self.points, dtype=np.float32)
        self.values = dict(self.values or {})
        self.units = dict(self.units or {})


class ConditionTable:
    """What networks read of the conditions of many streamlines, made when asked for.

    A one for each category takes far more memory than its number.

    Parameters
    ----------
    conditions : Conditions
        What is known of the streamlines.
    values : mapping of str to ndarray of shape (n,)
        Text or numbers by the name of the condition.

    Raises
    ------
    ValueError
        If a condition is missing, a category unknown or a number not finite.
    """

    def __init__(self, conditions: Conditions, values: Mapping[str, np.ndarray]):
        self._conditions = conditions
        self._codes = conditions.codes(values)
        self._numbers = conditions.standardised(values)

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return the conditions of some streamlines, (m, width), float32."""
        return self._conditions.matrix(self._codes[rows], self._numbers[rows])

    def add_to(self, digest) -> None:
        """Add the conditions of all streamlines to a digest of `hashlib`."""
        digest.update(np.ascontiguousarray(self._codes).data)
        digest.update(np.ascontiguousarray(self._numbers).data)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of streamlines and columns."""
        return len(self), self._conditions.width

    @property
    def nbytes(self) -> int:
        """Bytes that all rows would take."""
        return 4 * len(self) * self._conditions.width
