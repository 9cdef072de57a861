"""The header of a TRK: where its grid lies, and what stands beside the points."""

from __future__ import annotations

import logging
from pathlib import Path

from nibabel.streamlines.trk import header_2_dtype as _DTYPE
import numpy as np

from ..axes import axes_of, is_flat, voxel_order

logger = logging.getLogger("dipy_tractogen")

_COUNTS = ("nb_scalars_per_point", "nb_properties_per_streamline", "nb_streamlines")


def read_trk_header(path: Path) -> dict:
    """Read and check the header of a TRK; return its fields by name, as nibabel does.

    The ``voxel_order`` is three capital letters; a blank one is LPS, as in TrackVis.
    """
    with path.open("rb") as file:
        content = file.read(_DTYPE.itemsize)
    if not content.startswith(b"TRACK"):
        raise ValueError("it does not begin with 'TRACK'")
    if len(content) < _DTYPE.itemsize:
        raise ValueError("its header is cut short")
    for order in "<>":
        found = np.frombuffer(content, _DTYPE.newbyteorder(order))[0]
        if found["hdr_size"] == _DTYPE.itemsize:
            break
    else:
        raise ValueError(f"its hdr_size is not {_DTYPE.itemsize}")
    header = {name: found[name] for name in _DTYPE.names}
    header.update(endianness=order, _offset_data=_DTYPE.itemsize)
    _check_numbers(header)
    header["voxel_to_rasmm"] = _affine(header, path)
    given = header["voxel_order"].strip(b"\0 ")
    if not given:
        logger.info("%s: its voxel order is blank, which means LPS", path)
    header["voxel_order"] = voxel_order(given or "LPS").encode()
    return header


def _check_numbers(header: dict) -> None:
    """Refuse numbers that no file can have."""
    if header["version"] not in (1, 2, 3):
        raise ValueError(f"its version is {header['version']}, and 1 to 3 are known")
    for name in _COUNTS:
        if header[name] < 0:
            raise ValueError(f"its {name} is {header[name]}, below zero")
    sizes = header["voxel_sizes"]
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise ValueError(f"its voxel_sizes are not positive: {sizes.tolist()}")


def _affine(header: dict, path: Path) -> np.ndarray:
    """Return what takes voxels to RASMM; the identity, as in nibabel, without it."""
    affine = header["voxel_to_rasmm"].astype(np.float32)
    if header["version"] == 1 or affine[3, 3] == 0:
        logger.warning(
            "%s says nothing of where its voxels of %s mm lie (vox_to_ras): they are "
            "taken as voxels of 1 mm from the origin on, as in nibabel, lengths "
            "included; convert it with the image that it is from",
            path,
            " x ".join(f"{size:g}" for size in header["voxel_sizes"]),
        )
        return np.eye(4, dtype=np.float32)
    if not np.isfinite(affine).all() or is_flat(affine):
        raise ValueError("its vox_to_ras is flat, or holds what is no number")
    axes_of(affine)
    return affine
