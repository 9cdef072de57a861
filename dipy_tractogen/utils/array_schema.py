"""Checks of named arrays (.npz), made before the arrays are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
import math
import os
from tokenize import TokenError
from typing import BinaryIO
import zipfile
import zlib

import numpy as np

from .messages import listed
from .schema import SchemaError

#: Bytes of all arrays of a file, more than any of ours has but a checkpoint.
LARGEST_ARRAYS = 2 * 2**30

_LONGEST_HEADER = 10_000
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TypeError,
    OverflowError,
    RecursionError,
    TokenError,
)
"""What zipfile, numpy and h5py raise of a damaged file, beside ValueError, OSError."""


@dataclass(frozen=True)
class Array:
    """Declaration of an array of a file.

    Attributes
    ----------
    kinds : str
        Kinds of dtype that are accepted, as numpy names them: ``"f"``, ``"iu"``.
    shape : tuple of int or str
        Its shape. A name stands for a size that is the same wherever it occurs.
    low, high : float or str
        Smallest and largest value; a name stands for the last index of that size.
    needed : bool
        Whether the file has to have it.
    """

    kinds: str
    shape: tuple[int | str, ...] = ()
    low: float = -math.inf
    high: float | str = math.inf
    needed: bool = True


def with_prefix(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return declarations with a prefix, in their names and in those of their sizes."""
    return {
        prefix + name: replace(
            each,
            shape=tuple(prefix + s if isinstance(s, str) else s for s in each.shape),
        )
        for name, each in arrays.items()
    }


def read_arrays(
    source: str | os.PathLike | BinaryIO,
    arrays: Mapping[str, Array],
    sizes: Mapping[str, int] | None = None,
    *,
    largest: int = LARGEST_ARRAYS,
) -> dict[str, np.ndarray]:
    """Read named arrays of an .npz file whose types, shapes and values fit `arrays`.

    Headers are compared with each other, with `sizes` (by name) and with the bytes
    there are before memory is taken; arrays of other names are left out. Raises
    OSError, or ValueError if the file is damaged or an array is not what it has to be.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = {
                one.filename.removesuffix(".npy"): one for one in archive.infolist()
            }
            _check_names(members, arrays)
            there = {name: members[name] for name in arrays if name in members}
            headers = {name: _header(archive, info) for name, info in there.items()}
            known = _check_forms(headers, arrays, sizes)
            if sum(info.file_size for info in there.values()) > largest:
                raise SchemaError("", "too large", f"arrays of up to {largest} bytes")
            found = {name: _data(archive, info) for name, info in there.items()}
    except DAMAGE as error:
        said = str(error).splitlines()
        raise ValueError(said[0] if said else type(error).__name__) from error
    _check_values(found, arrays, known)
    return found


def read_present(
    path, arrays: Mapping[str, Array], sizes: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """Return what `read_arrays` does of a path, also in a zip; none without a file."""
    if not path.exists():
        return {}
    with path.open("rb") as stream:
        return read_arrays(stream, arrays, sizes)


def check_arrays(
    found: Mapping[str, np.ndarray],
    arrays: Mapping[str, Array],
    sizes: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Return the sizes by name of arrays that fit `arrays`; ValueError otherwise."""
    _check_names(found, arrays)
    there = {name: np.asarray(found[name]) for name in arrays if name in found}
    headers = {name: (each.dtype, each.shape) for name, each in there.items()}
    known = _check_forms(headers, arrays, sizes)
    _check_values(there, arrays, known)
    return known


def _check_names(found, arrays: Mapping[str, Array]) -> None:
    missing = [
        one for one, array in arrays.items() if array.needed and one not in found
    ]
    if missing:
        raise SchemaError("", f"without {listed(missing)}", listed(arrays))


def _check_forms(headers: Mapping, arrays: Mapping, sizes) -> dict[str, int]:
    """Validate types and shapes of arrays; return sizes by name, known and new."""
    known = dict(sizes or {})
    for name, (dtype, shape) in headers.items():
        array = arrays[name]
        if dtype.kind not in array.kinds:
            raise SchemaError(
                name, f"of the type {dtype}", f"one of the kinds {array.kinds}"
            )
        fits = len(shape) == len(array.shape)
        for size, wanted in zip(shape, array.shape if fits else ()):
            if isinstance(wanted, str):
                wanted = known.setdefault(wanted, size)
            fits = fits and size == wanted
        if not fits:
            expected = ", ".join(
                f"{one}={known[one]}" if one in known else str(one)
                for one in array.shape
            )
            raise SchemaError(name, f"of the shape {shape}", f"({expected})")
    return known


def _check_values(found: Mapping, arrays: Mapping, known: Mapping[str, int]) -> None:
    """Validate that values are finite and in their range."""
    for name, values in found.items():
        if values.dtype.kind not in "iuf" or not values.size:
            continue
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise SchemaError(name, "in part NaN or infinite", "finite numbers")
        low, high = arrays[name].low, arrays[name].high
        high = known[high] - 1 if isinstance(high, str) else high
        least, most = values.min(), values.max()
        if least < low or most > high:
            raise SchemaError(
                name, f"from {least:g} to {most:g}", f"values from {low:g} to {high:g}"
            )


def _header(archive: zipfile.ZipFile, info) -> tuple[np.dtype, tuple]:
    """Read type and shape of an array, and hold them against the bytes there are."""
    name = info.filename
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in readers:
            raise SchemaError(name, f"of the version {version}", "version 1.0 or 2.0")
        shape, _, dtype = readers[version](stream, max_header_size=_LONGEST_HEADER)
        nb_bytes = info.file_size - stream.tell()
    if dtype.hasobject or dtype.names:
        raise SchemaError(name, f"of the type {dtype}", "numbers or text")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise SchemaError(name, f"of the shape {shape}", "sizes of 0 or more")
    expected = math.prod(shape) * dtype.itemsize
    if expected != nb_bytes:
        raise SchemaError(
            name, f"{nb_bytes} bytes long", f"{expected}, as its header says"
        )
    return dtype, shape


def _data(archive: zipfile.ZipFile, info) -> np.ndarray:
    with archive.open(info) as stream:
        return np.lib.format.read_array(
            stream, allow_pickle=False, max_header_size=_LONGEST_HEADER
        )
