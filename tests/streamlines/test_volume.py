import h5py
import nibabel as nib
from nibabel.affines import apply_affine
import numpy as np
import pytest

from dipy_tractogen.streamlines.volume import Volume, load_mask, load_peaks

from .conftest import AFFINES


@pytest.mark.parametrize("name", AFFINES)
def test_a_voxel_holds_the_points_around_its_centre(name):
    data = np.arange(1, 61).reshape(3, 4, 5)
    volume = Volume(data, AFFINES[name])
    voxels = np.argwhere(data)
    shifted = np.concatenate([voxels, voxels + 0.45, voxels - 0.45])
    points = apply_affine(AFFINES[name], shifted).astype(np.float32)
    np.testing.assert_array_equal(volume.at(points), np.tile(data.ravel(), 3))


def test_points_beyond_the_grid_have_the_value_of_outside():
    volume = Volume(np.ones((3, 4, 5, 2)), np.eye(4))
    points = np.array([[[-0.6, 1, 1], [2.6, 1, 1]], [[1, 1, 4.4], [1, 1, -7]]])
    expected = np.array([[-3, -3], [1, -3]])[..., None].repeat(2, axis=-1)
    np.testing.assert_array_equal(volume.at(points, outside=-3), expected)


@pytest.mark.parametrize(
    ("data", "affine", "said"),
    [
        (np.ones((3, 3)), np.eye(4), "three axes"),
        (np.ones((3, 3, 3)), np.eye(3), "4 by 4"),
        (np.ones((3, 3, 3)), np.zeros((4, 4)), "cannot be inverted"),
    ],
)
def test_impossible_grids_are_refused(data, affine, said):
    with pytest.raises(ValueError, match=said):
        Volume(data, affine)


def save(path, data, affine=None):
    nib.save(nib.Nifti1Image(np.asarray(data, dtype=np.float32), affine), path)
    return path


def test_mask_is_what_is_neither_zero_nor_nan(tmp_path):
    data = np.zeros((2, 2, 2, 1))
    data[0, 0, :, 0] = np.nan, 3
    mask = load_mask(save(tmp_path / "mask.nii.gz", data, AFFINES["rotated"]))
    np.testing.assert_array_equal(np.argwhere(mask.data), [[0, 0, 1]])
    np.testing.assert_allclose(mask.affine, AFFINES["rotated"], atol=1e-4)


def test_files_that_are_no_masks_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_mask(tmp_path / "missing.nii.gz")
    whole = save(tmp_path / "a.nii.gz", np.random.default_rng(0).random((20, 20, 20)))
    whole.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(ValueError, match="is not a whole"):
        load_mask(whole)
    with pytest.raises(ValueError, match="zero in all voxels"):
        load_mask(save(tmp_path / "zero.nii", np.zeros((2, 2, 2))))
    with pytest.raises(ValueError, match="a mask has three axes"):
        load_mask(save(tmp_path / "four.nii", np.ones((2, 2, 2, 2))))


@pytest.mark.parametrize("shape", [(2, 2, 2, 6), (2, 2, 2, 2, 3)])
@pytest.mark.parametrize("name", AFFINES)
def test_peaks_follow_the_axes_of_their_image(tmp_path, name, shape):
    data = np.zeros((2, 2, 2, 2, 3))
    data[..., 0, 0], data[..., 1, 2] = 1, 0.5
    path = save(tmp_path / "peaks.nii.gz", data.reshape(shape), AFFINES[name])
    peaks = load_peaks(path)
    origin, along_x, along_z = apply_affine(
        AFFINES[name], [[0, 0, 0], [1, 0, 0], [0, 0, 1]]
    )
    expected = [along_x - origin, along_z - origin]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    expected[1] /= 2
    np.testing.assert_allclose(peaks.data[1, 1, 0], expected, atol=1e-5)


def test_peaks_of_dipy_are_read(tmp_path):
    from dipy.core.sphere import Sphere
    from dipy.direction.peaks import PeaksAndMetrics
    from dipy.io.peaks import save_pam

    dirs = np.zeros((2, 2, 2, 5, 3))
    dirs[..., 0, 1] = 1
    peaks = PeaksAndMetrics()
    peaks.peak_dirs, peaks.affine = dirs, AFFINES["rotated"]
    peaks.peak_values = np.ones((2, 2, 2, 5))
    peaks.peak_indices = np.zeros((2, 2, 2, 5), dtype=int)
    peaks.sphere = Sphere(xyz=np.eye(3))
    save_pam(str(tmp_path / "peaks.pam5"), peaks)
    read = load_peaks(tmp_path / "peaks.pam5")
    expected = AFFINES["rotated"][:3, 1] / 2
    np.testing.assert_allclose(read.data[0, 1, 0, 0], expected, atol=1e-5)
    np.testing.assert_allclose(read.affine, AFFINES["rotated"], atol=1e-5)


def test_peaks_without_an_affine_or_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "peaks.pam5"
    path.write_bytes(b"no peaks")
    with pytest.raises(ValueError, match=r"is not a whole \.pam5 file"):
        load_peaks(path)
    with h5py.File(path, "w") as file:
        file["pam/peak_dirs"] = np.zeros((2, 2, 2, 5, 3))
    with pytest.raises(ValueError, match="it has no affine"):
        load_peaks(path)
    with h5py.File(path, "a") as file:
        file["pam/affine"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ValueError, match="no pam/affine of its own"):
        load_peaks(path)
    with pytest.raises(ValueError, match=r"3 \* nb_peaks"):
        load_peaks(save(tmp_path / "four.nii", np.ones((2, 2, 2, 4)), np.eye(4)))


def test_images_that_cannot_be_are_refused(tmp_path):
    colours = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "rgb.nii.gz")
    with pytest.raises(ValueError, match=r"rgb\.nii.*and not numbers"):
        load_mask(tmp_path / "rgb.nii.gz")
    image = nib.Nifti1Image(np.ones((2, 2, 2), np.float32), np.eye(4))
    path = tmp_path / "a.nii"
    nib.save(image, path)
    contents = bytearray(path.read_bytes())
    contents[42:48] = np.full(3, 32767, "<i2").tobytes()  # its dimensions
    path.write_bytes(contents)
    with pytest.raises(ValueError, match="far more than the file holds"):
        load_mask(path)
    contents[42:48] = np.full(3, 2, "<i2").tobytes()
    contents[280:284] = np.float32(np.nan).tobytes()  # of its affine
    path.write_bytes(contents)
    with pytest.raises(ValueError, match="not 4 by 4 finite numbers"):
        load_mask(path)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_peaks_that_are_no_numbers_are_none(value, tmp_path):
    data = np.ones((2, 2, 2, 6))
    data[0] = value
    read = load_peaks(save(tmp_path / "a.nii", data, np.eye(4)))
    np.testing.assert_array_equal(read.data[0], 0)
    np.testing.assert_array_equal(read.data[1], 1)


def test_peaks_far_beyond_directions_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.nii has peaks of 1e\+38"):
        load_peaks(save(tmp_path / "a.nii", np.full((2, 2, 2, 6), 1e38), np.eye(4)))
