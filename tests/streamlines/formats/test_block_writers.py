import os
from pathlib import Path
import sys

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.columns import rounds_large
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.formats.writers import (
    open_writer,
    save_bundles,
)


@pytest.mark.parametrize(
    ("values", "rounded"),
    [
        ([2**24, -(2**24)], False),
        ([2**24 + 1], True),
        ([2**60], False),
        ([2**60 + 1], True),
        ([2**63 - 1], True),
        ([2**63 + 1], True),
        ([0.1, 2**23 + 0.1, np.nan, np.inf, -np.inf], False),
        ([1.7e9 + 0.25], True),
        ([-1.7e9 - 0.25], True),
        ([2.0**24 + 1], True),
        ([1e300], True),
    ],
)
def test_large_numbers_that_float32_rounds(values, rounded):
    assert rounds_large(np.array(values)) == rounded


def test_trk_is_what_nibabel_writes(reference, make_streamlines, tmp_path):
    streamlines = make_streamlines(reference)
    path, other = tmp_path / "ours.trk", tmp_path / "theirs.trk"
    data = {"age": np.arange(7), "bvec": np.arange(21.0).reshape(7, 3)}
    save_bundles(path, streamlines, reference=reference, data_per_streamline=data)
    ours = nib.streamlines.load(path)
    nib.streamlines.save(ours.tractogram, other, header=ours.header)
    theirs = nib.streamlines.load(other)
    assert ours.header.keys() == theirs.header.keys()
    for key, value in ours.header.items():
        np.testing.assert_array_equal(value, theirs.header[key], err_msg=key)
    assert path.stat().st_size == other.stat().st_size


def test_tck_is_what_nibabel_writes(grid, make_streamlines, tmp_path):
    path, other = tmp_path / "ours.tck", tmp_path / "theirs.tck"
    save_bundles(path, make_streamlines(grid), reference=grid)
    nib.streamlines.save(nib.streamlines.load(path).tractogram, other)
    ours = path.read_bytes().partition(b"\nEND\n")[2]
    assert ours == other.read_bytes().partition(b"\nEND\n")[2]
    assert nib.streamlines.load(path).header["count"] == "0000000007"


@pytest.mark.parametrize("extension", ["trx", "trk", "tck"])
def test_blocks_go_to_the_disk(extension, grid, tmp_path):
    points = np.random.default_rng(0).normal(size=(200, 50, 3)).astype(np.float32)
    with open_writer(tmp_path / f"a.{extension}", reference=grid) as writer:
        sizes = []
        for _ in range(3):
            writer.write(points)
            (file,) = tmp_path.iterdir()
            sizes.append(file.stat().st_size)
    assert np.diff(sizes).min() > 0.9 * points.nbytes


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
@pytest.mark.parametrize("extension", ["trx", "trk", "tck"])
def test_nothing_stays_open(extension, grid, tmp_path):
    with open_writer(tmp_path / f"a.{extension}", reference=grid) as writer:
        writer.write(np.ones((1, 2, 3)), None, {"x": [1]})
    held = [os.path.realpath(link) for link in Path("/proc/self/fd").glob("*")]
    assert not [name for name in held if name.startswith(str(tmp_path))]
    assert writer.nb_streamlines == 1


def test_more_values_than_a_trk_can_name(grid, tmp_path):
    data = {f"value{i}": np.ones(1) for i in range(11)}
    with pytest.raises(ValueError, match="holds 10 values"):
        save_bundles(
            tmp_path / "a.trk",
            np.ones((1, 2, 3)),
            reference=grid,
            data_per_streamline=data,
        )


def test_streamlines_of_one_point_can_be_written(grid, tmp_path):
    points = np.ones((4, 3), dtype=np.float32)
    save_bundles(tmp_path / "a.trk", as_sequence(points, [1, 3]), reference=grid)
    found = read_tractogram(tmp_path / "a.trk").streamlines
    assert [len(streamline) for streamline in found] == [1, 3]
