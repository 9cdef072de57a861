"""Bundles in another space."""

from __future__ import annotations

from dataclasses import replace

from nibabel.streamlines import ArraySequence
import numpy as np

from ..dataset import BundleSet
from ..reference import Reference
from .transform import Transform


def moved_bundles(
    bundles: BundleSet, transform: Transform, reference: Reference
) -> BundleSet:
    """Return bundles in another space.

    Parameters
    ----------
    bundles : BundleSet
        The n streamlines.
    transform : Transform
        From their space to the other one.
    reference : Reference
        Grid in the other space.

    Returns
    -------
    BundleSet
        The streamlines moved; labels, names, values and data as they were.
    """
    streamlines = transform.apply(bundles.streamlines)
    return replace(bundles, streamlines=streamlines, reference=reference)


def moved_streamlines(
    streamlines: ArraySequence | np.ndarray, transform: Transform | None
) -> ArraySequence | np.ndarray:
    """Return streamlines after a transform, or, where that is None, as they are.

    Those of an array (n, nb_points, 3) are in an array.
    """
    if transform is None:
        return streamlines
    moved = transform.apply(streamlines)
    if isinstance(streamlines, np.ndarray):
        return moved._data.reshape(streamlines.shape)
    return moved
