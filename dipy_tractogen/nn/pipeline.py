"""Streamlines through a network in batches, in training and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np

from dipy_tractogen.streamlines.store import release

# Streamlines sent through a network at once: enough to fill the cores, and little
# memory. One size for all, so that results do not depend on how many were asked for.
_BATCH = 4096


def in_batches(function: Callable, *arrays: np.ndarray):
    """Apply a compiled function to large arrays, a batch at a time.

    Parameters
    ----------
    function : callable
        Takes arrays (m, ...) and gives arrays or tensors whose first dimension is m.
    *arrays : ndarray of shape (n, ...)
        What it is applied to.

    Returns
    -------
    ndarray, or structure of ndarray
        What the function gives, joined; empty arrays of the right shape for n = 0.
    """
    outputs = []
    for start in range(0, max(len(arrays[0]), 1), _BATCH):
        stop = start + _BATCH
        output = function(*[array[start:stop] for array in arrays])
        for array in arrays:
            release(array)
        outputs.append(keras.tree.map_structure(keras.ops.convert_to_numpy, output))
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)


def index_blocks(
    nb_streamlines: int,
    batch_size: int,
    steps: int,
    seed: int,
    start_step: int = 0,
    *,
    balanced: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Return, for ever, which streamlines are in the batches of the next steps.

    Every pass over the data has an order of its own, fixed by the seed and the number
    of the pass. Batches run on across the end of a pass, so that all are full.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines.
    batch_size : int
        Streamlines in a batch.
    steps : int
        Batches of a block.
    seed : int
        Seed of the order.
    start_step : int, optional
        Batches that are left out at the beginning, as if they had been taken.
    balanced : ndarray of int, shape (nb_streamlines,), optional
        Bundles of the streamlines, counted from 0, each of which gives as many to a
        pass: a part of its streamlines, or all of them several times.

    Yields
    ------
    ndarray of shape (steps, batch_size), int32
        Indices of streamlines.
    """
    places = None if balanced is None else balanced_places(balanced)

    def order(number: int) -> np.ndarray:
        rng = np.random.default_rng([seed, number])
        indices = rng.permutation(np.arange(nb_streamlines, dtype=np.int32))
        if places is None:
            return indices
        by_bundle = np.argsort(balanced[indices], kind="stable")
        return rng.permutation(indices[by_bundle][places])

    nb_in_pass = nb_streamlines if places is None else len(places)
    number, taken = divmod(start_step * batch_size, nb_in_pass)
    left = order(number)[taken:]
    while True:
        parts, missing = [], steps * batch_size
        while missing:
            if not len(left):
                number += 1
                left = order(number)
            parts.append(left[:missing])
            left = left[missing:]
            missing -= len(parts[-1])
        yield np.concatenate(parts).reshape(steps, batch_size)


def balanced_places(labels: np.ndarray) -> np.ndarray:
    """Return what is taken of streamlines that lie bundle after bundle.

    Of each bundle these are the first ones, over and over where there are not enough.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Bundles of the streamlines, counted from 0.

    Returns
    -------
    ndarray of int
        Places in the order by bundle, as many of each.
    """
    counts = np.bincount(labels)
    nb_of_each = -(-len(labels) // len(counts))
    starts = np.cumsum(counts) - counts
    places = starts[:, None] + np.arange(nb_of_each) % counts[:, None]
    return places.reshape(-1)


def gathered(inputs: Mapping, block: np.ndarray) -> dict[str, np.ndarray]:
    """Gather the rows of a block of indices from tables that may be mapped files.

    What was read of a file is left to the system again.

    Parameters
    ----------
    inputs : dict of str to ndarray of shape (n, ...), or `ConditionTable`
        The tables.
    block : ndarray of int, of any shape
        The rows.

    Returns
    -------
    dict of str to ndarray of shape (*block.shape, ...), float32
        The rows of each table.
    """
    rows = {}
    for name, table in inputs.items():
        flat = np.asarray(table[block.reshape(-1)], dtype=np.float32)
        rows[name] = flat.reshape(*block.shape, *table.shape[1:])
        release(table)
    return rows


class OneItem(keras.utils.PyDataset):
    """Data of a single item, for what `keras.Model.evaluate` does in one call.

    Parameters
    ----------
    item : ndarray
        The item.
    """

    def __init__(self, item: np.ndarray):
        super().__init__()
        self.item = item

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[np.ndarray]:
        return (self.item,)


def training_batches(*args, **kwargs):
    """Return the training batches of TensorFlow."""
    from .backend.tensorflow import training_batches

    return training_batches(*args, **kwargs)


def held_out_batches(*args):
    """Return the held-out batches of TensorFlow."""
    from .backend.tensorflow import held_out_batches

    return held_out_batches(*args)
