"""The DPY of DIPY: all points in one array of HDF5, and where each streamline ends.

DIPY's reader makes an object of each streamline. Its writer lays the points out in
pieces of a kilobyte or two, which takes twenty times as long as one whole array.
"""

from __future__ import annotations

from collections.abc import Generator
import io
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from ..array_sequence import POINTS_PER_BLOCK, lengths_between

_TRACKS, _OFFSETS = "streamlines/tracks", "streamlines/offsets"


def read_dpy(path: Path) -> Generator[np.ndarray, None, tuple]:
    """Read a DPY as `read_trx` does a TRX; it has neither values nor groups."""
    import h5py

    from .hdf5 import own_array

    with h5py.File(path, "r") as file:
        tracks = own_array(file, _TRACKS, "f", path)
        offsets = own_array(file, _OFFSETS, "iu", path)
        if tracks.ndim != 2 or tracks.shape[1] != 3 or offsets.ndim != 1:
            raise ValueError(
                f"its tracks have the shape {tracks.shape}, its offsets {offsets.shape}"
            )
        lengths = lengths_between(offsets[:], len(tracks))
        for start in range(0, len(tracks), POINTS_PER_BLOCK):
            yield tracks[start : start + POINTS_PER_BLOCK].astype(np.float32)
        return lengths, {}, {}


def save_dpy(path: Path, streamlines: ArraySequence) -> None:
    """Write streamlines that lie side by side (RASMM, mm) as a DPY."""
    import h5py

    # HDF5 ends the process where it closes a file on a full disk.
    contents = io.BytesIO()
    with h5py.File(contents, "w") as file:
        file.attrs["version"] = "0.0.1"
        file.create_dataset(_TRACKS, data=streamlines._data, dtype="f4")
        ends = np.append(0, np.cumsum(streamlines._lengths))
        file.create_dataset(_OFFSETS, data=ends, dtype="i8")
    path.write_bytes(contents.getvalue())
