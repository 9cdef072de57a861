"""TRX files as trx-python writes them, and broken ones, which are never changed."""

import io
import json
import zipfile

from dipy.io.stateful_tractogram import Space, StatefulTractogram
import numpy as np
import pytest
from trx import trx_file_memmap

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.reference import Reference

POINTS = np.arange(15, dtype="<f4").reshape(5, 3)
HEADER = {
    "DIMENSIONS": [4, 5, 6],
    "VOXEL_TO_RASMM": np.diag([2.0, 2.0, 2.0, 1.0]).tolist(),
    "NB_VERTICES": 5,
    "NB_STREAMLINES": 2,
}


def members(**header):
    """Return the members of a whole file of two streamlines, by name."""
    return {
        "header.json": json.dumps({**HEADER, **header}).encode(),
        "positions.3.float32": POINTS.tobytes(),
        "offsets.uint64": np.array([0, 2, 5], "<u8").tobytes(),
        "groups/b.int32": np.array([1], "<i4").tobytes(),
        "dps/id.int64": np.array([2**53 + 1, -(2**62)], "<i8").tobytes(),
        "dps/weight.2.float64": np.array([[0.1, 1e300], [2, 3]], "<f8").tobytes(),
        "dps/kept.bit": bytes([0, 1]),
        "dpv/fa.float16": np.ones(5, "<f2").tobytes(),
        "dpg/b/colour.3.uint8": bytes(3),
    }


@pytest.fixture
def write(tmp_path):
    """Return a function that writes members as a TRX."""

    def written(contents, compression=zipfile.ZIP_STORED):
        path = tmp_path / "a.trx"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return path

    return written


def assert_refused(path, reason):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert path.read_bytes() == before
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_everything_is_the_same_bits(write, compression):
    path = write(members(), compression)
    path.chmod(0o444)
    found = read_tractogram(path)
    np.testing.assert_array_equal(found.streamlines._data, POINTS)
    assert found.streamlines._data.flags.writeable
    assert found.streamlines._lengths.tolist() == [2, 3]
    assert found.groups["b"].tolist() == [1]
    values = found.data_per_streamline
    assert values["id"].dtype == np.int64
    assert values["id"].tolist() == [[2**53 + 1], [-(2**62)]]
    assert values["weight"].tolist() == [[0.1, 1e300], [2, 3]]
    assert values["kept"].tolist() == [[False], [True]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_reads_what_trx_python_writes(dtype, tmp_path):
    sft = StatefulTractogram(
        as_sequence(POINTS, [2, 3]),
        Reference(np.eye(4), (4, 5, 6)).space_attributes,
        Space.RASMM,
        data_per_streamline={"age": [[7], [8]]},
    )
    types = {"positions": dtype, "offsets": np.uint32, "dps": {"age": np.uint16}}
    trx = trx_file_memmap.TrxFile.from_sft(sft, dtype_dict=types)
    trx.groups["some"] = np.array([1], dtype=np.uint32)
    trx_file_memmap.save(trx, str(tmp_path / "a.trx"))
    trx.close()
    found = read_tractogram(tmp_path / "a.trx")
    np.testing.assert_array_equal(found.streamlines._data, POINTS)
    assert found.streamlines._lengths.tolist() == [2, 3]
    assert found.groups["some"].tolist() == [1]
    assert found.data_per_streamline["age"].tolist() == [[7], [8]]


def test_an_empty_file_of_trx_python(tmp_path):
    trx_file_memmap.save(trx_file_memmap.TrxFile(), str(tmp_path / "a.trx"))
    assert not len(read_tractogram(tmp_path / "a.trx").streamlines)


def test_offsets_without_the_last_end(write):
    old = {**members(), "offsets.uint64": np.array([0, 2], "<u8").tobytes()}
    assert read_tractogram(write(old)).streamlines._lengths.tolist() == [2, 3]


def test_what_does_not_belong_to_the_format_is_passed_over(write):
    others = {"notes.txt": b"x", "__MACOSX/dps/._id.int64": b"x", "dps/": b""}
    others["dps/.DS_Store"] = b"x"
    assert len(read_tractogram(write({**members(), **others})).streamlines) == 2


def test_grid(write):
    flat = np.ravel(HEADER["VOXEL_TO_RASMM"]).tolist()
    grid = Reference.from_file(write(members(VOXEL_TO_RASMM=flat)))
    assert grid.dimensions == (4, 5, 6)
    assert grid.voxel_sizes == (2, 2, 2)


@pytest.mark.parametrize("count", [-1, 2.0, "2", True, None, [2], 2**70, 2**40, 1, 3])
@pytest.mark.parametrize("name", ["NB_STREAMLINES", "NB_VERTICES"])
def test_counts_that_do_not_fit(write, name, count):
    if (name, count) == ("NB_STREAMLINES", 2.0):
        count = 2.5
    assert_refused(write(members(**{name: count})), "header")


@pytest.mark.parametrize(
    "affine", [None, [], [1] * 15, [[1, 0, 0]] * 4, [float("nan")] * 16, ["1"] * 16]
)
def test_grids_that_are_none(write, affine):
    path = write(members(VOXEL_TO_RASMM=affine))
    assert_refused(path, "VOXEL_TO_RASMM")
    with pytest.raises(ValueError, match=r"a\.trx .*VOXEL_TO_RASMM"):
        Reference.from_file(path)


def test_a_header_that_is_nested_too_deeply(write):
    assert_refused(write({**members(), "header.json": b"[" * 100_000}), "nested")


@pytest.mark.parametrize("dtype", ["object", "O", "S8", "V8", "U2", "f4,f4", "c16"])
@pytest.mark.parametrize("place", ["groups/x", "dps/x", "dpv/x", "dpg/b/x", "offsets"])
def test_types_that_are_no_numbers(write, place, dtype):
    contents = {**members(), f"{place}.{dtype}": bytes(40)}
    if place == "offsets":
        del contents["offsets.uint64"]
    assert_refused(write(contents), "is of the type|no number of columns|has no place")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("positions.3.float64", POINTS.tobytes(), "there twice"),
        ("dps/id.int32", bytes(8), "there twice"),
        ("dps/x.float32", bytes(12), "has 12 bytes"),
        ("dps/x.2.float32", bytes(8), "has 8 bytes"),
        ("dps/x.float32", bytes(9), "has 9 bytes"),
        ("dps/x.0.float32", b"", "no number of columns"),
        ("dps/x.-2.float32", bytes(16), "no number of columns"),
        ("dps/x.99999999999.float32", bytes(16), "no number of columns"),
        ("dpv/x.float32", bytes(8), "has 8 bytes"),
        ("dpg/none/x.uint8", bytes(1), "group that is not there"),
        ("groups/x.2.uint32", bytes(8), "has 8 bytes"),
        ("groups/deep/x.uint32", bytes(8), "has no place"),
        ("groups/x.int32", np.array([0, -3], "<i4").tobytes(), "streamline -3, and"),
        ("groups/x.uint64", np.array([2**63], "<u8").tobytes(), "9223372036854775808"),
        ("../x.float32", bytes(4), "outside of the file"),
        ("/tmp/x.float32", bytes(4), "outside of the file"),
        ("dps/../../x.float32", bytes(4), "outside of the file"),
        ("C:/x.float32", bytes(4), "outside of the file"),
    ],
)
def test_members_that_do_not_fit(write, name, content, reason):
    assert_refused(write({**members(), name: content}), reason)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("positions.3.float32", bytes(72), "has 72 bytes"),
        ("positions.3.float32", None, "it has no positions"),
        ("offsets.uint64", None, "it has no offsets"),
        ("header.json", None, "it has no header.json"),
        ("header.json", b"{", "a.trx is not a whole"),
        ("header.json", b"[1]", "header"),
        ("offsets.uint64", np.array([0, 7, 5], "<u8").tobytes(), "1 begins at point 7"),
        ("offsets.uint64", np.array([1, 2, 5], "<u8").tobytes(), "its offsets"),
        ("offsets.uint64", np.array([0, 2, 4], "<u8").tobytes(), "its offsets"),
        ("offsets.uint64", np.array([0, 2**63, 5], "<u8").tobytes(), "1 begins at"),
    ],
)
def test_arrays_that_do_not_fit(write, name, content, reason):
    contents = {**members(), name: content}
    assert_refused(write({k: v for k, v in contents.items() if v is not None}), reason)


def test_offsets_below_zero_or_out_of_order(write):
    contents = members()
    del contents["offsets.uint64"]
    minus = np.array([0, -2, 5], "<i4").tobytes()
    assert_refused(write({**contents, "offsets.int32": minus}), "1 begins at point -2")
    contents["header.json"] = members(NB_STREAMLINES=3)["header.json"]
    contents = {k: v for k, v in contents.items() if not k.startswith("dps")}
    order = np.array([0, 4, 2, 5], "<i4").tobytes()
    assert_refused(write({**contents, "offsets.int32": order}), "streamline 1 ends bef")


def test_a_changed_byte_is_found(write):
    path = write(members())
    contents = bytearray(path.read_bytes())
    contents[contents.index(POINTS.tobytes()) + 5] ^= 1
    path.write_bytes(contents)
    assert_refused(path, "Bad CRC-32")


def test_members_of_the_same_name(write):
    path = write(members())
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr("dps/id.int64", bytes(16))
    assert_refused(path, "there twice")


def test_compression_that_is_not_of_the_format_and_encryption(write):
    assert_refused(write(members(), zipfile.ZIP_LZMA), "neither stored nor deflated")
    path = write(members())
    contents = bytearray(path.read_bytes())
    entry = contents.index(b"PK\x01\x02")
    contents[entry + 8] |= 1
    path.write_bytes(contents)
    assert_refused(path, "neither stored nor deflated")


def test_a_zip_bomb_is_not_inflated(write):
    n = 30_000_000
    contents = members(NB_VERTICES=n, NB_STREAMLINES=1)
    buffer = io.BytesIO()
    path = write({})
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", contents["header.json"])
        archive.writestr("offsets.uint64", np.array([0, n], "<u8").tobytes())
        with archive.open("positions.3.float16", "w") as member:
            for _ in range(n // 1_000_000):
                member.write(bytes(6_000_000))
    path.write_bytes(buffer.getvalue())
    assert_refused(path, "far more than the file holds")
