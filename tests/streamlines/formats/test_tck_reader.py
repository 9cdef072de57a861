"""TCK files in all precisions and byte orders, and broken ones."""

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.readers import read_tractogram

POINTS = np.arange(15, dtype=float).reshape(5, 3) + 0.25
NAN, INF = np.full((1, 3), np.nan), np.full((1, 3), np.inf)
ROWS = np.concatenate([POINTS[:2], NAN, NAN, POINTS[2:], NAN, INF])


def write(path, *, rows=ROWS, dtype="<f4", end="END\n", **fields):
    """Write a TCK of three streamlines, the second without points."""
    fields = {"datatype": "Float32LE", "count": "3", **fields}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    header = "\n".join(["mrtrix tracks", "roi: a.mif: b", *lines])
    if "file" not in fields:
        header += "\nfile: . 300"
    header = f"{header}\n{end}".encode()
    content = np.asarray(rows, dtype).tobytes()
    path.write_bytes(header + (bytes(300 - len(header)) + content))
    return path


@pytest.mark.parametrize(
    ("datatype", "dtype"),
    [
        ("Float32LE", "<f4"),
        ("Float32BE", ">f4"),
        ("Float64LE", "<f8"),
        ("Float64BE", ">f8"),
        ("float32le", "<f4"),
        (None, "<f4"),
    ],
)
def test_precisions_and_byte_orders(datatype, dtype, tmp_path):
    path = write(tmp_path / "a.tck", dtype=dtype, datatype=datatype)
    found = read_tractogram(path).streamlines
    np.testing.assert_array_equal(found._data, POINTS.astype(np.float32))
    assert found._data.dtype == np.float32
    assert found._lengths.tolist() == [2, 0, 3]


def test_same_as_nibabel_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "dipy_tractogen.streamlines.formats.tck_reader.POINTS_PER_BLOCK", 3
    )
    rng = np.random.default_rng(0)
    lines = [rng.normal(size=(n, 3)).astype(np.float32) for n in (1, 7, 3, 2)]
    tractogram = nib.streamlines.Tractogram(lines, affine_to_rasmm=np.eye(4))
    nib.streamlines.save(tractogram, tmp_path / "a.tck")
    found = read_tractogram(tmp_path / "a.tck").streamlines
    np.testing.assert_array_equal(found._data, np.concatenate(lines))
    assert found._lengths.tolist() == [1, 7, 3, 2]


def test_a_point_that_is_partly_a_number_ends_no_streamline(tmp_path):
    rows = ROWS.copy()
    rows[0, 0] = np.nan
    found = read_tractogram(write(tmp_path / "a.tck", rows=rows)).streamlines
    assert found._lengths.tolist() == [2, 0, 3]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"rows": ROWS[:-1]}, "its end mark is missing"),
        ({"rows": ROWS[:-2]}, "cut short"),
        ({"rows": np.delete(ROWS, -2, axis=0)}, "cut short"),
        ({"rows": np.concatenate([ROWS, POINTS])}, "end mark is missing"),
        ({"rows": ROWS.ravel()[:-1]}, "its end is missing"),
        ({"rows": ROWS[:0]}, "its end is missing"),
        ({"count": "4"}, "3 of 4 streamlines"),
        ({"count": "-1"}, "no number of streamlines"),
        ({"count": "9" * 50}, "no number of streamlines"),
        ({"count": "1e3"}, "no number of streamlines"),
        ({"datatype": "Int32LE"}, "'Int32LE', and not Float32"),
        ({"file": "/etc/passwd 0"}, "its points are not in it"),
        ({"file": ". -300"}, "its points are not in it"),
        ({"file": "."}, "its points are not in it"),
        ({"file": f". {10**15}"}, "points begin at byte 1000000000000000"),
        ({"file": ". 3"}, "points begin at byte 3"),
        ({"end": "THE END"}, "has no END"),
    ],
)
def test_files_that_are_broken(settings, reason, tmp_path):
    path = write(tmp_path / "a.tck", **settings)
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert "\n" not in str(caught.value)
