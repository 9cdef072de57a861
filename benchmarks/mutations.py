"""Changes of files at random, by what they hold: each keeps to the form of the rest.

What is drawn depends on the generator alone.
"""

from __future__ import annotations

from collections.abc import Callable
import io
import json
import lzma
from pathlib import Path
import re
import struct
import warnings
import zipfile
import zlib

import h5py
import numpy as np

Random = np.random.Generator
# What zipfile raises where a change before has broken the archive.
_OF_BROKEN_ARCHIVES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
_OF_BROKEN_ARCHIVES += (
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
)
Change = Callable[[bytes, Random], bytes]

NUMBERS = (0, -1, 1, 2**15, 2**31 - 1, -(2**31), 2**32, 2**62, -(2**63), 10**40)
VALUES = (
    *(None, True, False, "", "x", "\x1b[31m\n", "$\\frac{", "<b>", "../x", "nan"),
    *(0.5, -1.5, 1e-320, 1e38, 1e308, float("nan"), float("inf"), -float("inf")),
    *([], {}, [[]], [1, "a"], {"a": {"b": []}}, *NUMBERS),
)
TEXTS = (
    *("", "n/a", "nan", "inf", "-1", "0", "1e308", "1e-320", "9" * 400, '"', "\x00"),
    *("\x1b[31m", "$x$", "<b>", "\ufeff", "\t", "a,b", "=1+1", "\u202e", "None"),
)
DTYPES = ("u1", "i1", "i8", "u8", "f2", "f4", "f8", "c8", "S3", "U2", "O", "?", "M8[s]")


def pick(rng: Random, choices):
    """Draw one of a sequence, of whatever type."""
    return choices[int(rng.integers(len(choices)))]


def change_bytes(data: bytes, rng: Random) -> bytes:
    """Turn bits over, cut, copy a piece elsewhere, or write a number."""
    if not data:
        return bytes(rng.integers(0, 256, 40, dtype=np.uint8))
    kind, place = rng.integers(6), int(rng.integers(len(data)))
    # Headers are at the beginning, and matter most.
    if rng.random() < 0.5:
        place = min(place, int(rng.integers(1100)))
    changed = bytearray(data)
    if kind == 0:
        return data[:place]
    if kind == 1:
        length = int(rng.integers(1, 64))
        source = int(rng.integers(len(data)))
        changed[place:place] = data[source : source + length]
    elif kind == 2:
        del changed[place : place + int(rng.integers(1, 64))]
    elif kind == 3:
        form = pick(rng, ("<h", ">h", "<i", ">i", "<q", "<f", ">f", "<d"))
        number = pick(rng, NUMBERS) if form[1] in "hiq" else pick(rng, VALUES[10:18])
        if form[1] in "hiq":
            size = 8 * struct.calcsize(form)
            number = (number + 2 ** (size - 1)) % 2**size - 2 ** (size - 1)
        elif form[1] == "f":
            number = np.float32(np.clip(number, -3e38, 3e38))
        place -= place % 4
        piece = struct.pack(form, number)[: len(data) - place]
        changed[place : place + len(piece)] = piece
    else:
        for _ in range(int(rng.integers(1, 8))):
            place = int(rng.integers(len(data)))
            changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def change_text(data: bytes, rng: Random) -> bytes:
    """Replace a number or a word of a text, or a byte of it."""
    words = list(re.finditer(rb"[-\w.+]+", data[:20_000]))
    if not words or rng.random() < 0.2:
        return change_bytes(data, rng)
    word = pick(rng, words)
    other = pick(rng, (*TEXTS, *map(str, NUMBERS))).encode()
    return data[: word.start()] + other + data[word.end() :]


def change_json(data: bytes, rng: Random) -> bytes:
    """Replace, remove, add or nest a value."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return change_bytes(data, rng)
    if rng.random() < 0.1:
        return change_bytes(data, rng)
    places = [(None, None, found)]
    for _, _, value in places:
        if isinstance(value, (dict, list)):
            entries = value.items() if isinstance(value, dict) else enumerate(value)
            places += [(value, key, each) for key, each in list(entries)[:50]]
    # Few values are near the top, and most checks.
    parent, key, value = pick(rng, places[: int(rng.integers(1, len(places) + 1))])
    if parent is None:
        return json.dumps(pick(rng, VALUES)).encode()
    kind = rng.integers(8)
    if kind == 0:
        del parent[key]
    elif kind == 1:
        parent[key] = [value] if rng.random() < 0.5 else {"x": value}
    elif kind == 2 and isinstance(value, list):
        parent[key] = value + value[:1] if rng.random() < 0.5 else value[1:]
    elif kind == 3 and isinstance(value, (int, float)) and abs(value) < 1e300:
        parent[key] = pick(rng, (-value, value * 1e6, value + 1, str(value)))
    elif kind == 4 and isinstance(parent, dict):
        parent[pick(rng, TEXTS)] = parent.pop(key)
    else:
        parent[key] = pick(rng, VALUES)
    return json.dumps(found).encode()


def odd_array(array: np.ndarray, rng: Random) -> np.ndarray:
    """Return an array of another type, shape or value."""
    kind = rng.integers(5)
    if kind == 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return array.astype(pick(rng, DTYPES))
            except (ValueError, TypeError):
                return np.array([{}], dtype=object)
    if kind == 1:
        return pick(rng, (array[None], array.ravel(), array[..., None], array[:0].T))
    if kind == 2 and array.ndim:
        return array[: int(rng.integers(len(array) + 1))]
    changed = np.array(array)
    if changed.size and changed.dtype.kind in "fiub":
        values = VALUES[10:18] if changed.dtype.kind == "f" else NUMBERS[:7]
        with np.errstate(all="ignore"):
            value = np.array(pick(rng, values)).astype(changed.dtype)
        where = rng.random(changed.shape) < pick(rng, (1, 0.5, 2 / changed.size))
        changed[where] = value
    return changed


def change_npy(data: bytes, rng: Random) -> bytes:
    """Change the array of a file, or the file itself."""
    if rng.random() < 0.2:
        return change_text(data, rng)
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError):
        return change_bytes(data, rng)
    buffer = io.BytesIO()
    np.save(buffer, odd_array(array if array.ndim else array[None], rng))
    return buffer.getvalue()


def change_hdf5(data: bytes, rng: Random) -> bytes:
    """Replace or remove a dataset or a group."""
    if rng.random() < 0.2:
        return change_bytes(data, rng)
    buffer = io.BytesIO(data)
    try:
        with h5py.File(buffer, "r+") as file:
            names: list[str] = []
            file.visit(names.append)
            name = pick(rng, names)
            item = file[name]
            if isinstance(item, h5py.Dataset) and rng.random() < 0.8:
                array = odd_array(np.atleast_1d(item[()]), rng)
                del file[name]
                if array.dtype.kind == "O":
                    file.create_dataset(name, (3,), h5py.vlen_dtype(np.dtype("f4")))
                elif array.dtype.kind in "UM":
                    file[name] = h5py.SoftLink(f"/{name}")
                else:
                    file[name] = array
            else:
                del file[name]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return change_bytes(data, rng)
    return buffer.getvalue()


def change_zip(data: bytes, rng: Random) -> bytes:
    """Change, rename, remove, double or add a member."""
    if rng.random() < 0.15:
        return change_bytes(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = [(name, archive.read(name)) for name in archive.namelist()]
    if not content:
        return change_bytes(data, rng)
    place = int(rng.integers(len(content)))
    name, member = content[place]
    kind = rng.integers(10)
    if kind == 0:
        del content[place]
    elif kind == 1:
        content.append((name, change_of(name)(member, rng)))
    elif kind == 2:
        suffix = pick(rng, ("object", "float16", "uint64", "str", "bit", "V8", "json"))
        other = pick(rng, (f"{name.rpartition('.')[0]}.{suffix}", f"../{name}", "x"))
        content[place] = (other, member)
    elif kind == 3:
        content.append((f"{pick(rng, ('dps', 'dpv', 'groups'))}/x.uint32", member))
    else:
        content[place] = (name, change_of(name)(member, rng))
    buffer = io.BytesIO()
    compression = pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as made:
        warnings.simplefilter("ignore")
        for name, member in content:
            made.writestr(name, member)
    return buffer.getvalue()


def change_lines(data: bytes, rng: Random) -> bytes:
    """Change one of the lines, each of which is JSON, or leave it out."""
    lines = data.splitlines(keepends=True)
    if not lines or rng.random() < 0.1:
        return change_bytes(data, rng)
    place = int(rng.integers(len(lines)))
    changed = change_json(lines[place], rng) + b"\n"
    lines[place : place + 1] = [changed] if rng.random() < 0.8 else []
    return b"".join(lines)


def change_of(name: str) -> Change:
    """Return the change that fits what a file holds, by its name."""
    suffix = Path(name).suffix.lower()
    return {
        ".json": change_json,
        ".journal": change_lines,
        ".npy": change_npy,
        ".npz": change_zip,
        ".trx": change_zip,
        ".keras": change_zip,
        ".h5": change_hdf5,
        ".dpy": change_hdf5,
        ".tsv": change_text,
        ".vtp": change_text,
        ".vtk": change_text,
        ".fib": change_text,
        ".tck": change_text,
    }.get(suffix, change_bytes)


def change_file(path: Path, rng: Random) -> None:
    """Change a file once or a few times."""
    for _ in range(int(rng.geometric(0.7))):
        try:
            path.write_bytes(change_of(path.name)(path.read_bytes(), rng))
        except _OF_BROKEN_ARCHIVES:
            path.write_bytes(change_bytes(path.read_bytes(), rng))
