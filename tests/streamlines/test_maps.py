"""Images that are sampled at the points of streamlines."""

import nibabel as nib
from nibabel.affines import apply_affine
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.point_data.maps import parse_maps

from .conftest import make_affine

AFFINE = make_affine((0.4, -0.3, 0.9), (2, 1.5, 3), (-20, 30, -65))
SHAPE = (12, 9, 7)


def linear(points):
    return points @ [0.01, -0.02, 0.03] + 0.5


@pytest.fixture
def image(tmp_path):
    """Return a function that writes an image; by default of a linear field."""

    def write(name="fa.nii.gz", data=None, affine=AFFINE):
        if data is None:
            voxels = np.moveaxis(np.indices(SHAPE), 0, -1)
            data = linear(apply_affine(affine, voxels)).astype(np.float32)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.Nifti1Image(data, affine).to_filename(path)
        return path

    return write


@pytest.fixture
def tractogram(tmp_path, grid):
    """Return a function that writes streamlines through voxels (n, p, 3)."""

    def write(name="a.trx", voxels=None, **options):
        if voxels is None:
            voxels = np.random.default_rng(0).uniform(0, 1, (9, 5, 3))
            voxels = voxels * (np.array(SHAPE) - 1)
        points = apply_affine(AFFINE, voxels).astype(np.float32)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_bundles(path, points, reference=options.pop("reference", grid), **options)
        return path

    return write


def load(files, maps, **options):
    return load_bundles(files, maps=maps, out_of_bounds="keep", **options)


def test_a_linear_field_is_found_again(image, tractogram):
    """On a rotated grid that is not that of the streamlines."""
    found = load(tractogram(), {"FA": image()})
    expected = linear(found.streamlines._data)
    np.testing.assert_allclose(found.data_per_point["FA"][:, 0], expected, atol=2e-6)


def test_values_are_trilinear(image, tractogram):
    data = np.random.default_rng(1).normal(size=SHAPE)
    found = load(tractogram(), {"x": image(data=data)})
    voxels = apply_affine(np.linalg.inv(AFFINE), found.streamlines._data)
    expected = map_coordinates(data, voxels.T, order=1, mode="nearest")
    np.testing.assert_allclose(found.data_per_point["x"][:, 0], expected, atol=2e-5)


def test_outer_voxels_have_half_a_voxel_more(image, tractogram, caplog):
    data = np.ones(SHAPE)
    data[0], data[-1] = 3, 5
    places = [[-0.45, 2, 2], [0, 2, 2], [11, 2, 2], [11.45, 8.4, 6.4], [5, -0.4, 2]]
    outside = [[-0.6, 2, 2], [3, 2, 6.6]]
    path = tractogram(voxels=np.array([places + outside + [[6, 4, 3]]]))
    values = load(path, {"x": image(data=data)}).data_per_point["x"].ravel()
    np.testing.assert_allclose(values, [3, 3, 5, 5, 1, np.nan, np.nan, 1], atol=1e-5)
    assert "x: of 8 points, 2 outside of the image: there" in caplog.text


def test_what_is_not_finite_is_missing(image, tractogram, caplog):
    data = np.ones(SHAPE)
    data[4:] = np.nan
    data[0, 0, 0] = np.inf
    data[1, 1, 1] = 2
    voxels = np.array([[[1, 1, 1], [2.5, 1, 1], [3.5, 1, 1], [6, 1, 1], [0, 0, 0]]])
    path = tractogram(voxels=voxels + 1e-4)
    values = load(path, {"x": image(data=data)}).data_per_point["x"].ravel()
    np.testing.assert_allclose(values, [2, 1, np.nan, np.nan, np.nan], atol=1e-3)
    assert "x: of 5 points, 3 where it is not finite" in caplog.text


@pytest.mark.parametrize("mapped", [False, True])
def test_values_stay_with_streamlines_that_are_kept(
    mapped, image, tractogram, tmp_path
):
    files, short = [], np.full((1, 2, 3), 4.0)
    for number, name in enumerate("ab"):
        lines = np.random.default_rng(number).uniform(0, 6, (3, 2, 3))
        lines = np.concatenate([lines[:1], short, lines[1:]])
        files.append(tractogram(f"{name}.trx", lines))
    folder = tmp_path / "folder" if mapped else None
    found = load(files, {"FA": image()}, values=["FA"], folder=folder)
    assert len(found) == 6
    expected = linear(found.streamlines.get_data())
    np.testing.assert_allclose(found.data_per_point["FA"][:, 0], expected, atol=2e-6)
    assert isinstance(found.data_per_point["FA"], np.memmap) == mapped


def test_a_map_replaces_a_value_of_the_file(image, tractogram, caplog):
    path = tractogram(data_per_point={"FA": np.full(45, 7), "MD": np.full(45, 8)})
    caplog.clear()
    found = load(path, {"FA": image()}, keep_data=True).data_per_point
    assert (found["FA"] != 7).all()
    assert (found["MD"] == 8).all()
    said = [one for one in caplog.messages if "data_per_point" in one]
    assert said == [
        "The data_per_point FA of the inputs are replaced by those of the images of "
        "the same name"
    ]


def test_each_subject_has_its_own(image, tractogram, tmp_path):
    files = []
    for subject, value in (("sub-01", 1), ("sub-02", 2)):
        for session, more in (("ses-a", 0), ("ses-b", 0.5)):
            data = np.full(SHAPE, float(value + more))
            data[-1, -1, -1] = 9
            image(f"maps/{subject}/{session}/dwi/{subject}_{session}_FA.nii.gz", data)
            files.append(tractogram(f"{subject}/{session}/AF_L.trx"))
        image(f"maps/{subject}/anat/{subject}_T1w.nii.gz", np.ones((3, 3, 3)))
    found = load(files, {"FA": f"{tmp_path}/maps/**/*_FA.nii.gz"})
    values = found.data_per_point["FA"].reshape(4, -1)
    assert np.median(values, axis=1).tolist() == [1, 1.5, 2, 2.5]

    def fails(match, file, maps):
        with pytest.raises((ValueError, OSError), match=match):
            load(file, {"FA": str(maps)})

    everything = f"{tmp_path}/maps/**/*.nii.gz"
    fails(
        r"several images of FA are those of .*sub-01 ses-a\): .*T1w.*_FA",
        files[0],
        everything,
    )
    other = tractogram("sub-03/AF_L.trx")
    one = next((tmp_path / "maps/sub-01/ses-a").glob("**/*.nii.gz"))
    fails(r"no image of FA for .*\(sub-03\) among", other, everything)
    fails(r"no image of FA for .*\(sub-03\) among", other, one)
    fails("neither a sub- nor a ses- label", tractogram("AF_L.trx"), everything)
    fails("matches .*: check the pattern", other, tmp_path / "*.gz")
    fails("does not exist: check", other, tmp_path / "none.nii")
    fails("is the folder .*: give an image, or a glob", other, tmp_path)
    # One image of no subject is for all.
    assert len(load([*files, other], {"FA": image("template.nii.gz")})) == 45


def test_images_of_another_space(image, tractogram):
    moved = AFFINE.copy()
    moved[0, 3] += 20
    with pytest.raises(
        ValueError, match=r"is not of the space of .*: \d+ of its 45 poi"
    ):
        load(tractogram(), {"FA": image(affine=moved)})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((3, 3, 3, 6)), "has the shape .*: a map has three axes"),
        (np.ones((3, 3)), "has the shape"),
        (np.full((3, 3, 3), np.nan), "has no finite voxel"),
        (np.zeros((3, 3, 3), [(c, "u1") for c in "RGB"]), "and not numbers"),
        (np.ones((3, 3, 3), np.complex64), "and not numbers"),
    ],
)
def test_what_is_no_map(data, message, image, tractogram):
    with pytest.raises(ValueError, match=message):
        load(tractogram(), {"FA": image(data=data)})


def test_other_kinds_of_images(image, tractogram, caplog):
    """Of whole numbers with a last axis of one, constant, and never written to."""
    path = image(data=np.full((*SHAPE, 1), 3, np.int16))
    path.chmod(0o400)
    before = path.read_bytes()
    found = load(tractogram(), {"n": path}).data_per_point["n"]
    np.testing.assert_allclose(found, 3, rtol=1e-6)
    assert f"{path} is 3 everywhere" in caplog.text
    assert path.read_bytes() == before


def test_maps_on_the_command_line():
    maps = parse_maps(["FA=a=b.nii", "MD=/x/*.nii"])
    assert maps == {"FA": "a=b.nii", "MD": "/x/*.nii"}
    assert parse_maps(None) == {}
    for texts, message in (
        (["FA"], "give NAME=FILE"),
        (["=x.nii"], "give NAME=FILE"),
        (["FA="], "give NAME=FILE"),
        (["FA=a.nii", "FA=b.nii"], "FA is given twice"),
    ):
        with pytest.raises(ValueError, match=message):
            parse_maps(texts)
