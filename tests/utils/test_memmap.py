import gc
import warnings

import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence, blocks, take
from dipy_tractogen.utils import memmap as store
from dipy_tractogen.utils.memmap import MemmapError, PointBuffer, allocate

POINTS = np.arange(60, dtype=np.float32).reshape(20, 3)


@pytest.mark.parametrize("on_disk", [False, True])
def test_points_come_back_from_any_place_on(on_disk, tmp_path):
    points = PointBuffer(tmp_path if on_disk else None)
    assert points.since(0).shape == (0, 3)
    for start in range(0, 20, 7):
        points.append(POINTS[start : start + 7])
    assert len(points) == 20
    np.testing.assert_array_equal(points.since(0), POINTS)
    np.testing.assert_array_equal(points.since(13), POINTS[13:])
    assert points.since(20).shape == (0, 3)
    assert isinstance(points.since(0), np.memmap) == on_disk


def test_nothing_is_left_in_the_folder(tmp_path):
    points = PointBuffer(tmp_path)
    points.append(POINTS)
    assert list(tmp_path.iterdir()) == []
    PointBuffer(tmp_path / "new")
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


def test_no_file_stays_open(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "LARGE", 10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        buffer = PointBuffer(tmp_path, 2)
        buffer.append(np.ones((5, 2), dtype=np.float32))
        kept = buffer.since(1)
        del buffer
        large = allocate((7, 3), tmp_path)
        gc.collect()
    assert [one for one in caught if one.category is ResourceWarning] == []
    large[:] = 2
    assert kept.sum() == 8
    assert large.sum() == 42


def test_only_large_arrays_are_in_files(tmp_path, monkeypatch):
    assert not isinstance(allocate((5, 2), tmp_path), np.memmap)
    monkeypatch.setattr(store, "LARGE", 39)
    array = allocate((5, 2), tmp_path)
    assert isinstance(array, np.memmap)
    array[:] = 3
    store.release_pages(array)
    np.testing.assert_array_equal(array, np.full((5, 2), 3))
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_to_a_private_map_stays(tmp_path):
    POINTS.tofile(tmp_path / "points")
    mapped = np.memmap(tmp_path / "points", np.float32, "c")
    mapped[:] = 7
    store.release_pages(mapped)
    assert (mapped == 7).all()


def test_disk_that_is_full_is_said_in_a_line(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "posix_fallocate", refuse, raising=False)
    monkeypatch.setattr(store, "LARGE", 0)
    with pytest.raises(MemmapError, match=r"kept in .* \(No space left on device\): "):
        allocate((5, 2), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(MemmapError, match=r"kept in .*file \("):
        PointBuffer(tmp_path / "file")


def test_few_streamlines_of_a_map_are_read_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("dipy_tractogen.streamlines.array_sequence._MOST_MAPPED", 3)
    points = PointBuffer(tmp_path)
    points.append(POINTS)
    mapped = as_sequence(points.since(0), np.full(10, 2))
    assert [len(lengths) for _, _, lengths in blocks(mapped)] == [3, 3, 3, 1]
    np.testing.assert_array_equal(take(mapped, np.arange(10))._data, POINTS)


def test_selections_of_mapped_points_are_read_as_others(tmp_path):
    points = PointBuffer(tmp_path)
    points.append(POINTS)
    lengths = np.array([3, 0, 5, 4, 8])
    mapped, plain = (as_sequence(p, lengths) for p in (points.since(0), POINTS))
    chosen = np.array([4, 0, 2])
    found = list(blocks(mapped[chosen], points_per_block=6))
    expected = list(blocks(plain[chosen], points_per_block=6))
    for one, other in zip(found, expected, strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(take(mapped, chosen)._data, take(plain, chosen)._data)


def test_arrays_beside_others(tmp_path, monkeypatch):
    """In the folder of a mapped array; in memory beside a copy, which is not mapped."""
    monkeypatch.setattr(store, "LARGE", 100)
    folders = []
    unnamed = store._unnamed_file
    monkeypatch.setattr(
        store,
        "_unnamed_file",
        lambda folder: folders.append(folder) or unnamed(folder),
    )
    buffer = store.PointBuffer(tmp_path, width=1)
    buffer.append(np.ones((50, 1), np.float32))
    mapped = buffer.since(10)
    beside = store.allocate_beside(mapped[5:], (50, 1))
    assert isinstance(beside, np.memmap)
    again = store.allocate_beside(beside, (60, 1))
    assert isinstance(again, np.memmap)
    assert folders == [tmp_path] * 3
    for other in (mapped.astype(float), np.ones(3)):
        assert not isinstance(store.allocate_beside(other, (50, 1)), np.memmap)
