"""Streamlines through a network in batches, in training and after it."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from dipy_tractogen.utils.memmap import release_pages

BATCH = 4096
"""Streamlines sent through a network at once: enough to fill the cores, in little
memory. One size for all, so that results do not depend on how many were asked for."""


def in_batches(function: Callable, *arrays: np.ndarray):
    """Apply a compiled function to large arrays, a batch at a time.

    Parameters
    ----------
    function : callable
        Takes arrays (m, ...) and gives arrays (m, ...) or a structure of them.
    *arrays : ndarray of shape (n, ...)
        What it is applied to.

    Returns
    -------
    ndarray, or structure of ndarray
        What the function gives, joined; empty arrays of the right shape for n = 0.
    """
    outputs = []
    for start in range(0, max(len(arrays[0]), 1), BATCH):
        stop = start + BATCH
        output = function(*[array[start:stop] for array in arrays])
        for array in arrays:
            release_pages(array)
        outputs.append(output)
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)
