"""What a training is given: streamlines and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass
class TrainingData:
    """Streamlines and what is known of them.

    Attributes
    ----------
    points : ndarray of shape (n, nb_points, 3), float32
        Streamlines in RASMM mm, in either direction.
    labels : ndarray of shape (n,), or None
        Bundle of each, an index into `bundle_names`; one bundle without it.
    bundle_names : sequence of str, or None
        Names of the bundles; ``bundle_0`` and so on without it.
    values : mapping of str to ndarray of shape (n,), or None
        Further conditions of each, by name: text or numbers.
    units : mapping of str to str, or None
        Units of the numbers.
    """

    points: np.ndarray
    labels: np.ndarray | None = None
    bundle_names: Sequence[str] | None = None
    values: Mapping[str, np.ndarray] | None = None
    units: Mapping[str, str] | None = None

    def __post_init__(self):
        self.points = np.asarray(self.points, dtype=np.float32)
        self.values = dict(self.values or {})
        self.units = dict(self.units or {})
