"""Affine transforms in the files of ITK, which ANTs, ITK-SNAP and Slicer write.

Such a file holds the kind of the transform, its parameters and a centre, in LPS mm. It
maps points of the fixed image to points of the moving one, since that is what is needed
to resample the moving image on the grid of the fixed one.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import matfile_version
from scipy.spatial.transform import Rotation

#: First line of a text file of ITK.
TEXT_MAGIC = b"#Insight Transform File"

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def _full(parameters: np.ndarray, fixed: np.ndarray) -> tuple:
    return parameters[:9].reshape(3, 3), parameters[9:]


def _euler(parameters: np.ndarray, fixed: np.ndarray) -> tuple:
    # Angles about fixed axes: y first, then x, then z, unless a fourth fixed parameter
    # asks for x, y, z.
    x, y, z = parameters[:3]
    in_order = len(fixed) > 3 and fixed[3]
    angles, axes = ((x, y, z), "xyz") if in_order else ((y, x, z), "yxz")
    return Rotation.from_euler(axes, angles).as_matrix(), parameters[3:]


def _versor(parameters: np.ndarray, fixed: np.ndarray) -> tuple:
    vector = parameters[:3]
    scalar = np.sqrt(max(1 - vector @ vector, 0))
    return Rotation.from_quat([*vector, scalar]).as_matrix(), parameters[3:6]


def _similarity(parameters: np.ndarray, fixed: np.ndarray) -> tuple:
    rotation, translation = _versor(parameters, fixed)
    return parameters[6] * rotation, translation


def _translation(parameters: np.ndarray, fixed: np.ndarray) -> tuple:
    return np.eye(3), parameters


KINDS: dict[str, tuple[int, Callable]] = {
    "AffineTransform": (12, _full),
    "MatrixOffsetTransformBase": (12, _full),
    "Rigid3DTransform": (12, _full),
    "Euler3DTransform": (6, _euler),
    "VersorRigid3DTransform": (6, _versor),
    "Similarity3DTransform": (7, _similarity),
    "TranslationTransform": (3, _translation),
}
"""Number of parameters of each kind that is read, and what makes of them a matrix
(3, 3) and a translation (3,), about the centre."""


def read_itk(content: bytes) -> np.ndarray:
    """Return the matrix (4, 4), in RASMM, of the bytes of an ITK file.

    It maps points of the fixed image to the moving one. Raises ValueError if the bytes
    hold something else.
    """
    is_text = content.startswith(TEXT_MAGIC)
    name, parameters, fixed = (_of_text if is_text else _of_matlab)(content)
    kind, _, precision = name.partition("_")
    if kind not in KINDS or precision not in ("double_3_3", "float_3_3"):
        raise ValueError(
            f"it holds a {name[:60]}, and what is read are {', '.join(KINDS)} in three "
            "dimensions"
        )
    number, make = KINDS[kind]
    if len(parameters) != number or len(fixed) not in (0, 3, 4):
        raise ValueError(
            f"its {kind} has {len(parameters)} parameters and {len(fixed)} that are "
            f"fixed, and not {number} and 3"
        )
    if not (np.isfinite(parameters).all() and np.isfinite(fixed).all()):
        raise ValueError("its parameters are not finite")
    rotation, translation = make(parameters, fixed)
    centre = np.zeros(3) if len(fixed) < 3 else fixed[:3]
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = translation + centre - rotation @ centre
    return _LPS @ matrix @ _LPS


def _of_text(content: bytes) -> tuple[str, np.ndarray, np.ndarray]:
    """Return kind, parameters and fixed parameters of a text file."""
    fields: dict[str, str] = {}
    for line in content.decode("ascii").splitlines():
        name, colon, value = line.partition(":")
        if line.startswith("#") or not colon:
            continue
        if name in fields:
            raise ValueError("it holds more than one transform: give one a file")
        fields[name] = value.strip()
    missing = {"Transform", "Parameters", "FixedParameters"} - set(fields)
    if missing:
        raise ValueError(f"it has no {min(missing)}")
    numbers = (
        np.array(fields[name].split(), dtype=np.float64)
        for name in ("Parameters", "FixedParameters")
    )
    return fields["Transform"], *numbers


def _of_matlab(content: bytes) -> tuple[str, np.ndarray, np.ndarray]:
    """Return kind, parameters and fixed parameters of a file of MATLAB 4."""
    stream = BytesIO(content)
    if matfile_version(stream)[0] != 0:
        raise ValueError("it is not of MATLAB's version 4, which ITK writes")
    stream.seek(0)
    found = loadmat(stream)
    names = [name for name in found if name != "fixed"]
    if len(names) != 1 or "fixed" not in found:
        raise ValueError("it does not hold one transform and its fixed parameters")
    numbers = []
    for each in (found[names[0]], found["fixed"]):
        if not isinstance(each, np.ndarray) or each.dtype.kind not in "fiu":
            raise ValueError("its parameters are not numbers")
        numbers.append(each.astype(np.float64).ravel())
    return names[0], *numbers
