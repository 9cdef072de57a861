"""Transforms of points from one space to another, both in RASMM (mm)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.memmap import allocate

from ..affine import check_affine
from ..array_sequence import as_sequence, blocks
from ..conversion import to_sequence


class Transform(ABC):
    """A map of points of one space to those of another, which has an inverse."""

    @abstractmethod
    def apply_to_points(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 3) in the other space, float64, in RASMM mm."""

    @abstractmethod
    def inverse(self) -> Transform:
        """Return the transform that brings the points back."""

    @abstractmethod
    def to_dict(self) -> dict:
        """Return what the transform is as plain values, for a record."""

    def apply(self, streamlines: ArraySequence | np.ndarray) -> ArraySequence:
        """Return a copy of streamlines in the other space.

        It is computed in float64, in blocks: of a tractogram in a mapped file, little
        is in memory at a time.

        Parameters
        ----------
        streamlines : ArraySequence or ndarray of shape (n, nb_points, 3)
            Streamlines (RASMM, mm).

        Returns
        -------
        ArraySequence
            The n streamlines side by side, float32, in mm.
        """
        streamlines = to_sequence(streamlines)
        lengths = np.array(streamlines._lengths, dtype=np.intp)
        moved = allocate((int(lengths.sum()), 3))
        filled = 0
        for _, points, _ in blocks(streamlines):
            moved[filled : filled + len(points)] = self.apply_to_points(points)
            filled += len(points)
        return as_sequence(moved, lengths)

    def then(self, other: Transform) -> Transform:
        """Return the transform that is this one and after it another."""
        return ChainedTransform((*self._steps(), *other._steps()))

    def _steps(self) -> tuple[Transform, ...]:
        return (self,)


@dataclass(frozen=True, eq=False)
class AffineTransform(Transform):
    """An affine transform.

    Parameters
    ----------
    matrix : ndarray of shape (4, 4)
        From RASMM to RASMM (mm), for columns of three coordinates and a one.
    source : dict, optional
        Where it comes from, as plain values for the record.

    Raises
    ------
    ValueError
        If the matrix is not finite, its last row is not 0 0 0 1, or it has no inverse.
    """

    matrix: np.ndarray
    source: dict = field(default_factory=dict)

    def __post_init__(self):
        matrix = np.array(self.matrix, dtype=np.float64)
        check_affine(matrix, "the matrix")
        if not np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-6):
            row = " ".join(f"{each:g}" for each in matrix[3])
            raise ValueError(f"the last row of the matrix is {row}, and not 0 0 0 1")
        matrix[3] = 0, 0, 0, 1
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    def apply_to_points(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 3) after the transform, float64, in mm."""
        points = np.asarray(points, dtype=np.float64)
        moved = np.empty_like(points)
        # Axis by axis: a product of matrices is slower.
        with np.errstate(invalid="ignore"):  # infinity times zero
            for axis, (a, b, c, d) in enumerate(self.matrix[:3]):
                moved[..., axis] = (
                    a * points[..., 0] + b * points[..., 1] + c * points[..., 2] + d
                )
        return moved

    def inverse(self) -> AffineTransform:
        """Return the inverse, which is exact to the last digits of float64."""
        source = {**self.source, "inverted": not self.source.get("inverted", False)}
        return AffineTransform(np.linalg.inv(self.matrix), source)

    def to_dict(self) -> dict:
        """Return ``kind``, ``matrix`` and where it comes from."""
        return {"kind": "affine", "matrix": self.matrix.tolist(), **self.source}


@dataclass(frozen=True, eq=False)
class ChainedTransform(Transform):
    """Transforms one after the other; `Transform.then` makes one."""

    steps: tuple[Transform, ...]

    def apply_to_points(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 3) after all transforms, float64, in mm."""
        for step in self.steps:
            points = step.apply_to_points(points)
        return points

    def inverse(self) -> ChainedTransform:
        """Return the inverses in the other order."""
        return ChainedTransform(tuple(each.inverse() for each in self.steps[::-1]))

    def to_dict(self) -> dict:
        """Return ``kind`` and ``steps``, those of each transform."""
        steps = [each.to_dict() for each in self.steps]
        return {"kind": "chain", "steps": steps}

    def _steps(self) -> tuple[Transform, ...]:
        return self.steps
