"""Files of transforms: every format against matrices that are written by hand."""

import math
import struct

from dipy.align import write_mapping
from dipy.align.imwarp import DiffeomorphicMap
import nibabel as nib
import numpy as np
import pytest
from scipy.io import savemat

from dipy_tractogen.streamlines.spaces.files import read_transform

POINTS = np.array([[1.0, 2.0, 3.0], [-40.0, 25.5, 10.0], [0.0, 0.0, 0.0]])
MATRIX = np.array(
    [[0.9, -0.2, 0.1, 5], [0.3, 1.1, 0, -7], [0, 0.05, 1.2, 40.25], [0, 0, 0, 1]]
)
MOVED = POINTS @ MATRIX[:3, :3].T + MATRIX[:3, 3]
# About 90 degrees around z, in LPS, which is the same rotation in RAS.
QUARTER = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def itk_numbers(matrix, centre):
    """Return parameters of an affine of ITK that maps points as a RASMM matrix."""
    signs = np.array([-1, -1, 1, 1.0])
    lps = signs[:, None] * matrix * signs
    translation = lps[:3, 3] + lps[:3, :3] @ centre - centre
    return np.concatenate([lps[:3, :3].ravel(), translation])


def itk_text(kind, parameters, fixed, transforms=1):
    """Return the text of a file of ITK."""
    lines = ["#Insight Transform File V1.0"]
    for number in range(transforms):
        lines += [
            f"#Transform {number}",
            f"Transform: {kind}_double_3_3",
            "Parameters: " + " ".join(map(repr, map(float, parameters))),
            "FixedParameters: " + " ".join(map(repr, map(float, fixed))),
        ]
    return "\n".join([*lines, ""])


def test_matrix_as_text(tmp_path):
    path = tmp_path / "affine.txt"
    np.savetxt(path, MATRIX, header="moving to static")
    transform = read_transform(path)
    np.testing.assert_allclose(transform.apply_to_points(POINTS), MOVED)
    back = transform.inverse().apply_to_points(MOVED)
    np.testing.assert_allclose(back, POINTS, atol=1e-10)
    record = transform.to_dict()
    assert record["file"] == str(path)
    assert record["matrix"] == MATRIX.tolist()


def test_in_brackets_is_the_inverse(tmp_path):
    path = tmp_path / "affine.txt"
    np.savetxt(path, MATRIX)
    inverse = read_transform(f"[{path},1]")
    np.testing.assert_allclose(inverse.apply_to_points(MOVED), POINTS, atol=1e-10)
    assert inverse.to_dict()["inverted"]
    same = read_transform(f"[{path}, 0]")
    np.testing.assert_allclose(same.apply_to_points(POINTS), MOVED)


def test_files_in_the_order_given(tmp_path):
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    np.savetxt(first, MATRIX)
    np.savetxt(second, QUARTER)
    both = read_transform([first, str(second)])
    expected = MOVED @ QUARTER[:3, :3].T
    np.testing.assert_allclose(both.apply_to_points(POINTS), expected)
    back = both.inverse().apply_to_points(expected)
    np.testing.assert_allclose(back, POINTS, atol=1e-10)
    assert [step["file"] for step in both.to_dict()["steps"]] == [
        str(first),
        str(second),
    ]


@pytest.mark.parametrize("name", ["0GenericAffine.mat", "affine.txt", "affine.tfm"])
def test_itk_maps_fixed_points_to_moving_ones(tmp_path, name):
    """The input is the moving image: the inverse of the file brings it along."""
    path, centre = tmp_path / name, np.array([3.0, -20.0, 11.0])
    numbers = itk_numbers(np.linalg.inv(MATRIX), centre)
    if name.endswith(".mat"):
        values = {
            "AffineTransform_double_3_3": numbers[:, None],
            "fixed": centre[:, None],
        }
        savemat(path, values, format="4")
    else:
        path.write_text(itk_text("MatrixOffsetTransformBase", numbers, centre))
    moved = read_transform(path).apply_to_points(POINTS)
    np.testing.assert_allclose(moved, MOVED, atol=1e-10)


def test_bytes_of_matlab_4(tmp_path):
    """The bytes that ITK writes, by the description of the format."""
    numbers = itk_numbers(np.linalg.inv(MATRIX), np.zeros(3))
    content = b""
    for name, values in (
        ("AffineTransform_double_3_3", numbers),
        ("fixed", np.zeros(3)),
    ):
        text = name.encode() + b"\0"
        content += struct.pack("<5i", 0, len(values), 1, 0, len(text)) + text
        content += struct.pack(f"<{len(values)}d", *values)
    path = tmp_path / "0GenericAffine.mat"
    path.write_bytes(content)
    moved = read_transform(path).apply_to_points(POINTS)
    np.testing.assert_allclose(moved, MOVED, atol=1e-10)


RIGID = {
    # Angles x, y, z: a quarter turn about x takes y to z, one about y z to x.
    "Euler3DTransform": ((math.pi / 2, math.pi / 2, 0, 1, 2, 3), (0, 0, 0)),
    "VersorRigid3DTransform": ((0, 0, math.sqrt(0.5), 1, 2, 3), (0, 0, 0)),
    "Similarity3DTransform": ((0, 0, math.sqrt(0.5), 1, 2, 3, 2), (0, 0, 0)),
    "TranslationTransform": ((1, 2, 3), ()),
    "Euler3DTransform in the order x, y, z": (
        (math.pi / 2, math.pi / 2, 0, 1, 2, 3),
        (0, 0, 0, 1),
    ),
}
# Where the point (10, 20, 30) of the fixed image goes, in LPS, by hand.
GOALS = {
    # About y: (30, 20, -10); then about x: (30, 10, 20).
    "Euler3DTransform": (31, 12, 23),
    # About z: (-20, 10, 30).
    "VersorRigid3DTransform": (-19, 12, 33),
    "Similarity3DTransform": (-39, 22, 63),
    "TranslationTransform": (11, 22, 33),
    # About x: (10, -30, 20); then about y: (20, -30, -10).
    "Euler3DTransform in the order x, y, z": (21, -28, -7),
}


@pytest.mark.parametrize("name", RIGID)
def test_other_kinds_of_itk(tmp_path, name):
    path = tmp_path / "rigid.txt"
    path.write_text(itk_text(name.split()[0], *RIGID[name]))
    moved = np.array(GOALS[name]) * (-1, -1, 1)
    found = read_transform(path).apply_to_points(moved.astype(float))
    np.testing.assert_allclose(found, (-10, -20, 30), atol=1e-9)


def smooth_map(tmp_path):
    """Write a mapping of DIPY as DIPY does; return it and its file."""
    shape, affine = (20, 22, 24), np.diag([-5.0, 5, 5, 1])
    affine[:3, 3] = 47, -52, -58
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    near = np.exp(-((voxels - (10, 11, 12)) ** 2).sum(-1) / 40.0)[..., None]
    mapping = DiffeomorphicMap(
        3, shape, disp_grid2world=affine, codomain_grid2world=affine
    )
    mapping.forward = (near * (6.0, -4.0, 3.0)).astype(np.float32)
    mapping.backward = -mapping.forward
    path = tmp_path / "displacement_field.nii.gz"
    write_mapping(mapping, str(path))
    return mapping, path


def test_mapping_of_dipy(tmp_path):
    mapping, path = smooth_map(tmp_path)
    transform = read_transform(path)
    rng = np.random.default_rng(0)
    points = rng.uniform(-45, 45, (500, 3))
    moved = transform.apply_to_points(points)
    np.testing.assert_allclose(moved, mapping.transform_points(points), atol=1e-5)
    assert np.linalg.norm(moved - points, axis=1).max() > 5
    # The fields of the file are no inverses of each other, and points come back.
    rough = mapping.transform_points_inverse(moved)
    assert np.abs(rough - points).max() > 0.3
    back = transform.inverse().apply_to_points(moved)
    assert np.abs(back - points).max() < 0.01
    again = transform.inverse().inverse().apply_to_points(points)
    np.testing.assert_array_equal(again, moved)
    assert transform.inverse().to_dict()["inverted"]


BAD = {
    "three rows.txt": "1 0 0 0\n0 1 0 0\n0 0 1 0\n",
    "words.txt": "no matrix at all\n",
    "nan.txt": "nan 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n",
    "flat.txt": "1 0 0 0\n1 0 0 0\n0 0 1 0\n0 0 0 1\n",
    "row.txt": "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 2 1\n",
    "far.txt": "1 0 0 1e6\n0 1 0 0\n0 0 1 0\n0 0 0 1\n",
    "fsl.mat": "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n",
    "empty.mat": "",
    "empty.txt": "",
    "long.txt": "1 0 0 0\n" * 20_000,
    "kind.txt": itk_text("BSplineTransform", np.zeros(12), np.zeros(3)),
    "number.txt": itk_text("AffineTransform", np.zeros(11), np.zeros(3)),
    "two.txt": itk_text("AffineTransform", np.eye(3, 4).ravel(), np.zeros(3), 2),
    "no parameters.txt": "#Insight Transform File V1.0\nTransform: AffineTransform\n",
    "infinite.txt": itk_text("AffineTransform", np.full(12, np.inf), np.zeros(3)),
    "zero.txt": itk_text("AffineTransform", np.zeros(12), np.zeros(3)),
}


@pytest.mark.parametrize("name", BAD)
def test_no_transform(tmp_path, name):
    path = tmp_path / name
    path.write_text(BAD[name])
    with pytest.raises(ValueError, match="no transform that is read") as caught:
        read_transform(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


MATLAB = {
    "an announced size": struct.pack("<5i", 0, 2**30, 2**29, 0, 2) + b"a\0",
    "a size below zero": struct.pack("<5i", 0, -12, 1, 0, 2) + b"a\0",
    "a kind": struct.pack("<5i", 49, 12, 1, 0, 2) + b"a\0" + bytes(96),
    "text": struct.pack("<5i", 1, 12, 1, 0, 2) + b"a\0" + bytes(96),
    "a name": struct.pack("<5i", 0, 12, 1, 0, 2**30) + b"a\0" + bytes(96),
    "the header": struct.pack("<3i", 0, 12, 1),
}


@pytest.mark.parametrize("name", MATLAB)
def test_damaged_matlab(tmp_path, name):
    path = tmp_path / "0GenericAffine.mat"
    path.write_bytes(MATLAB[name])
    with pytest.raises(ValueError, match="no transform that is read"):
        read_transform(path)


def test_other_versions_of_matlab(tmp_path):
    path = tmp_path / "affine.mat"
    savemat(path, {"AffineTransform_double_3_3": np.zeros((12, 1))}, format="5")
    with pytest.raises(ValueError, match="version 4"):
        read_transform(path)


IMAGES = {
    "a warp of ITK": (np.zeros((4, 4, 4, 1, 3), "f4"), "warp of ITK"),
    "an image": (np.zeros((4, 4, 4), "f4"), "shape"),
    "whole numbers": (np.zeros((4, 4, 4, 3, 2), "i2"), "type"),
    "nan": (np.full((4, 4, 4, 3, 2), np.nan, "f4"), "finite"),
    "too far": (np.full((4, 4, 4, 3, 2), 1e6, "f4"), "beyond"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_that_are_no_mapping(tmp_path, name):
    data, said = IMAGES[name]
    path = tmp_path / "warp.nii.gz"
    nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    with pytest.raises(ValueError, match=said):
        read_transform(path)


def test_a_mapping_that_announces_more_than_it_holds(tmp_path):
    path = tmp_path / "warp.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 3, 2), "f4"), np.eye(4)), path)
    content = bytearray(path.read_bytes())
    content[42:48] = struct.pack("<3h", 32000, 32000, 32000)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="far more"):
        read_transform(path)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_transform(tmp_path / "none.txt")
    with pytest.raises(ValueError, match=r"\.nii\.gz"):
        read_transform(tmp_path / "transform.h5")
    with pytest.raises(ValueError, match="no transform is given"):
        read_transform([])
