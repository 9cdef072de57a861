"""Reader of a TRX, which never changes the file.

trx-python maps the arrays of a file for writing, so that a damaged file grows while it
is read, and accepts any numpy type, pointers too, in the name of an array. Here names,
types and sizes of the members are compared with the header, then members are read
through the stream of the zip, which checks their sums.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
import zipfile

import numpy as np

from dipy_tractogen.utils.memmap import check_unpacked_size
from dipy_tractogen.utils.schema import (
    integer,
    list_of,
    number,
    parse_json,
    record,
    short_repr,
)

from ..array_sequence import POINTS_PER_BLOCK, lengths_between

_FLOATS = ("float16", "float32", "float64")
_WHOLE = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_TYPES = {
    "positions": _FLOATS,
    "offsets": _WHOLE,
    "groups": _WHOLE,
    "dps": (*_FLOATS, *_WHOLE, "bit", "bool"),
    "dpv": (*_FLOATS, *_WHOLE, "bit", "bool"),
    "dpg": (*_FLOATS, *_WHOLE, "bit", "bool"),
}
_HEADER = "header.json"
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# Bytes read at once: the checksum is computed while they are in the cache.
_BYTES_AT_A_TIME = 2**20

_COUNT = integer(0, 2**53)
_ROW = list_of(number(), 4, 4)
_CHECK_HEADER = record(
    {
        "NB_VERTICES": _COUNT,
        "NB_STREAMLINES": _COUNT,
        "DIMENSIONS": list_of(integer(0, 2**16 - 1), 3, 3),
        "VOXEL_TO_RASMM": list_of(_ROW, 4, 4),
    }
)


class _Member(NamedTuple):
    """An array of the file: its member, numbers in a row and their type."""

    info: zipfile.ZipInfo
    width: int
    dtype: np.dtype

    @property
    def nb_rows(self) -> int:
        """Number of rows; -1 if the size is not one of whole rows."""
        rows, rest = divmod(self.info.file_size, self.width * self.dtype.itemsize)
        return -1 if rest else rows


def read_trx(path: Path, wanted: Callable) -> Generator[tuple, None, tuple]:
    """Read a TRX: yield points (k, 3) in RASMM mm, and their values, block by block.

    Return numbers of points (n,), ``data_per_streamline`` (n, k) by name in the types
    of the file, indices of the streamlines of each group, and by kind the names of what
    is not read: values of groups, and of points whose name is not `wanted`. Raises
    ValueError if header and members do not fit, or are not those of the format.
    """
    with _opened(path) as (archive, header, members):
        n, nb_points = header["NB_STREAMLINES"], header["NB_VERTICES"]
        lengths = _lengths(archive, members.get("offsets"), n, nb_points)
        found = {"dps": {}, "groups": {}}
        for key, member in members.items():
            kind, _, name = key.partition("/")
            if kind in found:
                found[kind][name] = _values(archive, member)
        groups = {name: rows.ravel() for name, rows in found["groups"].items()}
        _check_groups(groups, n)
        names = [key[4:] for key in members if key.startswith("dpv/")]
        chosen = [name for name in names if wanted(name)]
        if nb_points:
            of_points = ["positions", *(f"dpv/{name}" for name in chosen)]
            arrays = [_blocks(archive, members[key]) for key in of_points]
            for points, *values in zip(*arrays):
                yield points.astype(np.float32, copy=False), dict(zip(chosen, values))
    left_out = {
        "data_per_point": [name for name in names if name not in chosen],
        "data_per_group": [key[4:] for key in members if key.startswith("dpg/")],
    }
    return lengths, found["dps"], groups, left_out


def read_trx_header(path: Path) -> dict:
    """Read the header of a TRX whose members fit it, as plain values."""
    with _opened(path) as (_, header, _):
        return header


def read_trx_grid(path: Path) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Return affine and dimensions of a TRX."""
    header = read_trx_header(path)
    return np.array(header["VOXEL_TO_RASMM"], float), tuple(header["DIMENSIONS"])


@contextmanager
def _opened(
    path: Path,
) -> Iterator[tuple[zipfile.ZipFile, dict, dict[str, _Member]]]:
    """Yield the zip, open for reading, its header and its members by name."""
    with zipfile.ZipFile(path) as archive:
        members = _members(archive.infolist())
        announced = sum(member.info.file_size for member in members.values())
        check_unpacked_size(announced, path.stat().st_size)
        if _HEADER not in members:
            raise ValueError(f"it has no {_HEADER}")
        header = _header(archive, members.pop(_HEADER))
        _check_sizes(header, members)
        yield archive, header, members


def _header(archive: zipfile.ZipFile, member: _Member) -> dict:
    """Read the header and check it."""
    header = parse_json(_values(archive, member).tobytes())
    if isinstance(header, dict):
        affine = header.get("VOXEL_TO_RASMM")
        if isinstance(affine, list) and len(affine) == 16:  # as trx-python accepts it
            header["VOXEL_TO_RASMM"] = [affine[i : i + 4] for i in range(0, 16, 4)]
    _CHECK_HEADER(header, "its header")
    return header


def _members(infos: list[zipfile.ZipInfo]) -> dict[str, _Member]:
    """Return the members that belong to the format."""
    members, names = {}, set()
    for info in infos:
        name = info.filename.replace("\\", "/")
        if name.startswith("/") or name[1:3] == ":/" or ".." in name.split("/"):
            raise ValueError(f"its member {short_repr(name)} lies outside of the file")
        if name in names:
            raise ValueError(f"its member {short_repr(name)} is there twice")
        names.add(name)
        folder, _, base = name.rpartition("/")
        kind = base.split(".")[0] if not folder else folder.split("/")[0]
        hidden = not base or base.startswith(".")
        if name == _HEADER:
            key, member = name, _Member(info, 1, np.dtype(np.uint8))
        elif kind in _TYPES and not hidden:
            key, member = _parsed(folder, base, kind, info)
        else:
            continue
        if key in members:
            raise ValueError(f"its array {short_repr(key)} is there twice")
        if info.flag_bits & 1 or info.compress_type not in _COMPRESSIONS:
            raise ValueError(
                f"its member {short_repr(name)} is neither stored nor deflated"
            )
        members[key] = member
    return members


def _parsed(
    folder: str, base: str, kind: str, info: zipfile.ZipInfo
) -> tuple[str, _Member]:
    """Return key and member of an array from its name, ``name.[width.]type``."""
    name, *width, dtype = base.split(".")
    levels = {"positions": 0, "offsets": 0, "dpg": 2}.get(kind, 1)
    if bool(folder) + folder.count("/") != levels or not name or len(width) > 1:
        raise ValueError(
            f"its member {short_repr(info.filename)} has no place in a .trx"
        )
    if dtype not in _TYPES[kind]:
        raise ValueError(
            f"its member {short_repr(info.filename)} is of the type "
            f"{short_repr(dtype)}, and {kind} are one of {', '.join(_TYPES[kind])}"
        )
    (given,) = width or ["1"]
    if not (given.isascii() and given.isdigit() and 0 < len(given) < 10 and int(given)):
        raise ValueError(
            f"its member {short_repr(info.filename)} has no number of columns"
        )
    stored = np.dtype(bool if dtype in ("bit", "bool") else dtype).newbyteorder("<")
    key = f"{folder}/{name}" if folder else name
    return key, _Member(info, int(given), stored)


def _check_sizes(header: dict, members: dict[str, _Member]) -> None:
    """Compare the sizes of arrays with what the header says."""
    n, nb_points = header["NB_STREAMLINES"], header["NB_VERTICES"]
    rows = {
        "positions": (nb_points,),
        "offsets": (n + 1, n),
        "dps": (n,),
        "dpv": (nb_points,),
        "dpg": (1,),
    }
    widths = {"positions": 3, "offsets": 1, "groups": 1}
    for key, member in members.items():
        kind = key.split("/")[0]
        fits = member.width == widths.get(kind, member.width) and member.nb_rows >= 0
        if not fits or member.nb_rows not in rows.get(kind, (member.nb_rows,)):
            raise ValueError(
                f"its {short_repr(key)} has {member.info.file_size} bytes, and the "
                f"header says {n} streamlines and {nb_points} points"
            )
        if kind == "dpg" and f"groups/{key.split('/')[1]}" not in members:
            raise ValueError(f"its {short_repr(key)} is of a group that is not there")
    for key, count in (("positions", nb_points), ("offsets", n)):
        if count and key not in members:
            raise ValueError(f"it has no {key}")


def _lengths(
    archive: zipfile.ZipFile, member: _Member | None, n: int, nb_points: int
) -> np.ndarray:
    """Read the numbers of points of the streamlines from where each begins."""
    if not n:
        if nb_points:
            raise ValueError(f"it has {nb_points} points and no streamlines")
        return np.zeros(0, np.intp)
    offsets = _values(archive, member).ravel()
    # The first version of the format has no end of the last streamline.
    if len(offsets) == n and offsets[-1] < nb_points:
        offsets = np.append(offsets.astype(np.int64), nb_points)
    if len(offsets) != n + 1:
        raise ValueError(f"its offsets are not those of {n} streamlines")
    return lengths_between(offsets, nb_points)


def _check_groups(groups: dict[str, np.ndarray], n: int) -> None:
    """Raise ValueError if a group has a streamline that does not exist."""
    for name, indices in groups.items():
        beyond = indices[(indices < 0) | (indices >= n)]
        if len(beyond):
            raise ValueError(
                f"the group {short_repr(name)} holds streamline {beyond[0]}, and there "
                f"are {n}, counted from 0"
            )


def _values(archive: zipfile.ZipFile, member: _Member) -> np.ndarray:
    """Read an array as a whole."""
    with archive.open(member.info) as stream:
        return _rows(stream, member, member.nb_rows)


def _blocks(archive: zipfile.ZipFile, member: _Member) -> Iterator[np.ndarray]:
    """Read points, or their values, a block at a time."""
    left = member.nb_rows
    with archive.open(member.info) as stream:
        while left:
            rows = _rows(stream, member, min(left, POINTS_PER_BLOCK))
            yield rows
            left -= len(rows)


def _rows(stream: zipfile.ZipExtFile, member: _Member, count: int) -> np.ndarray:
    """Read the next rows of an array, whose sum is checked with its last byte."""
    is_bit = member.dtype == bool
    rows = np.empty((count, member.width), "u1" if is_bit else member.dtype)
    _fill(stream, rows)
    return rows != 0 if is_bit else rows


def _fill(stream: zipfile.ZipExtFile, rows: np.ndarray) -> None:
    """Read an array from a member."""
    target, done = memoryview(rows.reshape(-1).view(np.uint8)), 0
    while done < len(target):
        count = stream.readinto(target[done : done + _BYTES_AT_A_TIME])
        if not count:
            raise ValueError(f"its member {short_repr(stream.name)} is cut short")
        done += count
