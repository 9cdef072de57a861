"""Ways to break a file: bytes in, bytes out, and members of archives."""

from functools import cache, partial
import io
import struct
import zipfile

import numpy as np


def cut(data, share):
    """Leave the first share of the bytes."""
    return data[: int(len(data) * share)]


def flip(data, seed, nb_bits=8, first=0, last=None):
    """Turn bits over, at places that a seed chooses."""
    rng = np.random.default_rng(seed)
    bits = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(first, last or len(bits), nb_bits)
    np.bitwise_xor.at(bits, places, (1 << rng.integers(0, 8, nb_bits)).astype("u1"))
    return bits.tobytes()


def patch(data, offset, kind, *values):
    """Write numbers over the bytes at an offset, in the way of ``struct``."""
    data = bytearray(data)
    struct.pack_into(kind, data, offset, *values)
    return bytes(data)


@cache
def _members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def members(path):
    """Read all members of an archive that does not change."""
    return dict(_members(path))


def packed(content, *, compression=zipfile.ZIP_STORED, more=()):
    """Make an archive of members, and of more, whose names may be there already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in [*content.items(), *more]:
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.filelist.append(info) if data is None else archive.writestr(
                info, data
            )
    return buffer.getvalue()


def npy(shape, descr, data=b"", *, order=False):
    """Make an array's file that says what one likes of its shape and type."""
    header = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}"
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def array_bytes(array):
    """Make an array's file as numpy does, of objects too."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def at(*keys, value):
    """Return what sets the value at keys, one in the other; "gone" removes it."""

    def change(found):
        for key in keys[:-1]:
            found = found[key]
        if value == "gone":
            del found[keys[-1]]
        else:
            found[keys[-1]] = value

    return change


DEEP = b'{"a":' * 100_000
TEXTS = {
    "empty": b"",
    "no JSON": b"{,}",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "nothing in it": b"{}",
    "nested deeply": DEEP,
    "not in UTF-8": b'{"\xff": 1}',
    "digits": b'{"overall": ' + b"9" * 5000 + b"}",
    "zeros": bytes(5000),
}
"""What is no JSON of ours."""

FILES = {
    "empty": lambda data: b"",
    "text": lambda data: b"thresholds\n" * 50,
    "cut short": lambda data: cut(data, 0.5),
    "cut by a byte": lambda data: data[:-1],
    "nothing": lambda data: packed({}),
    "an array": lambda data: array_bytes(np.zeros(5)),
    "objects": lambda data: array_bytes(np.array([{}], dtype=object)),
    **{f"flipped, {k}": partial(flip, seed=k, nb_bits=6) for k in range(3)},
}
"""What an archive of arrays or a database becomes."""
