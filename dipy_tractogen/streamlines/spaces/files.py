"""Files of transforms: matrices as text, those of ITK, mappings of DIPY."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path

import nibabel as nib
import numpy as np

from dipy_tractogen.utils.files import (
    file_digest,
    split_extension,
    split_inverted,
)
from dipy_tractogen.utils.memmap import check_unpacked_size
from dipy_tractogen.utils.messages import read_error, reason

from .itk import TEXT_MAGIC, read_itk
from .transform import AffineTransform, Transform
from .warp import WarpTransform

EXTENSIONS = (".txt", ".mat", ".tfm", ".nii", ".nii.gz")
"""Those of the files of transforms that are read."""

# Bytes of a matrix with its comments, and millimetres that no transform moves a point.
_LARGEST_TEXT = 2**16
_FARTHEST_MM = 1e4


def read_transform(paths: str | os.PathLike | Sequence) -> Transform:
    """Read a transform that brings points from the space of an input to another one.

    Each file is given in the direction in which a registration of the input (moving)
    to the other space (static, fixed) writes it, and ``[FILE,1]`` is the inverse of it,
    as in ANTs:

    - a text file of four rows of four numbers maps points of the input, in RASMM mm, to
      the other space, as ``dipy_slr`` writes it. The ``affine.txt`` of
      ``dipy_align_affine`` maps points of the static image to the moving one: give
      ``[affine.txt,1]``;
    - a .mat, .txt or .tfm of ITK, such as the ``0GenericAffine.mat`` of
      ``antsRegistration`` with the input as the moving image, maps points of the fixed
      image to the moving one, in LPS mm: its inverse is taken, and converted to RASMM;
    - a .nii.gz is a mapping of DIPY, as ``dipy_align_syn`` and
      ``dipy.align.write_mapping`` write it. A prealignment is not in it: give that
      before it, ``[affine.txt,1] displacement_field.nii.gz``.

    Parameters
    ----------
    paths : str, Path or sequence of them
        One file, or several that are applied in the order given.

    Returns
    -------
    Transform
        From the space of the input to the other one.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    ValueError
        If a file holds something else, or none is given.
    """
    one = isinstance(paths, (str, os.PathLike))
    transforms = [_read_one(path) for path in ([paths] if one else paths)]
    if not transforms:
        raise ValueError("no transform is given: name one file or several")
    first, *others = transforms
    for other in others:
        first = first.then(other)
    return first


def _read_one(given: str | os.PathLike) -> Transform:
    """Read one file, or the inverse of it."""
    name, flag = split_inverted(given)
    path = Path(name)
    extension = split_extension(path)[1].lower()
    if extension not in EXTENSIONS:
        raise ValueError(
            f"{path} is no transform that is read: give one of {', '.join(EXTENSIONS)}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: check its name")
    try:
        reader = _read_mapping if extension.startswith(".nii") else _read_affine
        transform = reader(path, {"file": str(path), "sha256": file_digest(path)})
    except OSError as error:
        raise read_error(path, error) from error
    # Libraries raise errors of many kinds of damaged files.
    except Exception as error:
        raise ValueError(
            f"{path} is no transform that is read ({reason(error)}): give four rows of "
            "four numbers as text, a .mat or .txt of ITK, or a .nii.gz of DIPY"
        ) from error
    return transform.inverse() if flag == "1" else transform


def _read_affine(path: Path, source: dict) -> AffineTransform:
    """Read a matrix, from the input to the other space."""
    with path.open("rb") as stream:
        content = stream.read(_LARGEST_TEXT + 1)
    if len(content) > _LARGEST_TEXT:
        raise ValueError(f"it is larger than {_LARGEST_TEXT} bytes")
    is_text = not content.startswith(TEXT_MAGIC) and b"\0" not in content
    if is_text and path.suffix.lower() == ".mat":
        raise ValueError(
            "it is text, as FSL writes a .mat, whose matrix is not in RASMM; convert "
            "it to that of ITK"
        )
    matrix = _matrix_of(content) if is_text else np.linalg.inv(read_itk(content))
    if np.abs(matrix[:3]).max() > _FARTHEST_MM:
        raise ValueError(f"it moves points by more than {_FARTHEST_MM:.0f} mm")
    return AffineTransform(matrix, source)


def _matrix_of(content: bytes) -> np.ndarray:
    """Return the matrix (4, 4) of a text with comments after #."""
    lines = (line.partition("#")[0] for line in content.decode("ascii").splitlines())
    rows = [line.replace(",", " ").split() for line in lines]
    numbers = [list(map(float, row)) for row in rows if row]
    if [len(row) for row in numbers] != [4] * 4:
        raise ValueError("it is not four rows of four numbers")
    matrix = np.array(numbers)
    if not np.isfinite(matrix).all():
        raise ValueError("its numbers are not finite")
    return matrix


def _read_mapping(path: Path, source: dict) -> WarpTransform:
    """Read a mapping of DIPY, from the moving to the static space."""
    image = nib.load(path)
    kind = image.get_data_dtype()
    if image.shape[3:] == (1, 3):
        raise ValueError(
            "it is a warp of ITK, and only mappings of DIPY are read, of the shape "
            "(x, y, z, 3, 2)"
        )
    if image.ndim != 5 or image.shape[3:] != (3, 2) or kind.kind != "f":
        raise ValueError(
            f"it is of the shape {image.shape} and the type {kind}, and a mapping of "
            "DIPY of (x, y, z, 3, 2) and floats"
        )
    size = int(np.prod(image.shape, dtype=object)) * kind.itemsize
    check_unpacked_size(size, path.stat().st_size)
    # The file holds the affine from RASMM to voxels in place of that to RASMM.
    affine = np.linalg.inv(image.affine)
    fields = np.asarray(image.dataobj, dtype=np.float32)
    if not (np.abs(fields) <= _FARTHEST_MM).all():
        raise ValueError(
            f"its displacements are not finite or beyond {_FARTHEST_MM:.0f} mm"
        )
    return WarpTransform(fields[..., 0], fields[..., 1], affine, source)
