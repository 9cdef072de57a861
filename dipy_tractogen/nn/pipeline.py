"""Streamlines through a network in batches, in training and after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dipy_tractogen.streamlines.store import LARGE, release

# Streamlines sent through a network at once: enough to fill the cores, and little
# memory. One size for all, so that results do not depend on how many were asked for.
_BATCH = 4096


def training_batches(
    inputs: dict,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    *,
    balanced: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Return an endless stream of shuffled batches.

    Every pass over the data has an order of its own, fixed by the seed and the number
    of the pass. Only indices are shuffled; a batch is gathered in one operation.
    Batches run on across the end of a pass, so that all are full.

    Parameters
    ----------
    inputs : dict of str to ndarray of shape (n, ...), float32, or `ConditionTable`
        What the network reads of each streamline.
    batch_size : int
        Streamlines in a batch.
    seed : int
        Seed of the order.
    start_step : int, optional
        Batches that are left out at the beginning, as if they had been taken.
    balanced : ndarray of int, shape (n,), optional
        Bundles of the streamlines, counted from 0, each of which gives as many to a
        pass: a part of its streamlines, or all of them several times.

    Returns
    -------
    tf.data.Dataset
        Of dictionaries like `inputs`, with arrays of shape (batch_size, ...).
    """
    nb_streamlines = len(next(iter(inputs.values())))
    if balanced is None:
        nb_in_pass, order = nb_streamlines, _shuffled(nb_streamlines, seed)
    else:
        nb_in_pass, order = _shuffled_by_bundle(balanced, seed)

    def one_pass(number):
        return tf.data.Dataset.from_tensor_slices(order(number))

    first_pass, taken = divmod(start_step * batch_size, nb_in_pass)
    return (
        tf.data.Dataset.counter(first_pass)
        .flat_map(one_pass)
        .skip(taken)
        .batch(batch_size, drop_remainder=True)
        .map(_gathering(inputs))
        .prefetch(tf.data.AUTOTUNE)
    )


def _shuffled(nb_streamlines: int, seed: int) -> Callable:
    """Make the function that gives the order of a pass by its number."""
    indices = tf.range(nb_streamlines, dtype=tf.int32)

    def order(number):
        key = tf.stack([tf.constant(seed, tf.int64), number])
        return tf.random.experimental.stateless_shuffle(indices, seed=key)

    return order


def _shuffled_by_bundle(labels: np.ndarray, seed: int) -> tuple[int, Callable]:
    """Make the function for bundles that give as many; and say how many in all."""
    counts = np.bincount(labels)
    nb_of_each = -(-len(labels) // len(counts))
    # Streamlines lie bundle after bundle; of each bundle the first ones are taken, over
    # and over where there are not enough.
    starts = np.cumsum(counts) - counts
    places = starts[:, None] + np.arange(nb_of_each) % counts[:, None]
    places = tf.constant(places.reshape(-1), tf.int32)
    of_bundle = tf.constant(labels, tf.int32)
    shuffle = _shuffled(len(labels), seed)

    def order(number):
        indices = shuffle(number)
        by_bundle = tf.argsort(tf.gather(of_bundle, indices), stable=True)
        chosen = tf.gather(tf.gather(indices, by_bundle), places)
        # The seed of a training is below two to the 32.
        key = tf.stack([tf.constant(seed + 2**32, tf.int64), number])
        return tf.random.experimental.stateless_shuffle(chosen, seed=key)

    return len(places), order


def _gathering(inputs: dict) -> Callable:
    """Make the function that gives the batch of some streamlines.

    Small tables are tensors. Large ones stay where they are, and what was read of a
    mapped file is left to the system again.
    """
    if sum(table.nbytes for table in inputs.values()) <= LARGE:
        tables = {name: tf.constant(table[:]) for name, table in inputs.items()}
        return lambda chosen: {
            name: tf.gather(table, chosen) for name, table in tables.items()
        }

    def read(chosen):
        rows = [np.asarray(table[chosen]) for table in inputs.values()]
        for table in inputs.values():
            release(table)
        return rows

    def gather(chosen):
        tensors = tf.numpy_function(read, [chosen], [tf.float32] * len(inputs))
        for tensor, table in zip(tensors, inputs.values()):
            tensor.set_shape((chosen.shape[0], *table.shape[1:]))
        return dict(zip(inputs, tensors))

    return gather


def held_out_batches(inputs: dict[str, np.ndarray], batch_size: int) -> tf.data.Dataset:
    """Return the batches of held-out streamlines, in order, once.

    Parameters
    ----------
    inputs : dict of str to ndarray of shape (n, ...), float32
        What the network reads of each streamline.
    batch_size : int
        Streamlines in a batch.

    Returns
    -------
    tf.data.Dataset
        Of dictionaries like `inputs`; the last batch may be smaller.
    """
    dataset = tf.data.Dataset.from_tensor_slices(inputs)
    return dataset.batch(batch_size).cache().prefetch(tf.data.AUTOTUNE)


def in_batches(function: Callable, *arrays: np.ndarray):
    """Apply a compiled function to large arrays, a batch at a time.

    Parameters
    ----------
    function : callable
        Takes tensors (m, ...) and gives tensors whose first dimension is m.
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
        output = function(*[tf.constant(array[start:stop]) for array in arrays])
        for array in arrays:
            release(array)
        outputs.append(tf.nest.map_structure(lambda tensor: tensor.numpy(), output))
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *outputs)
