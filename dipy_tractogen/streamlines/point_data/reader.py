"""Values of points that are loaded with the streamlines of several files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import logging
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.memmap import PointBuffer
from dipy_tractogen.utils.messages import listed, normalized_name

from ..array_sequence import as_sequence, blocks
from ..formats.readers import TractogramContents, read_tractogram
from .maps import MapSampler, maps_of_images
from .values import PointDataBuffer

logger = logging.getLogger("dipy_tractogen")


class PointValueReader:
    """Reads tractograms with values of their points, and joins those of all files.

    Parameters
    ----------
    names : iterable of str
        Values that all files have to have, one number for each point.
    maps : mapping of str to str or Path
        Images of values by name, which are sampled at the points, see `MapSampler`.
        They replace values of the same name in the files.
    keep_data : bool
        Whether other values that files hold are read, too.
    folder : str or Path, optional
        Where values are kept, in files without a name; in memory by default.
    """

    def __init__(
        self,
        names: Iterable[str] = (),
        maps: Mapping[str, str | os.PathLike] | None = None,
        *,
        keep_data: bool = False,
        folder: str | os.PathLike | None = None,
    ):
        maps = {normalized_name(name): each for name, each in (maps or {}).items()}
        self._sampler = MapSampler(maps)
        self._names = [each for each in map(normalized_name, names) if each not in maps]
        self._keep_data = keep_data
        self._folder = folder
        self._buffer = PointDataBuffer(folder)
        self._replaced: dict[str, None] = {}

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

    def add(self, contents: TractogramContents, keep: np.ndarray, path: Path) -> None:
        """Append the values of the streamlines of a file that are kept, (n,) bool.

        Raises ValueError or OSError where an image cannot be sampled.
        """
        lengths = np.asarray(contents.streamlines._lengths, dtype=np.intp)
        for name, values in contents.data_per_point.items():
            if name in self._sampler.names:
                self._replaced[name] = None
                continue
            # Values lie side by side, also where those of points on disk do not.
            chosen = as_sequence(values, lengths)[keep]
            parts = [values] if keep.all() else (part for _, part, _ in blocks(chosen))
            for part in parts:
                self._buffer.append(name, part)
        if self._sampler.names and keep.any():
            for sampled in self._sampler.sample(path, contents.streamlines[keep]):
                for name, part in sampled.items():
                    self._buffer.append(name, part)
        self._buffer.end_file(int(lengths[keep].sum()))

    def finish(self) -> dict[str, np.ndarray]:
        """Return the values of all files by name, and warn of what is missing."""
        if self._replaced:
            logger.warning(
                "The data_per_point %s of the inputs are replaced by those of the "
                "images of the same name",
                listed(self._replaced),
            )
        self._sampler.finish()
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
                f"names of values that it has, or images ({maps_of_images(missing)})"
            )
        for name in self._names:
            if (width := data[name].shape[1]) != 1:
                raise ValueError(
                    f"{path}: data_per_point {name!r} has {width} numbers a point "
                    "where one is needed: write them under a name each"
                )
