from nibabel.streamlines import ArraySequence
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import (
    as_sequence,
    blocks,
    streamlines_of,
    take,
)
from dipy_tractogen.streamlines.conversion import extent, to_sequence


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 3)).astype(np.float32) for n in (4, 1, 7, 2, 5)]


def assert_same(streamlines, arrays):
    assert len(streamlines) == len(arrays)
    for streamline, array in zip(streamlines, arrays):
        np.testing.assert_array_equal(streamline, array)


def test_as_sequence_is_what_nibabel_builds(arrays):
    streamlines = as_sequence(np.concatenate(arrays), [len(a) for a in arrays])
    assert_same(streamlines, arrays)
    assert_same(streamlines[1:3], arrays[1:3])


def test_to_sequence_does_not_copy_an_array():
    points = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    streamlines = to_sequence(points)
    assert np.shares_memory(streamlines._data, points)
    assert_same(streamlines, list(points))


def test_to_sequence_takes_lists_and_other_numbers(arrays):
    assert_same(to_sequence(arrays), arrays)
    assert to_sequence(np.ones((2, 3, 3), dtype=np.int64))._data.dtype == np.float32


@pytest.mark.parametrize("points", [np.ones((4, 3)), np.ones((2, 4, 2))])
def test_to_sequence_refuses_other_shapes(points):
    with pytest.raises(ValueError, match="nb_points, 3"):
        to_sequence(points)


def test_to_sequence_refuses_points_of_the_plane():
    with pytest.raises(ValueError, match="three coordinates"):
        to_sequence([np.ones((4, 2))])


@pytest.mark.parametrize("points_per_block", [1, 5, 8, 100])
@pytest.mark.parametrize("order", [slice(None), [3, 0, 2], [4], slice(None, None, -1)])
def test_blocks_pass_every_streamline_once(arrays, order, points_per_block):
    streamlines = ArraySequence(arrays)[order]
    wanted = [arrays[i] for i in np.arange(5)[order]]
    found = []
    for rows, points, lengths in blocks(streamlines, points_per_block=points_per_block):
        assert rows.start == len(found)
        assert len(points) <= points_per_block or len(lengths) == 1
        found.extend(np.split(points, np.cumsum(lengths)[:-1]))
    assert_same(found, wanted)


def test_blocks_of_streamlines_without_points():
    streamlines = as_sequence(np.ones((2, 3), dtype=np.float32), [0, 2, 0])
    ((rows, points, lengths),) = blocks(streamlines)
    assert (rows, len(points), lengths.tolist()) == (slice(0, 3), 2, [0, 2, 0])
    assert list(blocks(ArraySequence())) == []


@pytest.mark.parametrize("indices", [[2, 0], [], [True, False, False, True, True]])
def test_take_copies(arrays, indices):
    streamlines = ArraySequence(arrays)
    indices = np.array(indices, dtype=bool if len(indices) == 5 else int)
    taken = take(streamlines, indices)
    assert_same(taken, [arrays[i] for i in np.arange(5)[indices]])
    assert not np.shares_memory(taken._data, streamlines._data)
    assert taken._data.dtype == np.float32


def test_streamlines_of_points():
    np.testing.assert_array_equal(
        streamlines_of(np.array([0, 2, 3, 5]), np.array([2, 0, 3, 4])), [0, 2, 3]
    )


def test_extent_passes_over_what_is_not_finite():
    points = np.array([[[1, 2, 3], [np.nan, 50, 50], [-1, 4, np.inf], [0, 9, 1]]])
    low, high = extent(points)
    np.testing.assert_array_equal([low, high], [[0, 2, 1], [1, 9, 3]])
    with pytest.raises(ValueError, match="no finite point"):
        extent(points[:, 1:2])
