"""Arrays of files are checked by their headers before they are read."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from dipy_tractogen.utils.array_schema import Array, check_arrays, read_arrays

SCHEMA = {
    "z": Array("f", ("n", "d")),
    "cell": Array("iu", ("n",), 0, "m"),
    "names": Array("U", ("m",)),
    "extra": Array("b", ("d",), needed=False),
}
GOOD = {
    "z": np.ones((3, 2), np.float32),
    "cell": np.array([0, 1, 1]),
    "names": np.array(["a", "b"]),
}


def saved(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream


def raw(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream


def npy(header, data=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def test_arrays_that_fit_are_read_and_others_left_out():
    found = read_arrays(saved(**GOOD, unknown=np.zeros(2)), SCHEMA)
    assert set(found) == set(GOOD)
    np.testing.assert_array_equal(found["z"], GOOD["z"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"z": np.ones((3, 2), int)}, "z is of the type int64"),
        ({"z": np.ones(3)}, r"z is of the shape \(3,\); expected \(n, d=2\)"),
        ({"z": np.full((3, 2), np.nan)}, "z is in part NaN or infinite"),
        ({"cell": np.array([0, 1])}, r"cell is of the shape \(2,\); expected \(n=3\)"),
        ({"cell": np.array([0, 1, 2])}, "cell is from 0 to 2; expected values from 0"),
        ({"cell": np.array([0, 1, -1])}, "cell is from -1 to 1"),
        ({"names": np.array(["a", None], object)}, "of the type object"),
        ({"extra": np.ones(3, bool)}, r"extra is of the shape"),
    ],
)
def test_an_array_that_does_not_fit_is_named(change, said):
    arrays = {**GOOD, **change}
    with pytest.raises(ValueError, match=said):
        read_arrays(saved(**arrays), SCHEMA, {"d": 2})
    if "object" not in said:
        with pytest.raises(ValueError, match=said):
            check_arrays(arrays, SCHEMA, {"d": 2})


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="it is without cell, names"):
        read_arrays(saved(z=GOOD["z"]), SCHEMA)


HEADER = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        npy(HEADER.format("'<f4'", "(1000000000000000,)")),
        npy(HEADER.format("'<f4'", "(1000000000000000000000000,)")),
        npy(HEADER.format("'<f4'", "(-1,)")),
        npy(HEADER.format("'<f4'", "(1.5,)")),
        npy(HEADER.format("'|O'", "(1,)"), b"\x80\x04N."),
        npy(HEADER.format("[('a', '<f4')]", "(1,)"), b"1234"),
        npy(HEADER.format("'<f4'", "(1,)"), b"12345678"),
        npy(HEADER.format("'<M8[s]'", "(1,)"), b"12345678"),
        npy("__import__('os')"),
        npy("(" * 3000),
        b"\x93NUMPY\x09\x00" + b"\x00" * 100,
    ],
)
def test_a_hostile_header_takes_no_memory(content):
    stream = raw(x=content)
    tracemalloc.start()
    with pytest.raises(ValueError):  # noqa: PT011
        read_arrays(stream, {"x": Array("f", ("n",))})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_a_bomb_is_not_read():
    stream = saved(x=np.zeros(2**22))
    with pytest.raises(ValueError, match="too large"):
        read_arrays(stream, {"x": Array("f", ("n",))}, largest=2**20)


def test_damaged_archives_raise_a_value_error():
    whole = saved(**GOOD).getvalue()
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(whole)
        for place in rng.integers(len(whole), size=3):
            damaged[place] ^= 1 << rng.integers(8)
        if rng.random() < 0.3:
            damaged = damaged[: rng.integers(len(damaged))]
        try:
            read_arrays(io.BytesIO(damaged), SCHEMA)
        except ValueError:
            continue
