"""The file of thresholds that filtering and labelling learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def read_thresholds(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of a file of thresholds, and hold them against each other.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to ndarray
        The arrays, by name.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is no such file, or its arrays do not fit together.
    """
    from dipy_tractogen.segment.neighbours import NEIGHBOURS_ARRAYS
    from dipy_tractogen.utils.array_schema import Array, read_arrays
    from dipy_tractogen.utils.schema import SchemaError

    arrays = read_arrays(
        path,
        {
            "kind": Array("U"),
            "model": Array("U"),
            "bundle_names": Array("U", ("nb_names",)),
            "factor": Array("f", ("d", "d"), -1e9, 1e9),
            "place": Array("f", (10,), -1e9, 1e9, needed=False),
            **NEIGHBOURS_ARRAYS,
        },
    )
    nb_names, nb_thresholds = len(arrays["bundle_names"]), len(arrays["thresholds"])
    if nb_names < nb_thresholds:
        raise SchemaError(
            "bundle_names", f"{nb_names} names", f"{nb_thresholds} or more"
        )
    width = arrays["reference"].shape[1]
    # The point error is a coordinate as well.
    if width != len(arrays["factor"]) + 1:
        wanted = f"{len(arrays['factor']) + 1}, as the factor makes"
        raise SchemaError("reference", f"of {width} coordinates", wanted)
    return arrays
