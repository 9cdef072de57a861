"""DPY files of DIPY, and arrays of other HDF5 files, of which links are not followed.

DIPY's reader makes an object of each streamline. Its writer lays the points out in
pieces of a kilobyte or two, which takes twenty times as long as one whole array.
"""

from __future__ import annotations

from collections.abc import Generator
import io
import math
from pathlib import Path

import h5py
from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.memmap import check_unpacked_size

from ..array_sequence import POINTS_PER_BLOCK, lengths_between


def hdf5_array(file: h5py.File, place: str, kinds: str, path: Path) -> h5py.Dataset:
    """Return an array of an open HDF5 file, not yet read.

    `place` is its name with slashes, `kinds` the kinds of dtype that are accepted.
    Raises ValueError if it is not in the file itself, as a link could lead to any other
    file, or if it declares far more than the file can hold.
    """
    found = file
    for part in place.split("/"):
        link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"it has no {place} of its own")
        found = found[part]
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise ValueError(f"its {place} is no array")
    if found.is_virtual or found.external:
        raise ValueError(f"its {place} is in another file")
    if found.dtype.kind not in kinds:
        raise ValueError(f"its {place} holds {found.dtype}, and not numbers")
    size = max(math.prod(found.shape), math.prod(found.chunks or ()))
    check_unpacked_size(size * found.dtype.itemsize, path.stat().st_size)
    return found


_TRACKS, _OFFSETS = "streamlines/tracks", "streamlines/offsets"


def read_dpy(path: Path, wanted) -> Generator[tuple, None, tuple]:
    """Read a DPY as `read_trx` does a TRX; it has neither values nor groups."""
    with h5py.File(path, "r") as file:
        tracks = hdf5_array(file, _TRACKS, "f", path)
        offsets = hdf5_array(file, _OFFSETS, "iu", path)
        if tracks.ndim != 2 or tracks.shape[1] != 3 or offsets.ndim != 1:
            raise ValueError(
                f"its tracks have the shape {tracks.shape}, its offsets {offsets.shape}"
            )
        lengths = lengths_between(offsets[:], len(tracks))
        for start in range(0, len(tracks), POINTS_PER_BLOCK):
            yield tracks[start : start + POINTS_PER_BLOCK].astype(np.float32), {}
        return lengths, {}, {}


def save_dpy(path: Path, streamlines: ArraySequence) -> None:
    """Write streamlines that lie side by side (RASMM, mm) as a DPY."""
    # HDF5 ends the process where it closes a file on a full disk.
    contents = io.BytesIO()
    with h5py.File(contents, "w") as file:
        file.attrs["version"] = "0.0.1"
        file.create_dataset(_TRACKS, data=streamlines._data, dtype="f4")
        ends = np.append(0, np.cumsum(streamlines._lengths))
        file.create_dataset(_OFFSETS, data=ends, dtype="i8")
    path.write_bytes(contents.getvalue())
