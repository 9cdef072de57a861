"""VTK family of tractograms (vtk, vtp, fib).

Points are in RASMM unless the file declares another space, as DIPY reads and writes
them since 1.12. 3D Slicer declares it in the title of a .vtk, or in the field data of a
.vtp.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
import logging
from pathlib import Path

from nibabel.streamlines import ArraySequence
import numpy as np

from ..array_sequence import POINTS_PER_BLOCK
from .vtk_legacy import LegacyReader
from .vtk_writers import write_legacy, write_xml
from .vtk_xml import XmlReader

logger = logging.getLogger("dipy_tractogen")

VTK_EXTENSIONS = (".vtk", ".vtp", ".fib")

# Signs that turn the axes of a space to RASMM.
_TO_RASMM = {
    "": (1, 1, 1),
    "RAS": (1, 1, 1),
    "LPS": (-1, -1, 1),
    "LAS": (-1, 1, 1),
    "RIGHT-ANTERIOR-SUPERIOR": (1, 1, 1),
    "LEFT-POSTERIOR-SUPERIOR": (-1, -1, 1),
    "LEFT-ANTERIOR-SUPERIOR": (-1, 1, 1),
}


def read_vtk(path: Path, wanted: Callable) -> Generator[tuple, None, tuple]:
    """Read a tractogram of the VTK family as `read_trx` does a TRX.

    It has no groups. Values of its lines are ``data_per_streamline``.
    """
    lines = (XmlReader if _is_xml(path) else LegacyReader)(path).lines(wanted)
    nb_points, indices = len(lines.points), lines.indices
    beyond = np.flatnonzero((indices < 0) | (indices >= nb_points))
    if len(beyond):
        line = np.searchsorted(np.cumsum(lines.lengths), beyond[0], side="right")
        raise ValueError(
            f"line {line} has point {indices[beyond[0]]}, and there are {nb_points}, "
            "counted from 0"
        )
    signs = np.array(_signs(lines.space, path), dtype=np.float32)
    for start in range(0, len(indices), POINTS_PER_BLOCK):
        some = indices[start : start + POINTS_PER_BLOCK]
        yield (
            lines.points[some].astype(np.float32) * signs,
            {name: each[some] for name, each in lines.values.items()},
        )
    return lines.lengths, lines.of_lines, {}, lines.left_out


def save_vtk(
    path: Path,
    streamlines: ArraySequence,
    data_per_point: dict[str, np.ndarray] | None = None,
    data_per_streamline: dict[str, np.ndarray] | None = None,
) -> None:
    """Write streamlines side by side (RASMM, mm), with that space declared.

    Values (nb_points_in_all, k) of points are arrays of VTK's point data, float32,
    those (n, k) of streamlines of its cell data, all under names of `vtk_names`. Raises
    ValueError if a .vtk or .fib cannot count as many points.
    """
    write = write_xml if _is_xml(path) else write_legacy
    of_points = {
        name: values.astype(np.float32, copy=False)
        for name, values in (data_per_point or {}).items()
    }
    write(path, streamlines, of_points, data_per_streamline or {})


def _is_xml(path: Path) -> bool:
    return path.suffix.lower() == ".vtp"


def _signs(space: str, path: Path) -> tuple[int, int, int]:
    """Return the signs that take the axes of a declared space to RASMM."""
    # Some files repeat the name of the field in its text.
    known = _TO_RASMM.get(space.upper().removeprefix("SPACE="))
    if known is None:
        logger.warning(
            "%s declares the space %s, which is not known: its points are taken as "
            "they are, for RASMM; accepted are RAS, LPS and LAS",
            path,
            space[:40],
        )
    return known or (1, 1, 1)
