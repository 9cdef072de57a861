"""Table of conditions as networks read them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions


class ConditionTable:
    """Table of the conditions of many streamlines as networks read them, made by parts.

    One-hot categories take far more memory than their codes. Raises ValueError if a
    condition is missing, a category unknown or a number not finite.
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
