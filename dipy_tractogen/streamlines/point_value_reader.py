"""Values of points that are loaded with the streamlines of several files."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.memmap import PointBuffer
from dipy_tractogen.utils.messages import listed

from .array_sequence import as_sequence
from .formats.readers import TractogramContents, read_tractogram
from .point_values import PointData, PointDataBuffer


class PointValueReader:
    """Reads tractograms with values of their points, and joins those of all files.

    Parameters
    ----------
    names : iterable of str
        Values that all files have to have, one number for each point.
    keep_data : bool
        Whether other values that files hold are read, too.
    folder : str or Path, optional
        Where values are kept, in files without a name; in memory by default.
    """

    def __init__(
        self,
        names: Iterable[str] = (),
        *,
        keep_data: bool = False,
        folder: str | os.PathLike | None = None,
    ):
        self._names = list(dict.fromkeys(names))
        self._keep_data = keep_data
        self._folder = folder
        self._buffer = PointDataBuffer(folder)

    def read(self, path: Path, points: PointBuffer | None) -> TractogramContents:
        """Read a file; ValueError if it lacks a value that is needed."""
        contents = read_tractogram(
            path,
            points,
            values=None if self._keep_data else self._names,
            folder=self._folder,
        )
        if len(contents.streamlines):
            self._check(contents, path)
        return contents

    def add(self, contents: TractogramContents, keep: np.ndarray) -> None:
        """Append the values of the streamlines of a file that are kept, (n,) bool."""
        lengths = np.asarray(contents.streamlines._lengths, dtype=np.intp)
        # Values lie side by side from their own first one on.
        kept = None if keep.all() else as_sequence(np.empty((0, 1)), lengths)[keep]
        self._buffer.append(contents.data_per_point, int(lengths[keep].sum()), kept)

    def finish(self) -> PointData:
        """Return the values of all files by name."""
        return self._buffer.finish()

    def _check(self, contents: TractogramContents, path: Path) -> None:
        """Raise ValueError if a value is missing, or is not one number a point."""
        data = contents.data_per_point
        missing = [name for name in self._names if name not in data]
        if missing:
            known = sorted({*data, *contents.left_out.get("data_per_point", ())})
            has = f"it has {listed(known)}" if known else "it has none"
            raise ValueError(
                f"{path} has no data_per_point {listed(missing)} ({has}): give the "
                "names of values that it has, or the images to sample"
            )
        for name in self._names:
            if (width := data[name].shape[1]) != 1:
                raise ValueError(
                    f"{path}: data_per_point {name!r} has {width} numbers a point "
                    "where one is needed: write them under a name each"
                )
