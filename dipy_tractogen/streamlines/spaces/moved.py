"""Bundles in another space."""

from __future__ import annotations

from dataclasses import replace

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
