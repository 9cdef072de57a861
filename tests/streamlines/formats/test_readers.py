import logging
import os
import zipfile

from dipy.io.stateful_tractogram import Space, StatefulTractogram
from dipy.io.streamline import save_tractogram
import nibabel as nib
from nibabel.streamlines import Tractogram, TrkFile
from nibabel.streamlines.trk import header_2_dtype
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.utils.memmap import PointBuffer


def assert_same_points(found, expected, atol=1e-4):
    assert [len(s) for s in found] == [len(s) for s in expected]
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=atol, rtol=0)


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")  # colours of FURY
def test_reads_what_dipy_writes(reference, suffix, make_streamlines, tmp_path):
    streamlines = make_streamlines(reference)
    path = tmp_path / f"a.{suffix}"
    sft = StatefulTractogram(streamlines, reference.space_attributes, Space.RASMM)
    save_tractogram(sft, str(path), bbox_valid_check=False)
    found = read_tractogram(path).streamlines
    assert found._data.dtype == np.float32
    assert_same_points(found, streamlines)


@pytest.fixture
def whole(suffix, grid, make_streamlines, tmp_path):
    """Write one whole file of a format."""
    path = tmp_path / f"whole.{suffix}"
    save_bundles(path, make_streamlines(grid), reference=grid)
    return path


def assert_refused(path, capfd):
    with pytest.raises(ValueError, match=f"{path.name} is not a whole") as caught:
        read_tractogram(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.8, 0.97])
def test_truncated_files(whole, share, capfd):
    contents = whole.read_bytes()
    whole.write_bytes(contents[: int(share * len(contents))])
    assert_refused(whole, capfd)


@pytest.mark.parametrize("missing", [1, 2, 3, 4, 6, 12, 13, 24])
def test_files_that_lack_their_last_bytes(suffix, whole, missing, capfd):
    if suffix in ("vtk", "vtp", "fib") and missing < 4:
        pytest.skip("white space ends a VTK file")
    contents = whole.read_bytes()
    whole.write_bytes(contents[:-missing])
    assert_refused(whole, capfd)


@pytest.mark.parametrize(
    "contents", [b"", b"x", b"this is not a tractogram\n" * 100, bytes(2000)]
)
def test_files_of_another_kind(suffix, contents, tmp_path, capfd):
    path = tmp_path / f"other.{suffix}"
    path.write_bytes(contents)
    assert_refused(path, capfd)


@pytest.mark.parametrize("other", ["trk", "tck", "trx", "dpy"])
def test_extension_of_another_format(whole, other, suffix, tmp_path, capfd):
    if suffix == other:
        pytest.skip("the same format")
    path = whole.rename(tmp_path / f"other.{other}")
    assert_refused(path, capfd)


def test_trk_cut_between_two_streamlines(grid, tmp_path, capfd):
    path = tmp_path / "cut.trk"
    points = np.arange(30, dtype=np.float32).reshape(5, 2, 3) + 1
    save_bundles(path, points, reference=grid)
    path.write_bytes(path.read_bytes()[:-28])
    assert len(TrkFile.load(str(path)).streamlines) == 4, "nibabel does not tell"
    with pytest.raises(ValueError, match="4 of 5 streamlines are there"):
        read_tractogram(path)


def test_tck_that_lacks_streamlines_but_has_its_end(grid, tmp_path):
    path = tmp_path / "cut.tck"
    points = np.arange(30, dtype=np.float32).reshape(5, 2, 3)
    save_bundles(path, points, reference=grid)
    contents = path.read_bytes()
    path.write_bytes(contents[: -12 - 36] + contents[-12:])
    with pytest.raises(ValueError, match="4 of 5 streamlines are there"):
        read_tractogram(path)


def test_tck_split_by_points_that_are_not_numbers(grid, tmp_path, caplog):
    path = tmp_path / "split.tck"
    points = np.arange(30, dtype=np.float32).reshape(5, 2, 3)
    save_bundles(path, points, reference=grid)
    contents = path.read_bytes().replace(b"count: 0000000005", b"count: 0000000004")
    path.write_bytes(contents)
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        assert len(read_tractogram(path).streamlines) == 5
    assert "holds 5 streamlines and its header says 4" in caplog.text


def test_streamlines_without_points_are_there(suffix, grid, tmp_path):
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    path = tmp_path / f"a.{suffix}"
    save_bundles(path, as_sequence(points, [2, 0, 3]), reference=grid)
    found = read_tractogram(path).streamlines
    assert sorted(len(streamline) for streamline in found) == [0, 2, 3]


@pytest.mark.parametrize("extension", ["trk", "trx"])
def test_data_per_streamline(extension, grid, make_streamlines, tmp_path):
    path = tmp_path / f"a.{extension}"
    data = {
        "age": np.arange(7, dtype=np.float32),
        "direction": np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32),
    }
    save_bundles(path, make_streamlines(grid), reference=grid, data_per_streamline=data)
    found = read_tractogram(path).data_per_streamline
    assert found.keys() == data.keys()
    np.testing.assert_array_equal(found["age"][:, 0], data["age"])
    np.testing.assert_array_equal(found["direction"], data["direction"])


def test_blocks_are_put_together(suffix, grid, make_streamlines, tmp_path, monkeypatch):
    for module in ("hdf5", "tck_reader", "trk_reader", "trx_reader", "vtk"):
        name = f"dipy_tractogen.streamlines.formats.{module}.POINTS_PER_BLOCK"
        monkeypatch.setattr(name, 20)
    path = tmp_path / f"a.{suffix}"
    streamlines = make_streamlines(grid, n=40)
    save_bundles(path, streamlines, reference=grid)
    points = PointBuffer(tmp_path)
    points.append(np.ones((3, 3), dtype=np.float32))
    assert_same_points(read_tractogram(path, points).streamlines, streamlines)
    assert len(points) == 3 + len(streamlines._data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_trk_with_scalars_and_properties(grid, make_streamlines, tmp_path, order):
    """As nibabel writes and reads it, with a name for a part of the properties."""
    streamlines = make_streamlines(grid)
    rng = np.random.default_rng(0)
    tractogram = Tractogram(
        streamlines,
        data_per_streamline={"age": rng.normal(size=(7, 1)), "x": np.ones((7, 2))},
        data_per_point={"fa": [rng.normal(size=(len(s), 1)) for s in streamlines]},
        affine_to_rasmm=np.eye(4),
    )
    path = tmp_path / "a.trk"
    nib.streamlines.save(tractogram, path, header=grid_header(grid))
    contents = bytearray(path.read_bytes())
    if order == ">":
        header = np.frombuffer(contents[:1000], header_2_dtype)
        swapped = np.frombuffer(contents[1000:], "<i4").astype(">i4").tobytes()
        contents = header.astype(header_2_dtype.newbyteorder(">")).tobytes() + swapped
    path.write_bytes(contents)
    found, expected = read_tractogram(path), TrkFile.load(str(path)).tractogram
    assert_same_points(found.streamlines, expected.streamlines, atol=1e-5)
    assert found.data_per_streamline.keys() == expected.data_per_streamline.keys()
    for name, values in expected.data_per_streamline.items():
        np.testing.assert_array_equal(found.data_per_streamline[name], values)


def test_trk_that_does_not_say_how_many(grid, make_streamlines, tmp_path):
    path = tmp_path / "a.trk"
    save_bundles(path, make_streamlines(grid), reference=grid)
    contents = bytearray(path.read_bytes())
    contents[988:992] = bytes(4)
    path.write_bytes(contents)
    assert len(read_tractogram(path).streamlines) == 7


def test_values_belong_to_their_streamlines_where_one_has_no_points(grid, tmp_path):
    path = tmp_path / "a.trk"
    lines = as_sequence(np.ones((5, 3), dtype=np.float32), [2, 0, 3])
    data = {"age": np.array([1, 2, 3], dtype=np.float32)}
    save_bundles(path, lines, reference=grid, data_per_streamline=data)
    found = read_tractogram(path)
    assert [len(streamline) for streamline in found.streamlines] == [2, 0, 3]
    np.testing.assert_array_equal(found.data_per_streamline["age"][:, 0], [1, 2, 3])


def grid_header(grid):
    return {
        "voxel_to_rasmm": grid.affine,
        "dimensions": grid.dimensions,
        "voxel_sizes": grid.voxel_sizes,
        "voxel_order": grid.voxel_order,
    }


@pytest.fixture
def trx(grid, make_streamlines, tmp_path):
    path = tmp_path / "a.trx"
    save_bundles(
        path,
        make_streamlines(grid),
        reference=grid,
        labels=np.array([0, 1, 1, 0, 1, 0, 0]),
        bundle_names=("a", "b"),
    )
    return path


@pytest.mark.parametrize(
    ("old", "new"), [('"NB_STREAMLINES": 7', '"NB_STREAMLINES": 8'), ("{", "[")]
)
def test_trx_with_a_header_that_does_not_fit(trx, tmp_path, old, new, capfd):
    path = tmp_path / "changed.trx"
    with zipfile.ZipFile(trx) as stored, zipfile.ZipFile(path, "w") as archive:
        for name in stored.namelist():
            contents = stored.read(name)
            if name == "header.json":
                contents = contents.decode().replace(old, new).encode()
            archive.writestr(name, contents)
    assert_refused(path, capfd)


def test_trx_with_offsets_out_of_order(trx, tmp_path, capfd):
    path = tmp_path / "changed.trx"
    with zipfile.ZipFile(trx) as stored, zipfile.ZipFile(path, "w") as archive:
        for name in stored.namelist():
            contents = stored.read(name)
            if name.startswith("offsets"):
                offsets = np.frombuffer(contents, dtype=np.uint32).copy()
                offsets[2] = offsets[-1]
                contents = offsets.tobytes()
            archive.writestr(name, contents)
    assert_refused(path, capfd)


def test_trk_without_an_affine_is_read_with_a_warning(grid, tmp_path, caplog):
    path = tmp_path / "a.trk"
    save_bundles(path, np.ones((2, 3, 3)), reference=grid)
    contents = bytearray(path.read_bytes())
    contents[440:504] = bytes(64)  # vox_to_ras in the header
    path.write_bytes(contents)
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        read_tractogram(path)
    (record,) = caplog.records
    assert "vox_to_ras" in record.getMessage()


def test_file_that_may_not_be_read(trx, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(PermissionError, match=r"a\.trx cannot be read \(Permission"):
        read_tractogram(trx)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.trk cannot be read"):
        read_tractogram(tmp_path / "a.trk")


def assert_not_read(path, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        read_tractogram(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_what_is_no_ordinary_file_is_not_waited_for(suffix, tmp_path):
    os.mkfifo(tmp_path / f"a.{suffix}")
    assert_not_read(tmp_path / f"a.{suffix}", "no ordinary file")
    (tmp_path / f"b.{suffix}").mkdir()
    assert_not_read(tmp_path / f"b.{suffix}", "no ordinary file")
