"""Streamlines through a network in batches, in training and after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# Streamlines sent through a network at once: enough to fill the cores, and little
# memory. One size for all, so that results do not depend on how many were asked for.
_BATCH = 4096


def training_batches(
    features: np.ndarray, batch_size: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
    """Give an endless stream of shuffled batches.

    Every pass over the data has an order of its own, fixed by the seed and the number
    of the pass. Only indices are shuffled; a batch is gathered in one operation.
    Batches run on across the end of a pass, so that all are full.

    Parameters
    ----------
    features : ndarray of shape (n, ...), float32
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
        Of dictionaries with ``"features"`` of shape (batch_size, ...).
    """
    table = tf.constant(features)
    indices = tf.range(len(features), dtype=tf.int32)

    def one_pass(number):
        key = tf.stack([tf.constant(seed, tf.int64), number])
        order = tf.random.experimental.stateless_shuffle(indices, seed=key)
        return tf.data.Dataset.from_tensor_slices(order)

    first_pass, taken = divmod(start_step * batch_size, len(features))
    return (
        tf.data.Dataset.counter(first_pass)
        .flat_map(one_pass)
        .skip(taken)
        .batch(batch_size, drop_remainder=True)
        .map(lambda chosen: {"features": tf.gather(table, chosen)})
        .prefetch(tf.data.AUTOTUNE)
    )


def held_out_batches(features: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Give the batches of held-out streamlines, in order, once.

    Parameters
    ----------
    features : ndarray of shape (n, ...), float32
        What the network reads of each streamline.
    batch_size : int
        Streamlines in a batch.

    Returns
    -------
    tf.data.Dataset
        Of dictionaries with ``"features"``; the last batch may be smaller.
    """
    dataset = tf.data.Dataset.from_tensor_slices({"features": features})
    return dataset.batch(batch_size).cache().prefetch(tf.data.AUTOTUNE)


def in_batches(function: Callable, array: np.ndarray):
    """Apply a compiled function to a large array, a batch at a time.

    Parameters
    ----------
    function : callable
        Takes a tensor (m, ...) and gives tensors whose first dimension is m.
    array : ndarray of shape (n, ...)
        What it is applied to.

    Returns
    -------
    ndarray, or structure of ndarray
        What the function gives, joined; empty arrays of the right shape for n = 0.
    """
    outputs = []
    for start in range(0, max(len(array), 1), _BATCH):
        output = function(tf.constant(array[start : start + _BATCH]))
        outputs.append(tf.nest.map_structure(lambda tensor: tensor.numpy(), output))
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *outputs)
