"""Reading a TRK block by block.

The header is nibabel's matter. Its reader of the streamlines makes objects of each of
them, which takes ten times as long as the rest of a training's reading.
"""

from __future__ import annotations

from collections.abc import Generator
import mmap
from pathlib import Path
import struct

from nibabel.streamlines import TrkFile
from nibabel.streamlines.trk import (
    decode_value_from_name,
    get_affine_trackvis_to_rasmm,
)
import numpy as np

from .ragged import POINTS_PER_BLOCK

_WORD = 4


def read_trk(path: Path) -> Generator[np.ndarray, None, tuple]:
    """Read a TRK.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    ndarray of shape (k, 3), float32
        Points in RASMM mm, of whole streamlines.

    Returns
    -------
    lengths : ndarray of int, shape (n,)
        Number of points of each streamline.
    data_per_streamline : dict of str to ndarray of shape (n, k)
        Values of each streamline.
    groups : dict
        Empty: the format has none.
    left_out : dict of str to list of str
        Names of the values of points, which are not read.

    Raises
    ------
    ValueError
        If streamlines are missing, or cut short.
    """
    header = TrkFile.load(str(path), lazy_load=True).header
    order = header["endianness"]
    width = 3 + int(header["nb_scalars_per_point"])
    nb_properties = int(header["nb_properties_per_streamline"])
    begin = int(header["_offset_data"])
    to_rasmm = get_affine_trackvis_to_rasmm(header)
    counts, properties = [np.zeros(0, np.intp)], [np.zeros((0, nb_properties), "f4")]
    with path.open("rb") as file, _mapped(file) as contents:
        walk = _walk(contents, header, order, width, nb_properties)
        for starts, sizes in walk:
            first = starts[0]
            last = starts[-1] + sizes[-1] * width + nb_properties
            place = begin + first * _WORD
            words = np.frombuffer(contents, order + "f4", last - first, place)
            starts -= first
            ends = starts + sizes * width
            columns = ends[:, None] + np.arange(nb_properties)
            properties.append(words[columns])
            counts.append(sizes)
            is_point = np.ones(len(words), dtype=bool)
            is_point[starts[1:] - 1] = False
            is_point[columns] = False
            rows = words[is_point].reshape(-1, width)
            del words  # the map cannot be closed while there is an array of it
            if hasattr(mmap, "MADV_DONTNEED"):
                contents.madvise(mmap.MADV_DONTNEED)
            # Products of such thin matrices are no work for the threads of a BLAS.
            points = np.einsum("nk,jk->nj", rows[:, :3], to_rasmm[:3, :3], dtype=float)
            yield (points + to_rasmm[:3, 3]).astype(np.float32)
    lengths = np.concatenate(counts)
    declared = int(header["nb_streamlines"])
    if len(lengths) < declared:
        raise ValueError(f"{len(lengths)} of {declared} streamlines are there")
    scalars = _named(np.zeros((0, width - 3)), header["scalar_name"], "scalars")
    return (
        lengths,
        _named(np.concatenate(properties), header["property_name"], "properties"),
        {},
        {"data_per_point": list(scalars)},
    )


def _mapped(file) -> mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _walk(contents, header, order: str, width: int, nb_properties: int):
    """Give where the points of each streamline begin, in words, and their number.

    Each says where the next one is. The yields are blocks of streamlines.
    """
    count = struct.Struct(order + "i").unpack_from
    begin = int(header["_offset_data"])
    nb_words = (len(contents) - begin) // _WORD
    left = int(header["nb_streamlines"]) or nb_words
    position, nb_points = 0, 0
    starts, sizes = [], []
    while left and position < nb_words:
        (size,) = count(contents, begin + position * _WORD)
        starts.append(position + 1)
        sizes.append(size)
        position += 1 + size * width + nb_properties
        if size < 0 or position > nb_words:
            raise ValueError("a streamline is cut short")
        left -= 1
        nb_points += size
        if nb_points >= POINTS_PER_BLOCK:
            yield np.array(starts), np.array(sizes)
            starts, sizes, nb_points = [], [], 0
    if starts:
        yield np.array(starts), np.array(sizes)


def _named(values: np.ndarray, names: np.ndarray, others: str) -> dict[str, np.ndarray]:
    """Split values by the names in the header; those without one are the others."""
    data, column = {}, 0
    if not values.shape[1]:
        return data
    for text in names:
        name, width = decode_value_from_name(text)
        if width:
            data[name] = values[:, column : column + width]
            column += width
    if column < values.shape[1]:
        data[others] = values[:, column:]
    return data
