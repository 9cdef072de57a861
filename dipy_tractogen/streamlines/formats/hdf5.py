"""Arrays of HDF5 files that are others': only what lies in the file itself is read."""

from __future__ import annotations

import math
from pathlib import Path

import h5py

from dipy_tractogen.utils.memmap import check_inflated


def own_array(file: h5py.File, place: str, kinds: str, path: Path) -> h5py.Dataset:
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
    check_inflated(size * found.dtype.itemsize, path.stat().st_size)
    return found
