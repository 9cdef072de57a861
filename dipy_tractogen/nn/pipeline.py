"""Streamlines through a network in batches, in training and after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# Streamlines sent through a network at once: enough to fill the cores, and little
# memory. One size for all, so that results do not depend on how many were asked for.
_BATCH = 4096


def training_batches(
    inputs: dict[str, np.ndarray], batch_size: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
    """Give an endless stream of shuffled batches.

    Every pass over the data has an order of its own, fixed by the seed and the number
    of the pass. Only indices are shuffled; a batch is gathered in one operation.
    Batches run on across the end of a pass, so that all are full.

    Parameters
    ----------
    inputs : dict of str to ndarray of shape (n, ...), float32
        What the network reads of each streamline.
    batch_size : int
        Streamlines in a batch.
    seed : int
        Seed of the order.
    start_step : int, optional
        Batches that are left out at the beginning, as if they had been taken.

    Returns
    -------
    tf.data.Dataset
        Of dictionaries like `inputs`, with arrays of shape (batch_size, ...).
    """
    tables = {name: tf.constant(table) for name, table in inputs.items()}
    nb_streamlines = len(next(iter(inputs.values())))
    indices = tf.range(nb_streamlines, dtype=tf.int32)

    def one_pass(number):
        key = tf.stack([tf.constant(seed, tf.int64), number])
        order = tf.random.experimental.stateless_shuffle(indices, seed=key)
        return tf.data.Dataset.from_tensor_slices(order)

    def gather(chosen):
        return {name: tf.gather(table, chosen) for name, table in tables.items()}

    first_pass, taken = divmod(start_step * batch_size, nb_streamlines)
    return (
        tf.data.Dataset.counter(first_pass)
        .flat_map(one_pass)
        .skip(taken)
        .batch(batch_size, drop_remainder=True)
        .map(gather)
        .prefetch(tf.data.AUTOTUNE)
    )


def held_out_batches(inputs: dict[str, np.ndarray], batch_size: int) -> tf.data.Dataset:
    """Give the batches of held-out streamlines, in order, once.

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
        outputs.append(tf.nest.map_structure(lambda tensor: tensor.numpy(), output))
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *outputs)
