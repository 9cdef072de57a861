"""What the arrays of a texture have to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dipy_tractogen.utils.array_schema import Array, check_arrays
from dipy_tractogen.utils.schema import SchemaError

from .endpoints import ENDPOINT_ARRAYS, Endpoints

ENDS = "ends_"
"""What the names of the arrays of the ends begin with."""

# Beyond any point of a streamline, in mm, and within reach of half precision.
_FARTHEST_MM = 6e4

TEXTURE_ARRAYS = {
    "nb_points": Array("iu", (), 2, 2**15),
    "coefficients": Array("f", ("r", "c", 3), -_FARTHEST_MM, _FARTHEST_MM),
    "labels": Array("iu", ("r",), 0, 2**31 - 1),
    "lengths": Array("f", ("r", 2), 1e-6, 1e6),
    "shapes": Array("f", ("r", "s"), -1e9, 1e9),
    **{
        ENDS + name: replace(
            each,
            shape=tuple(ENDS + size if size == "r" else size for size in each.shape),
            needed=False,
        )
        for name, each in ENDPOINT_ARRAYS.items()
    },
}
"""Arrays of a `Texture` in a file: r residuals of c coefficients. Files of earlier
versions have none of the ends."""


def check_texture(arrays: Mapping[str, np.ndarray]) -> None:
    """Check the arrays of a texture, and hold them against each other.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As `Texture.to_arrays` gives them.

    Raises
    ------
    ValueError
        If one is missing, or they do not fit together.
    """
    check_arrays(arrays, TEXTURE_ARRAYS)
    labels, ends = arrays["labels"], ends_of(arrays)
    if not len(labels) or (np.diff(labels) < 0).any():
        raise SchemaError("labels", "empty, or not in order", "ascending bundles")
    nb_points, nb_coefficients = arrays["nb_points"], arrays["coefficients"].shape[1]
    if not 1 <= nb_coefficients <= nb_points:
        raise SchemaError(
            "coefficients",
            f"{nb_coefficients} of each residual",
            f"from 1 to the {nb_points} points of a streamline",
        )
    if ends:
        Endpoints.from_arrays(ends)
        if np.setdiff1d(labels, ends["labels"]).size:
            raise SchemaError(
                "ends_labels", "without some of the labels", "all bundles"
            )


def ends_of(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of the ends, under their own names.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Those of a texture.

    Returns
    -------
    dict of str to ndarray
        Those of `Endpoints`; empty where there are none.
    """
    return {
        name.removeprefix(ENDS): each
        for name, each in arrays.items()
        if name.startswith(ENDS)
    }
