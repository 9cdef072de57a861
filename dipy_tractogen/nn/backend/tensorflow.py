"""Functions of TensorFlow; the modules of other backends have the same names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from dipy_tractogen.utils import memmap as store

from .blocks import balanced_places


def compiled(function: Callable, network: keras.Model) -> Callable:
    """Return a function of arrays (n, ...) that runs another one compiled.

    `function` takes tensors, treats each row on its own, and returns one or a structure
    of them. It may read the variables of `network`, as they are at each call.
    """
    graph = tf.function(function, reduce_retracing=True)

    def call(*arrays):
        outputs = graph(*[tf.constant(array) for array in arrays])
        return keras.tree.map_structure(lambda tensor: tensor.numpy(), outputs)

    return call


def seed_generator(seed: int) -> keras.random.SeedGenerator:
    """Return a source of seeds for `normal` and `uniform`, from 0 to 2**32 - 1."""
    return keras.random.SeedGenerator(seed)


def normal(shape, seed_generator: keras.random.SeedGenerator):
    """Draw standard normal noise, float32, in a compiled graph.

    Keras leaves the algorithm open, which takes XLA five times as long.
    """
    seed = tf.cast(seed_generator.next(), tf.int64)
    return tf.random.stateless_normal(shape, seed=seed, alg="philox")


def uniform(shape, seed_generator: keras.random.SeedGenerator):
    """Draw noise between 0 and 1, float32."""
    seed = tf.cast(seed_generator.next(), tf.int64)
    return tf.random.stateless_uniform(shape, seed=seed, alg="philox")


def gradient(function: Callable, inputs):
    """Return the gradient of a sum of `function(inputs)`, itself differentiable."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(inputs)
    return tape.gradient(outputs, inputs)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the memory of a device is too small."""
    return isinstance(error, tf.errors.ResourceExhaustedError)


def precision_settings() -> list[tuple]:
    """Return getter, setter and full precision of each setting of the process.

    GPUs may round factors to TF32; `keras_defaults` prevents that.
    """
    config = tf.config.experimental
    get, set_ = (
        config.tensor_float_32_execution_enabled,
        config.enable_tensor_float_32_execution,
    )
    return [(get, set_, False)]


def weights_of(network: keras.Model) -> list:
    """Return a copy of the present weights for ``network.set_weights``."""
    return network.get_weights()


def pace() -> tuple[int, int]:
    """Return how many times as many steps are in a call, and in an epoch of Keras.

    A fast device waits for Python between them; on a few cores both are 1.
    """
    return 1, 1


class Training:
    """Steps of `keras.Model.fit`, several of them in one compiled call, and their data.

    `network` is built, with a dictionary as inputs; it is compiled with `optimizer`.
    One step in a call is not compiled by XLA.
    """

    def __init__(
        self, network: keras.Model, optimizer, batch_size: int, steps_per_call: int
    ):
        self.batch_size = batch_size
        self.steps_per_call = steps_per_call
        network.compile(
            optimizer=optimizer,
            jit_compile=steps_per_call > 1,
            steps_per_execution=steps_per_call,
        )
        # Otherwise the first step makes the optimiser's moments, and is traced twice.
        optimizer.build(network.trainable_variables)

    def keras_steps(self, nb_steps: int) -> int:
        """Return the number of steps, as `keras.Model.fit` counts them."""
        return nb_steps

    def data(
        self,
        inputs: Mapping,
        seed: int,
        start_step: int = 0,
        *,
        balanced: np.ndarray | None = None,
    ) -> tf.data.Dataset:
        """Return an endless `tf.data.Dataset` of shuffled batches; see `index_blocks`.

        Only indices are shuffled; a batch is gathered in one operation. `inputs` are
        tables (n, ...), float32, by name.
        """
        return training_batches(
            inputs, self.batch_size, seed, start_step, balanced=balanced
        )

    def held_out(self, inputs: Mapping[str, np.ndarray]) -> tf.data.Dataset:
        """Return the batches of held-out streamlines, in order."""
        return held_out_batches(inputs, self.batch_size)

    def close(self) -> None:
        """Free the data."""


def training_batches(
    inputs: Mapping,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    *,
    balanced: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Return an endless stream of shuffled batches, as `Training.data` says."""
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


def held_out_batches(inputs: Mapping, batch_size: int) -> tf.data.Dataset:
    """Return the batches of held-out streamlines, in order, once."""
    dataset = tf.data.Dataset.from_tensor_slices(dict(inputs))
    return dataset.batch(batch_size).cache().prefetch(tf.data.AUTOTUNE)


def _shuffled(nb_streamlines: int, seed: int) -> Callable:
    """Make the function that gives the order of a pass by its number."""
    indices = tf.range(nb_streamlines, dtype=tf.int32)

    def order(number):
        key = tf.stack([tf.constant(seed, tf.int64), number])
        return tf.random.experimental.stateless_shuffle(indices, seed=key)

    return order


def _shuffled_by_bundle(labels: np.ndarray, seed: int) -> tuple[int, Callable]:
    """Return the length of a balanced pass, and the function of its order."""
    places = tf.constant(balanced_places(labels), tf.int32)
    of_bundle = tf.constant(labels, tf.int32)
    shuffle = _shuffled(len(labels), seed)

    def order(number):
        indices = shuffle(number)
        by_bundle = tf.argsort(tf.gather(of_bundle, indices), stable=True)
        chosen = tf.gather(tf.gather(indices, by_bundle), places)
        # Seeds of trainings are below 2**32.
        key = tf.stack([tf.constant(seed + 2**32, tf.int64), number])
        return tf.random.experimental.stateless_shuffle(chosen, seed=key)

    return len(places), order


def _gathering(inputs: Mapping) -> Callable:
    """Make the function that gives the batch of some streamlines.

    Small tables are tensors. Large ones stay where they are, and pages that were read
    of a mapped file are released.
    """
    if sum(table.nbytes for table in inputs.values()) <= store.LARGE:
        tables = {name: tf.constant(table[:]) for name, table in inputs.items()}
        return lambda chosen: {
            name: tf.gather(table, chosen) for name, table in tables.items()
        }

    def read(chosen):
        rows = [np.asarray(table[chosen]) for table in inputs.values()]
        for table in inputs.values():
            store.release_pages(table)
        return rows

    def gather(chosen):
        tensors = tf.numpy_function(read, [chosen], [tf.float32] * len(inputs))
        for tensor, table in zip(tensors, inputs.values()):
            tensor.set_shape((chosen.shape[0], *table.shape[1:]))
        return dict(zip(inputs, tensors))

    return gather
