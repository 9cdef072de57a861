"""Large arrays in unnamed files that are mapped into memory.

Such a file is gone when the process ends, even if it is killed. Its pages are a cache
of the system that does not count as memory of the process.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
import tempfile
from weakref import WeakKeyDictionary, finalize

import numpy as np

from .disk import DiskError
from .messages import reason

LARGE = 2**27
"""Bytes from which an array is kept in a file: those of 466,000 streamlines as 24
cosine coefficients an axis."""


# Largest size of an unpacked file. Equal values shrink by a thousand, but points, most
# of a tractogram, by two or three.
_INFLATED_BYTES, _INFLATED_TIMES = 2**26, 100


# Folders of the maps of unnamed files.
_FOLDERS: WeakKeyDictionary[mmap.mmap, Path] = WeakKeyDictionary()


class MemmapError(DiskError):
    """A file for a large array cannot be written."""


class PointBuffer:
    """Points that are appended block by block, in memory, or in a file in `folder`.

    A point has `width` numbers: three coordinates, or values of another number.
    """

    def __init__(self, folder: str | os.PathLike | None = None, width: int = 3):
        self._folder = folder
        self.width = width
        self._blocks: list[np.ndarray] = []
        self._nb_points = 0
        self._file = None if folder is None else _unnamed_file(folder)
        if self._file is not None:
            # A map keeps the file.
            finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._nb_points

    def append(self, points: np.ndarray) -> None:
        """Append points (k, width), float32.

        Raises MemmapError if the file cannot be written.
        """
        self._nb_points += len(points)
        if self._file is None:
            self._blocks.append(points)
            return
        try:
            self._file.write(np.ascontiguousarray(points).data)
            self._file.flush()
        except OSError as error:
            raise _store_error(self._folder, error) from error

    def since(self, first: int) -> np.ndarray:
        """Return the points from `first` on, (k, width); mapped if in a file."""
        shape = (self._nb_points - first, self.width)
        if not shape[0]:
            return np.empty(shape, dtype=np.float32)
        if self._file is not None:
            offset = first * self.width * np.dtype(np.float32).itemsize
            # Writable: some compiled functions of DIPY refuse others.
            mapped = np.memmap(self._file, np.float32, "r+", offset, shape)
            return _noted(mapped, self._folder)
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return self._blocks[0][first:]


def allocate(
    shape: tuple[int, ...], folder: str | os.PathLike | None = None
) -> np.ndarray:
    """Return an empty float32 array, in a file of `folder` where it is `LARGE`."""
    size = int(np.prod(shape)) * np.dtype(np.float32).itemsize
    if size <= LARGE:
        return np.empty(shape, dtype=np.float32)
    file = _unnamed_file(folder)
    try:
        # Writing to a map of a full disk would end the process later.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise _store_error(folder, error) from error
    with file:
        return _noted(np.memmap(file, np.float32, "w+", shape=shape), folder)


def allocate_beside(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return an empty float32 array: where `array` is mapped, in a file beside it."""
    mapped = _map_of(array)
    if mapped is None:
        return np.empty(shape, dtype=np.float32)
    return allocate(shape, _FOLDERS.get(mapped))


def _noted(array: np.memmap, folder: str | os.PathLike | None) -> np.memmap:
    """Keep in mind the folder of a mapped array; return the array."""
    if folder is not None:
        _FOLDERS[_map_of(array)] = Path(folder)
    return array


def _map_of(array: np.ndarray) -> mmap.mmap | None:
    """Return the map that an array is a view of, if there is one."""
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def map_file(path: Path) -> mmap.mmap:
    """Return the bytes of a file that is not empty as a read-only map."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def check_unpacked_size(nb_bytes: int, file_size: int) -> None:
    """Raise ValueError if a packed file declares far more bytes than it can hold."""
    if nb_bytes > _INFLATED_BYTES + _INFLATED_TIMES * file_size:
        raise ValueError(f"it announces {nb_bytes} bytes, far more than the file holds")


def release_pages(array: np.ndarray) -> None:
    """Let the system drop the pages that were read of an array, if it is mapped."""
    # Changes of a private map would be lost.
    if not isinstance(array, np.memmap) or array.mode not in ("r", "r+", "w+"):
        return
    base = _map_of(array)
    if base is not None and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _unnamed_file(folder: str | os.PathLike | None):
    try:
        if folder is not None:
            os.makedirs(folder, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise _store_error(folder, error) from error


def _store_error(folder: str | os.PathLike | None, error: OSError) -> MemmapError:
    where = tempfile.gettempdir() if folder is None else folder
    return MemmapError(
        f"streamlines cannot be kept in {where} ({reason(error)}): give a folder on a "
        "disk with room for all input files"
    )
