import logging

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference

PLACEHOLDER = Reference(np.eye(4), (1, 1, 1))


def starts(bundles):
    return [float(streamline[0, 0]) for streamline in bundles.streamlines]


def test_different_grids_are_refused(save, grid):
    moved = grid.affine.copy()
    moved[0, 3] += 1
    paths = [
        save("a.trk"),
        save("b.trx", reference=Reference(moved, grid.dimensions)),
    ]
    with pytest.raises(ValueError, match=r"a\.trk and .*b\.trx are in different grids"):
        load_bundles(paths)
    bundles = load_bundles(paths, reference=grid)
    assert len(bundles) == 6
    assert bundles.reference.matches(grid)


def test_reference_from_a_file_states_the_grid(save, tmp_path):
    image = tmp_path / "fa.nii.gz"
    affine = np.diag([2.0, 2, 2, 1])
    nib.save(nib.Nifti1Image(np.zeros((10, 20, 10), np.uint8), affine), image)
    bundles = load_bundles(save("a.tck", n=22), reference=image)
    assert bundles.reference.dimensions == (10, 20, 10)
    assert starts(bundles) == list(range(20))


def test_headerless_file_takes_the_grid_of_the_others(save, grid, caplog):
    with caplog.at_level(logging.INFO, logger="dipy_tractogen"):
        bundles = load_bundles([save("a.tck"), save("b.trk")])
    assert bundles.reference.matches(grid)
    assert "1 of 2 files have no voxel grid" in caplog.text


@pytest.mark.parametrize("extension", ["trk", "trx", "tck", "dpy"])
def test_without_any_grid_there_is_no_box(save, extension, caplog):
    """DIPY's packaged bundles are such: one voxel at the origin."""
    path = save(f"a.{extension}", x=-80, reference=PLACEHOLDER)
    with caplog.at_level(logging.INFO, logger="dipy_tractogen"):
        bundles = load_bundles(path)
    assert starts(bundles) == [-80, -79, -78]
    assert bundles.report.dropped == {}
    assert sum("no voxel grid" in each for each in caplog.messages) == 1
    assert not bundles.reference.is_placeholder
    assert bundles.reference.contains(bundles.streamlines).all()


def test_placeholders_may_differ(save):
    other = Reference(np.diag([2.0, 2, 2, 1]), (1, 1, 1))
    paths = [
        save("a.trk", reference=PLACEHOLDER),
        save("b.trk", reference=other),
    ]
    assert len(load_bundles(paths)) == 6


def test_reference_that_is_not_there(save):
    with pytest.raises(FileNotFoundError, match=r"fa\.nii\.gz does not exist"):
        load_bundles(save("a.trk"), reference="fa.nii.gz")
