import zipfile

from dipy.io.streamline import load_tractogram
import numpy as np
import pytest
from trx import trx_file_memmap

from dipy_tractogen.streamlines.formats import trx_writer as trx_stream
from dipy_tractogen.streamlines.formats.writers import open_writer


@pytest.fixture
def written(grid, tmp_path, monkeypatch):
    """Write streamlines of changing lengths in several calls and small chunks."""
    monkeypatch.setattr(trx_stream, "_ROWS_PER_CHUNK", 4)
    rng = np.random.default_rng(0)
    path = tmp_path / "a.trx"
    calls = []
    with open_writer(
        path, reference=grid, bundle_names=("b/1", "empty", "a.2", "a_2")
    ) as writer:
        for m, nb_points in ((5, 4), (1, 2), (6, 9)):
            points = rng.normal(size=(m, nb_points, 3)).astype(np.float32)
            labels = rng.choice([0, 2, 3], size=m)
            data = {
                "error": rng.random(m).astype(np.float32),
                "end.point": rng.random((m, 3)).astype(np.float32),
            }
            writer.write(points, labels, data)
            calls.append((points, labels, data))
    return path, calls


def test_trx_python_reads_everything(written, grid):
    path, calls = written
    trx = trx_file_memmap.load(str(path))
    points = [streamline for call in calls for streamline in call[0]]
    assert len(trx.streamlines) == len(points)
    for found, expected in zip(trx.streamlines, points):
        np.testing.assert_array_equal(found, expected)
    labels = np.concatenate([call[1] for call in calls])
    assert trx.groups.keys() == {"b_1", "a_2_2", "a_2"}
    for name, code in (("b_1", 0), ("a_2_2", 2), ("a_2", 3)):
        assert trx.groups[name].dtype == np.uint32
        np.testing.assert_array_equal(trx.groups[name], np.flatnonzero(labels == code))
    for name, key in (("error", "error"), ("end_point", "end.point")):
        expected = np.concatenate([call[2][key] for call in calls])
        found = np.asarray(trx.data_per_streamline[name])
        np.testing.assert_array_equal(found, expected.reshape(len(labels), -1))
    np.testing.assert_allclose(trx.header["VOXEL_TO_RASMM"], grid.affine)
    assert tuple(trx.header["DIMENSIONS"]) == grid.dimensions
    trx.close()


def test_dipy_reads_everything(written):
    path, calls = written
    sft = load_tractogram(str(path), "same")
    points = np.concatenate([call[0].reshape(-1, 3) for call in calls])
    np.testing.assert_allclose(sft.streamlines.get_data(), points, atol=1e-4)
    assert sft.data_per_streamline["error"].shape == (12, 1)
    assert sft.data_per_streamline["end_point"].shape == (12, 3)


def test_zip_is_stored_and_whole(written):
    path, _ = written
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {0}
        # Nothing in the file depends on when it was written.
        assert len({info.date_time for info in archive.infolist()}) == 1
        names = archive.namelist()
    assert {"positions.3.float32", "offsets.uint32", "header.json"} < set(names)


def test_nothing_is_left_beside_the_file(written):
    path, _ = written
    assert list(path.parent.iterdir()) == [path]


def test_offsets_of_a_very_long_file(grid, tmp_path, monkeypatch):
    with open_writer(tmp_path / "a.trx", reference=grid) as writer:
        writer.write(np.ones((2, 3, 3)))
        stream = writer._stream
        monkeypatch.setattr(stream, "_nb_points", 2**32)
    with zipfile.ZipFile(tmp_path / "a.trx") as archive:
        offsets = np.frombuffer(archive.read("offsets.uint64"), dtype="<u8")
    assert offsets.tolist() == [0, 3, 6]
