"""Reader of a TRK block by block.

nibabel's reader makes objects of each streamline, which takes ten times as long as all
else that a training reads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
import logging
import mmap
from pathlib import Path
import struct

from nibabel.streamlines.trk import get_affine_trackvis_to_rasmm
from nibabel.streamlines.trk import header_2_dtype as _DTYPE
import numpy as np

from dipy_tractogen.utils.memmap import map_file

from ..affine import axis_codes, check_affine, transform_points, voxel_order
from ..array_sequence import POINTS_PER_BLOCK

logger = logging.getLogger("dipy_tractogen")

_WORD = 4


def read_trk(path: Path, wanted: Callable) -> Generator[tuple, None, tuple]:
    """Read a TRK as `read_trx` does a TRX; it has no groups."""
    header = _read_header(path)
    order = header["endianness"]
    width = 3 + int(header["nb_scalars_per_point"])
    nb_properties = int(header["nb_properties_per_streamline"])
    begin = int(header["_offset_data"])
    to_rasmm = get_affine_trackvis_to_rasmm(header)
    counts, properties = [np.zeros(0, np.intp)], [np.zeros((0, nb_properties), "f4")]
    contents = map_file(path)
    for starts, sizes in _walk(contents, header, order, width, nb_properties):
        first = starts[0]
        last = starts[-1] + sizes[-1] * width + nb_properties
        place = begin + first * _WORD
        words = np.frombuffer(contents, order + "f4", last - first, place)
        starts -= first
        ends = starts + sizes * width
        columns = ends[:, None] + np.arange(nb_properties)
        properties.append(words[columns].astype(np.float32))
        counts.append(sizes)
        is_point = np.ones(len(words), dtype=bool)
        is_point[starts[1:] - 1] = False
        is_point[columns] = False
        rows = words[is_point].reshape(-1, width)
        if hasattr(mmap, "MADV_DONTNEED"):
            contents.madvise(mmap.MADV_DONTNEED)
        scalars = _named(rows[:, 3:], header["scalar_name"], "scalars")
        yield (
            transform_points(rows[:, :3], to_rasmm),
            {name: each for name, each in scalars.items() if wanted(name)},
        )
    lengths = np.concatenate(counts)
    declared = int(header["nb_streamlines"])
    if len(lengths) < declared:
        raise ValueError(f"{len(lengths)} of {declared} streamlines are there")
    nb_words = len(lengths) * (1 + nb_properties) + width * int(lengths.sum())
    beyond = path.stat().st_size - begin - _WORD * nb_words
    if beyond > 0:
        logger.warning(
            "%s: its header says %d streamlines, and %d bytes come after them, which "
            "are not read",
            path,
            declared,
            beyond,
        )
    scalars = _named(np.zeros((0, width - 3)), header["scalar_name"], "scalars")
    return (
        lengths,
        _named(np.concatenate(properties), header["property_name"], "properties"),
        {},
        {"data_per_point": [name for name in scalars if not wanted(name)]},
    )


def _walk(contents, header, order: str, width: int, nb_properties: int):
    """Return where the points of each streamline begin, in words, and their number.

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
        nb_points += size + 1  # there may be many without points
        if nb_points >= POINTS_PER_BLOCK:
            yield np.array(starts), np.array(sizes)
            starts, sizes, nb_points = [], [], 0
    if starts:
        yield np.array(starts), np.array(sizes)


def _named(values: np.ndarray, names: np.ndarray, others: str) -> dict[str, np.ndarray]:
    """Return values by the names in the header; the rest is named `others`."""
    data, column = {}, 0
    for text in names:
        # A number of values may follow the name, or remains of older contents.
        name, _, width = text.partition(b"\0")
        width = int(width) if width.isdigit() else bool(name)
        width = min(width, values.shape[1] - column)
        if width > 0:
            free = _free(name.decode("latin-1"), data)
            data[free] = values[:, column : column + width]
            column += width
    if column < values.shape[1]:
        data[_free(others, data)] = values[:, column:]
    return data


def _free(name: str, taken: dict) -> str:
    """Return a name, with a number where there is another of it."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


_COUNTS = ("nb_scalars_per_point", "nb_properties_per_streamline", "nb_streamlines")


def _read_header(path: Path) -> dict:
    """Read and check the header of a TRK; return its fields by name, as nibabel does.

    The ``voxel_order`` is three capital letters; a blank one is LPS, as in TrackVis.
    """
    with path.open("rb") as file:
        content = file.read(_DTYPE.itemsize)
    if not content.startswith(b"TRACK"):
        raise ValueError("it does not begin with 'TRACK'")
    if len(content) < _DTYPE.itemsize:
        raise ValueError("its header is cut short")
    for order in "<>":
        found = np.frombuffer(content, _DTYPE.newbyteorder(order))[0]
        if found["hdr_size"] == _DTYPE.itemsize:
            break
    else:
        raise ValueError(f"its hdr_size is not {_DTYPE.itemsize}")
    header = {name: found[name] for name in _DTYPE.names}
    header.update(endianness=order, _offset_data=_DTYPE.itemsize)
    _check_numbers(header)
    header["voxel_to_rasmm"] = _affine(header, path)
    given = header["voxel_order"].strip(b"\0 ")
    if not given:
        logger.info("%s: its voxel order is blank, which means LPS", path)
    header["voxel_order"] = voxel_order(given or "LPS").encode()
    return header


def read_trk_grid(path: Path) -> tuple:
    """Return affine, dimensions, voxel sizes and voxel order of a TRK."""
    header = _read_header(path)
    names = ("voxel_to_rasmm", "dimensions", "voxel_sizes", "voxel_order")
    return tuple(header[name] for name in names)


def _check_numbers(header: dict) -> None:
    """Raise ValueError for numbers that are impossible."""
    if header["version"] not in (1, 2, 3):
        raise ValueError(f"its version is {header['version']}, and 1 to 3 are known")
    for name in _COUNTS:
        if header[name] < 0:
            raise ValueError(f"its {name} is {header[name]}, below zero")
    sizes = header["voxel_sizes"]
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise ValueError(f"its voxel_sizes are not positive: {sizes.tolist()}")


def _affine(header: dict, path: Path) -> np.ndarray:
    """Return what takes voxels to RASMM; the identity, as in nibabel, without it."""
    affine = header["voxel_to_rasmm"].astype(np.float32)
    if header["version"] == 1 or affine[3, 3] == 0:
        logger.warning(
            "%s says nothing of where its voxels of %s mm lie (vox_to_ras): they are "
            "taken as voxels of 1 mm from the origin on, as in nibabel, lengths "
            "included; convert it with the image that it is from",
            path,
            " x ".join(f"{size:g}" for size in header["voxel_sizes"]),
        )
        return np.eye(4, dtype=np.float32)
    check_affine(affine, "its vox_to_ras")
    axis_codes(affine)
    return affine
