"""Functions of JAX; see `tensorflow` for their meaning."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np

from . import processes
from .blocks import SHARE_OF_DEVICE, BlockTraining
from .devices import Devices

# Numbers of rows that inputs of a compiled function are padded to.
_SIZES = (64, 512, 4096)
# At two million streamlines/s, 200 steps of 256 take 26 ms and 1,000 take 130 ms: ten
# times as long as the work between two calls, and between two validations.
_PACE_OF_ACCELERATOR = (4, 10)
# So few steps in a call take long.
_FEW_STEPS = 5
# Of encoding and decoding, compiled in, as GPUs may round factors otherwise.
_full_precision = partial(jax.default_matmul_precision, "float32")
# Of a training, whose gradients are noisy: the steps of an H200 were 1.36 times as fast
# with TF32, and compiled in 4 s in place of 16. A processor has no TF32.
_precision_of_training = partial(jax.default_matmul_precision, "tensorfloat32")


def compiled(function: Callable, network: keras.Model) -> Callable:
    """Return a function of arrays that runs another one compiled.

    Arrays are padded to a few numbers of rows, since each takes a compilation.
    """

    @jax.jit
    def run(values, *arrays):
        # Values of variables that are read directly would be compiled in.
        mapping = zip(network.variables, values)
        with keras.StatelessScope(state_mapping=mapping):
            return function(*arrays)

    def call(*arrays):
        nb_rows = len(arrays[0])
        size = next((size for size in _SIZES if size >= nb_rows), nb_rows)
        values = [variable.value for variable in network.variables]
        with _full_precision():
            outputs = run(values, *(_padded(array, size) for array in arrays))
        return jax.tree.map(lambda each: np.asarray(each)[:nb_rows], outputs)

    return call


def seed_generator(seed: int) -> keras.random.SeedGenerator:
    """Return a source of seeds."""
    return keras.random.SeedGenerator(seed)


def normal(shape, seed_generator: keras.random.SeedGenerator):
    """Draw standard normal noise."""
    return keras.random.normal(shape, dtype="float32", seed=seed_generator)


def uniform(shape, seed_generator: keras.random.SeedGenerator):
    """Draw noise between 0 and 1."""
    return keras.random.uniform(shape, dtype="float32", seed=seed_generator)


def gradient(function: Callable, inputs):
    """Return the gradient of a sum, which can itself be differentiated."""
    return jax.grad(lambda values: jnp.sum(function(values)))(inputs)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the memory of a device is too small."""
    kind = jax.errors.JaxRuntimeError
    return isinstance(error, kind) and "RESOURCE_EXHAUSTED" in str(error)


def precision_settings() -> list[tuple]:
    """Return nothing: JAX's setting belongs to a thread (see `compiled`)."""
    return []


def weights_of(network: keras.Model) -> list[jax.Array]:
    """Return the present weights; arrays of JAX do not change."""
    return [variable.value for variable in network.weights]


def pace() -> tuple[int, int]:
    """Return how many times as many steps are in a call, and in an epoch of Keras."""
    return (1, 1) if jax.default_backend() == "cpu" else _PACE_OF_ACCELERATOR


class Training(BlockTraining):
    """The steps of `keras.Model.fit`: a call makes many of Keras's own."""

    jit_compile = True

    def __init__(
        self, network: keras.Model, optimizer, batch_size: int, steps_per_call: int
    ):
        super().__init__(network, optimizer, batch_size, steps_per_call)
        self.devices = Devices(batch_size)

    def training_call(self, tables: dict | None) -> Callable:
        """Make the function that Keras calls for a block of steps."""
        steps = self._in_turn(self.network.train_step)
        return _keeping_values(self.network, self.devices.spread(steps), tables)

    def held_out_call(self, tables: dict, nb_streamlines: int) -> Callable:
        """Make the function that Keras calls for an evaluation."""
        network = self.network
        whole = self._in_turn(network.test_step)

        @partial(jax.jit, out_shardings=self.devices.on_all, static_argnums=2)
        def last(state, tables, start):
            rest = {name: table[start:] for name, table in tables.items()}
            return network.test_step(state, (rest,))

        def evaluate(state, tables, block):
            logs = {}
            if block.size:
                logs, state = whole(state, tables, block)
            if block.size < nb_streamlines:
                logs, state = last(state, tables, block.size)
            return logs, state

        return _keeping_values(network, self.devices.spread(evaluate), tables)

    def _in_turn(self, step: Callable) -> Callable:
        """Compile steps of Keras for the columns of a block.

        They are one loop, or each a call of its own where few make a call: within a
        loop XLA runs convolutions on a processor ten times as slowly.
        """
        on_cpu = jax.default_backend() == "cpu"
        compiled = partial(jax.jit, out_shardings=self.devices.on_all)

        def one(state, tables, block, number):
            return step(state, (_batch(tables, block, number),))

        if on_cpu and self.steps_per_call <= _FEW_STEPS:
            one = compiled(one)

            def steps(state, tables, block):
                for number in range(jax.tree.leaves(block)[0].shape[1]):
                    logs, state = one(state, tables, block, number)
                return logs, state

            return steps

        @compiled
        def steps(state, tables, block):
            def next_one(state, number):
                return one(state, tables, block, number)[::-1]

            numbers = jnp.arange(jax.tree.leaves(block)[0].shape[1])
            state, logs = jax.lax.scan(next_one, state, numbers)
            return jax.tree.map(lambda values: values[-1], logs), state

        return steps

    def place(self, array: np.ndarray) -> jax.Array:
        """Copy an array to the device, or to each of several."""
        return self.devices.everywhere(array)

    def room(self) -> int:
        """Return how many bytes of training data may be on a device."""
        memory = jax.local_devices()[0].memory_stats() or {}
        share = int(SHARE_OF_DEVICE * memory.get("bytes_limit", 0))
        # The call is the same in all processes.
        return processes.broadcast(max(super().room(), share))


def _batch(tables: dict | None, block, number) -> dict:
    """Return the batch of one step of a block of indices, or of rows."""
    rows = jax.tree.map(
        lambda each: jax.lax.dynamic_index_in_dim(each, number, 1, keepdims=False),
        block,
    )
    if tables is None:
        return rows
    # The indices are in range.
    return {
        name: jnp.take(table, rows, axis=0, mode="clip")
        for name, table in tables.items()
    }


def _keeping_values(
    network: keras.Model, function: Callable, tables: dict | None
) -> Callable:
    """Make the function that Keras calls of a compiled one, which keeps the variables.

    Keras takes the values from its variables before a call. They get them back where
    the call is interrupted, since no array is donated to it.
    """

    def call(state, iterator):
        try:
            (block,) = next(iterator)
            with _precision_of_training():
                outputs = function(state, tables, block)
            # A GPU reports errors later, when the values would be lost, and NumPy drops
            # an interrupt that comes while it waits for an array.
            return jax.block_until_ready(outputs)
        except BaseException:
            groups = [network.trainable_variables, network.non_trainable_variables]
            if len(state) == 4:
                groups.append(network.optimizer.variables)
            groups.append(network.metrics_variables)
            for variables, values in zip(groups, state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value)
            raise

    return call


def _padded(array: np.ndarray, size: int) -> np.ndarray:
    array = np.asarray(array, dtype=np.float32)
    missing = size - len(array)
    return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))
