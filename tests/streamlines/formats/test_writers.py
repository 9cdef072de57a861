import errno
import logging

from dipy.io.streamline import load_tractogram
import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.block_writers import TrkBlockWriter
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.sidecar import sidecar_path
from dipy_tractogen.streamlines.formats.writers import (
    open_writer,
    save_bundles,
)
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.utils.disk import WriteError


def assert_same_points(found, expected, atol=1e-4):
    assert [len(s) for s in found] == [len(s) for s in expected]
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=atol, rtol=0)


def test_same_millimetres_after_two_round_trips(
    reference, suffix, make_streamlines, tmp_path
):
    streamlines = make_streamlines(reference)
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    save_bundles(first, streamlines, reference=reference)
    loaded = load_bundles(first, reference=reference)
    save_bundles(second, loaded.streamlines, reference=loaded.reference)
    again = load_bundles(second, reference=reference)
    assert_same_points(loaded.streamlines, streamlines)
    assert_same_points(again.streamlines, streamlines)
    if suffix in ("trk", "trx"):
        assert load_bundles(second).reference.matches(reference)


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
def test_dipy_reads_the_same_millimetres(reference, suffix, make_streamlines, tmp_path):
    streamlines = make_streamlines(reference)
    path, image = tmp_path / f"a.{suffix}", tmp_path / "image.nii.gz"
    save_bundles(path, streamlines, reference=reference)
    nib.save(
        nib.Nifti1Image(np.zeros(reference.dimensions, np.uint8), reference.affine),
        image,
    )
    sft = load_tractogram(str(path), str(image))
    assert_same_points(sft.streamlines, streamlines)


@pytest.mark.parametrize("extension", ["trx", "trk", "tck", "dpy"])
def test_blocks_are_one_file(extension, grid, make_streamlines, tmp_path):
    ragged = make_streamlines(grid, n=5)
    equal = np.random.default_rng(1).normal(size=(3, 8, 3)).astype(np.float32)
    path = tmp_path / f"a.{extension}"
    with open_writer(path, reference=grid) as writer:
        writer.write(equal)
        writer.write(np.empty((0, 8, 3)))
        writer.write(ragged[::-1])
        writer.write(equal[:1, :2])
        assert writer.nb_streamlines == 9
    expected = [*equal, *ragged[::-1], equal[0, :2]]
    assert_same_points(read_tractogram(path).streamlines, expected)


def test_float64_and_other_arrays_are_taken(grid, tmp_path):
    save_bundles(tmp_path / "a.trx", np.ones((2, 3, 3)).cumsum(1), reference=grid)
    with open_writer(tmp_path / "b.trx", reference=grid) as writer:
        writer.write(np.arange(18).reshape(2, 3, 3), None, {"a": [1, 2]})
    assert len(read_tractogram(tmp_path / "b.trx").streamlines) == 2


LABELS = np.array([2, 0, 2, 2, 0, 2, 0])


@pytest.fixture
def written(grid, make_streamlines, tmp_path):
    """Return a function that writes seven streamlines of two of three bundles."""

    def write(name, **options):
        save_bundles(
            tmp_path / name,
            make_streamlines(grid),
            reference=grid,
            labels=LABELS,
            bundle_names=("CST", "empty", "AF"),
            **options,
        )
        return tmp_path / name

    return write


def test_bundles_are_groups_of_a_trx(written):
    bundles = load_bundles(written("a.trx"))
    assert bundles.bundle_names == ("AF", "CST")
    assert [bundles.bundle_names[i] for i in bundles.labels] == [
        ("CST", "empty", "AF")[i] for i in LABELS
    ]


def test_bundles_are_values_of_a_trk(written):
    contents = read_tractogram(written("a.trk", data_per_streamline={"x": LABELS * 2}))
    assert contents.data_per_streamline["bundle"][:, 0].tolist() == LABELS.tolist()
    assert contents.data_per_streamline["x"][:, 0].tolist() == (2 * LABELS).tolist()
    path = written("b.trk")
    for origin in ("auto", "bundle"):
        counts = load_bundles(path, bundles_from=origin).counts()
        assert counts == {"AF": 4, "CST": 3}
    # Other software keeps the numbers alone.
    sidecar_path(path).unlink()
    assert load_bundles(path).counts() == {"b": 7}
    counts = load_bundles(path, bundles_from="bundle").counts()
    assert counts == {"0": 3, "2": 4}


def test_what_a_format_cannot_hold_is_said(written, caplog):
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        written("a.dpy", data_per_streamline={"x": LABELS})
    assert "cannot hold x, the bundles" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        written("a.trx", data_per_streamline={"x": LABELS})
    assert caplog.text == ""


def test_streamlines_that_leave_the_grid_are_said(grid, caplog, tmp_path):
    points = np.array([[[0, 0, 0], [1, 1, 1]], [[0, 0, 0], [900, 0, 0]]])
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        save_bundles(tmp_path / "a.trk", points, reference=grid)
    assert "out of the bounding box of the reference: 1 of 2 streamlines" in caplog.text
    placeholder = Reference(np.eye(4), (1, 1, 1))
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="dipy_tractogen"):
        save_bundles(tmp_path / "b.trk", points, reference=placeholder)
    assert caplog.text == ""


def test_half_precision_is_for_trx(grid, make_streamlines, tmp_path):
    streamlines = make_streamlines(grid)
    with open_writer(tmp_path / "a.trx", reference=grid, dtype="float16") as writer:
        writer.write(streamlines)
    found = read_tractogram(tmp_path / "a.trx").streamlines
    assert_same_points(found, streamlines, atol=0.1)
    assert np.abs(found._data - streamlines._data).max() > 1e-3
    for name, dtype, message in (
        ("b.trk", "float16", "float32 only"),
        ("b.trx", "int8", "accepted are float32, float16"),
    ):
        with (
            pytest.raises(ValueError, match=message),
            open_writer(tmp_path / name, reference=grid, dtype=dtype),
        ):
            pass


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_not_finite_leave_no_file(suffix, value, grid, tmp_path):
    points = np.ones((4, 3, 3))
    points[2, 1, 0] = value
    with pytest.raises(ValueError, match="not finite"):
        save_bundles(tmp_path / f"a.{suffix}", points, reference=grid)
    assert list(tmp_path.iterdir()) == []


def test_points_beyond_half_precision(grid, tmp_path):
    with (
        pytest.raises(ValueError, match="not finite as float16"),
        open_writer(tmp_path / "a.trx", reference=grid, dtype="float16") as writer,
    ):
        writer.write(np.full((1, 2, 3), 1e5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"labels": [0, 1]}, "one integer for each"),
        ({"labels": [0.0, 1.0, 0.0]}, "one integer for each"),
        ({"labels": [0, 1, 2]}, "labels go from 0 to 2, and there are 2"),
        ({"labels": [0, -1, 1]}, "labels count from 0"),
        ({"data_per_streamline": {"x": [1, 2]}}, "a row for each"),
        ({"data_per_streamline": {"x": np.ones((3, 2, 2))}}, "a row for each"),
        (
            {"labels": [0, 1, 0], "data_per_streamline": {"bundle": [1, 2, 3]}},
            "give another name",
        ),
    ],
)
def test_labels_and_values_that_do_not_fit(call, message, grid, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_bundles(
            tmp_path / "a.trx",
            np.ones((3, 2, 3)),
            reference=grid,
            bundle_names=("a", "b"),
            **call,
        )
    assert list(tmp_path.iterdir()) == []


def test_calls_that_differ(grid, tmp_path):
    with open_writer(tmp_path / "a.trx", reference=grid) as writer:
        writer.write(np.ones((1, 2, 3)), None, {"x": [1]})
        with pytest.raises(ValueError, match="give the same in every call"):
            writer.write(np.ones((1, 2, 3)))
    with open_writer(tmp_path / "b.trx", reference=grid) as writer:
        writer.write(np.ones((1, 2, 3)), inherited={"x": [1]})
        with pytest.raises(ValueError, match="give the same in every call"):
            writer.write(np.ones((1, 2, 3)), inherited={"y": [1]})


def test_nothing_is_no_tractogram(suffix, grid, tmp_path):
    with pytest.raises(ValueError, match="no streamline to write"):
        save_bundles(tmp_path / f"a.{suffix}", np.ones((0, 2, 3)), reference=grid)
    assert list(tmp_path.iterdir()) == []


def test_existing_file_stays_unless_forced(suffix, grid, make_streamlines, tmp_path):
    path = tmp_path / f"a.{suffix}"
    path.write_text("old")
    with pytest.raises(FileExistsError, match="force=True"):
        save_bundles(path, make_streamlines(grid), reference=grid)
    assert path.read_text(encoding="utf-8") == "old"
    save_bundles(path, make_streamlines(grid), reference=grid, force=True)
    assert len(read_tractogram(path).streamlines) == 7


def test_body_that_raises_leaves_the_old_file(suffix, grid, make_streamlines, tmp_path):
    path = tmp_path / f"a.{suffix}"
    path.write_text("old")

    def fail_midway():
        with open_writer(path, reference=grid, force=True) as writer:
            writer.write(make_streamlines(grid), None, {"x": np.arange(7)})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_midway()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_cannot_be_closed_is_not_described(
    written, grid, make_streamlines, tmp_path, monkeypatch
):
    path = written("a.trk")
    before = sidecar_path(path).read_bytes()

    def close(self):
        self._file.close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TrkBlockWriter, "close", close)
    data = {"a name of more than twenty letters": np.arange(7)}
    with pytest.raises(WriteError):
        save_bundles(
            path,
            make_streamlines(grid),
            reference=grid,
            data_per_streamline=data,
            force=True,
        )
    assert sidecar_path(path).read_bytes() == before


@pytest.mark.parametrize("name", ["a.nii.gz", "a", "a.trk.gz"])
def test_unknown_extensions(name, grid, tmp_path):
    with pytest.raises(ValueError, match="a tractogram is one of"):
        save_bundles(tmp_path / name, np.ones((1, 2, 3)), reference=grid)


def test_upper_case_extension(suffix, grid, make_streamlines, tmp_path):
    path = tmp_path / f"a.{suffix.upper()}"
    streamlines = make_streamlines(grid)
    save_bundles(path, streamlines, reference=grid)
    assert_same_points(load_bundles(path, reference=grid).streamlines, streamlines)
