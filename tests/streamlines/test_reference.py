import gzip
import json

from dipy.io.stateful_tractogram import Space, StatefulTractogram
import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.reference import Reference


def test_from_an_image(reference, tmp_path):
    image = nib.Nifti1Image(np.zeros((*reference.dimensions, 2)), reference.affine)
    path = tmp_path / "data.nii.gz"
    nib.save(image, path)
    read = Reference.from_file(path)
    assert read.matches(reference)
    np.testing.assert_allclose(read.voxel_sizes, reference.voxel_sizes, rtol=1e-5)
    assert read.voxel_order == reference.voxel_order


@pytest.mark.parametrize("extension", ["trk", "trx"])
def test_from_a_tractogram(reference, extension, make_streamlines, tmp_path):
    path = tmp_path / f"a.{extension}"
    save_bundles(path, make_streamlines(reference), reference=reference)
    read = Reference.from_file(path)
    assert read.matches(reference)
    assert read.voxel_order == reference.voxel_order


def test_matches_what_dipy_compares(reference):
    sft = StatefulTractogram([], reference.space_attributes, Space.RASMM)
    assert Reference.of(sft).matches(reference)
    moved = reference.affine.copy()
    moved[0, 3] += 0.1
    assert not Reference(moved, reference.dimensions).matches(reference)
    assert not Reference(reference.affine, (80, 90, 71)).matches(reference)


def test_dict_is_plain_json_and_loses_nothing(reference):
    text = json.dumps(reference.to_dict())
    read = Reference.from_dict(json.loads(text))
    assert read.to_dict() == reference.to_dict()
    np.testing.assert_array_equal(read.affine, reference.affine)


def test_placeholders():
    assert Reference(np.eye(4), (1, 1, 1)).is_placeholder
    empty = Reference(np.eye(4), (0, 0, 0))
    assert empty.is_placeholder
    assert StatefulTractogram([], empty.space_attributes, Space.RASMM) is not None
    assert not Reference(np.eye(4), (1, 1, 2)).is_placeholder


def test_is_frozen(grid):
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 3
    with pytest.raises(AttributeError):
        grid.dimensions = (1, 2, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"affine": np.eye(3)}, "4 by 4"),
        ({"affine": np.full((4, 4), np.nan)}, "4 by 4 finite"),
        ({"affine": np.zeros((4, 4))}, "flat"),
        ({"dimensions": (2, 3)}, "three counts"),
        ({"dimensions": (2, 3, -1)}, "three counts"),
        ({"dimensions": (2, 3, 40_000)}, "up to 32767"),
        ({"voxel_sizes": (1, 1, 0)}, "three positive numbers"),
    ],
)
def test_impossible_grids(values, message):
    with pytest.raises(ValueError, match=message):
        Reference(**{"affine": np.eye(4), "dimensions": (2, 2, 2), **values})


def test_contains_agrees_with_dipy(reference):
    rng = np.random.default_rng(0)
    voxels = rng.uniform(-0.02, 1.02, size=(60, 4, 3)) * reference.dimensions - 0.5
    points = voxels @ reference.affine[:3, :3].T + reference.affine[:3, 3]
    expected = [
        StatefulTractogram(
            [streamline], reference.space_attributes, Space.RASMM
        ).is_bbox_in_vox_valid()
        for streamline in points
    ]
    found = reference.contains(points)
    np.testing.assert_array_equal(found, expected)
    assert 10 < found.sum() < 50


def test_contains_up_to_the_faces_of_the_voxels():
    grid = Reference(np.diag([2.0, 2, 2, 1]), (10, 10, 10))
    inside = np.array([[[-1, -1, -1], [19, 19, 19]]], dtype=float)
    outside = np.array([[[-1.01, 0, 0], [1, 1, 1]], [[0, 0, 0], [0, 19.01, 0]]])
    assert grid.contains(inside).tolist() == [True]
    assert grid.contains(outside).tolist() == [False, False]


def test_contains_does_not_hold_for_points_that_are_not_finite():
    points = np.array([[[0, 0, 0], [1, 1, 1]], [[0, 0, 0], [np.nan, 1, 1]]])
    points = np.concatenate([points, [[[np.inf, 0, 0], [1, 1, 1]]]])
    assert Reference(np.eye(4), (9, 9, 9)).contains(points).tolist() == [
        True,
        False,
        False,
    ]
    nothing = as_sequence(np.zeros((0, 3)), [0, 0])
    assert Reference(np.eye(4), (9, 9, 9)).contains(nothing).all()


@pytest.mark.parametrize("voxel_size", [1.0, 2.5])
def test_covering_is_around_the_points(voxel_size):
    points = np.random.default_rng(0).normal(scale=40, size=(5, 6, 3))
    points[0, 0] = np.nan
    grid = Reference.covering(points, voxel_size=voxel_size, margin=3)
    assert grid.voxel_order == "RAS"
    assert grid.contains(points).tolist() == [False, True, True, True, True]
    low = grid.affine[:3, 3]
    high = low + voxel_size * (np.array(grid.dimensions) - 1)
    finite = points[np.isfinite(points).all(axis=-1)]
    for margins in (finite.min(axis=0) - low, high - finite.max(axis=0)):
        assert (margins >= 3).all()
        assert (margins < 3 + voxel_size).all()


def test_covering_nothing_or_too_much():
    with pytest.raises(ValueError, match="no finite point"):
        Reference.covering(np.full((1, 2, 3), np.inf))
    with pytest.raises(ValueError, match="not positive"):
        Reference.covering(np.zeros((1, 2, 3)), voxel_size=0)
    for far in (1e5, 1e38):
        with pytest.raises(ValueError, match="units of the points"):
            Reference.covering(np.array([[[0.0, 0, 0], [far, 0, 0]]]))


def test_files_without_a_grid(tmp_path):
    with pytest.raises(ValueError, match=r"\.nii, \.nii\.gz, \.trk, \.trx"):
        Reference.from_file(tmp_path / "a.tck")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Reference.from_file(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("extension", ["nii", "nii.gz", "trk", "trx"])
@pytest.mark.parametrize("contents", [b"", b"this is not an image at all" * 50])
def test_damaged_references(tmp_path, extension, contents):
    path = tmp_path / f"a.{extension}"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=r"a\..* is not a whole .* file") as caught:
        Reference.from_file(path)
    assert "\n" not in str(caught.value)


def test_an_image_that_does_not_say_where_it_lies(tmp_path, caplog):
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.uint8), None)
    nib.save(image, tmp_path / "a.nii")
    reference = Reference.from_file(tmp_path / "a.nii")
    np.testing.assert_array_equal(reference.affine, nib.load(tmp_path / "a.nii").affine)
    assert "neither by sform nor by qform" in caplog.text


def test_voxel_sizes_of_an_image_are_those_of_its_affine(tmp_path):
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.uint8), np.diag([2, 3, 4, 1]))
    nib.save(image, tmp_path / "a.nii")
    contents = bytearray((tmp_path / "a.nii").read_bytes())
    contents[80:92] = bytes(12)  # pixdim
    (tmp_path / "a.nii").write_bytes(contents)
    assert Reference.from_file(tmp_path / "a.nii").voxel_sizes == (2, 3, 4)


@pytest.mark.parametrize("order", ["XYZ", "RRS", "RA", b"\xff\xff\xff"])
def test_orders_that_are_none(order):
    with pytest.raises(ValueError, match=r"the voxel order .* is none"):
        Reference(np.eye(4), (2, 2, 2), voxel_order=order)


@pytest.mark.parametrize("extension", ["nii", "nii.gz"])
@pytest.mark.parametrize("dimensions", [(0, 0, 0), (32767, 32767, 32767)])
def test_images_whose_voxels_are_not_there(extension, dimensions, tmp_path):
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.uint8), np.eye(4))
    nib.save(image, tmp_path / "a.nii")
    contents = bytearray((tmp_path / "a.nii").read_bytes())
    contents[42:48] = np.array(dimensions, "<i2").tobytes()
    path = tmp_path / f"b.{extension}"
    path.write_bytes(gzip.compress(contents) if extension == "nii.gz" else contents)
    with pytest.raises(ValueError, match=r"its voxels of .* are not in it"):
        Reference.from_file(path)
