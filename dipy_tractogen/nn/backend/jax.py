"""What JAX needs of its own; see `tensorflow` for what each name is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np

from dipy_tractogen.sampling.prefetch import in_order
from dipy_tractogen.streamlines import store

from ..pipeline import OneItem, gathered, index_blocks

# Rows that a compiled function is padded to, each with a compilation of its own.
_SIZES = (64, 512, 4096)
# Share of the memory of an accelerator that training data may take.
_SHARE_FOR_DATA = 0.25


def compiled(function: Callable, network: keras.Model) -> Callable:
    """Return a function of arrays that runs another one compiled.

    Arrays are padded to a few numbers of rows, since each takes a compilation.
    """

    @jax.jit
    def run(values, *arrays):
        # Variables that were read from here would stay as they are now.
        mapping = zip(network.variables, values)
        with keras.StatelessScope(state_mapping=mapping):
            return function(*arrays)

    def call(*arrays):
        nb_rows = len(arrays[0])
        size = next((size for size in _SIZES if size >= nb_rows), nb_rows)
        values = [variable.value for variable in network.variables]
        outputs = run(values, *(_padded(array, size) for array in arrays))
        return jax.tree.map(lambda each: np.asarray(each)[:nb_rows], outputs)

    return call


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


def sync(network: keras.Model) -> None:
    """Bring the variables to what the last steps of `keras.Model.fit` made of them."""
    network.jax_state_sync()


def weights_of(network: keras.Model) -> list[jax.Array]:
    """Return the weights as they are now; arrays of JAX do not change."""
    return [variable.value for variable in network.weights]


class Training:
    """The steps of `keras.Model.fit`, several of them in one call, and their data.

    A call is a `jax.lax.scan` over Keras's own step. Its data are the indices of the
    streamlines, and these are on the device where there is room.
    """

    def __init__(
        self, network: keras.Model, optimizer, batch_size: int, steps_per_call: int
    ):
        self.network = network
        self.batch_size = batch_size
        self.steps_per_call = steps_per_call
        self._blocks: Iterator | None = None
        network.compile(optimizer=optimizer, jit_compile=True)
        optimizer.build(network.trainable_variables)

    def keras_steps(self, nb_steps: int) -> int:
        """Return the number of calls, which Keras takes for steps."""
        return -(-nb_steps // self.steps_per_call)

    def data(
        self,
        inputs: Mapping,
        seed: int,
        start_step: int = 0,
        *,
        balanced: np.ndarray | None = None,
    ) -> Iterator[tuple]:
        """Return an endless stream of shuffled batches, those of a call at a time."""
        blocks = index_blocks(
            len(next(iter(inputs.values()))),
            self.batch_size,
            self.steps_per_call,
            seed,
            start_step,
            balanced=balanced,
        )
        # Streamlines come first, so that Keras shares them out among devices.
        blocks = (np.ascontiguousarray(block.T) for block in blocks)
        tables = None
        if sum(table.nbytes for table in inputs.values()) <= _room():
            tables = _on_devices(inputs)
        else:
            blocks = in_order(partial(gathered, inputs), blocks, nb_threads=1)
        self.network.train_function = _training_calls(self.network, tables)
        self._blocks = blocks
        return ((block,) for block in blocks)

    def held_out(self, inputs: Mapping[str, np.ndarray]) -> OneItem:
        """Return the held-out streamlines, all of which are one call."""
        nb_streamlines = len(next(iter(inputs.values())))
        nb_whole = nb_streamlines // self.batch_size
        whole = np.arange(nb_whole * self.batch_size, dtype=np.int32)
        function = _held_out_call(self.network, _on_devices(inputs), nb_streamlines)
        self.network.test_function = function
        return OneItem(np.ascontiguousarray(whole.reshape(nb_whole, self.batch_size).T))

    def close(self) -> None:
        """Let go of the data."""
        if self._blocks is not None:
            self._blocks.close()
        self.network.train_function = self.network.test_function = None


def _training_calls(network: keras.Model, tables: dict | None) -> Callable:
    """Make what Keras calls for its steps: all those of a block."""

    @partial(jax.jit, out_shardings=_shardings(network))
    def steps(state, tables, block):
        def step(state, number):
            logs, state = network.train_step(state, (_batch(tables, block, number),))
            return state, logs

        nb_steps = jax.tree.leaves(block)[0].shape[1]
        state, logs = jax.lax.scan(step, state, jnp.arange(nb_steps))
        return jax.tree.map(lambda values: values[-1], logs), state

    return _never_lost(network, partial(_called, steps, tables))


def _held_out_call(network: keras.Model, tables: dict, nb_streamlines: int) -> Callable:
    """Make what Keras calls for a look: all batches, the last of which may be small."""

    @partial(jax.jit, out_shardings=_shardings(network, optimizer=False))
    def look(state, tables, block):
        def step(state, number):
            logs, state = network.test_step(state, (_batch(tables, block, number),))
            return state, logs

        state, logs = jax.lax.scan(step, state, jnp.arange(block.shape[1]))
        logs = jax.tree.map(lambda values: values[-1:].sum(), logs)
        if block.size < nb_streamlines:
            rest = {name: table[block.size :] for name, table in tables.items()}
            logs, state = network.test_step(state, (rest,))
        return logs, state

    return _never_lost(network, partial(_called, look, tables))


def _called(function: Callable, tables: dict | None, state: tuple, block):
    return function(state, tables, block)


def _batch(tables: dict | None, block, number) -> dict:
    """Return the batch of one step of a block of indices, or of rows."""
    rows = jax.tree.map(
        lambda each: jax.lax.dynamic_index_in_dim(each, number, 1, keepdims=False),
        block,
    )
    if tables is None:
        return rows
    # The indices are known to be in range.
    return {
        name: jnp.take(table, rows, axis=0, mode="clip")
        for name, table in tables.items()
    }


def _never_lost(network: keras.Model, function: Callable) -> Callable:
    """Give the variables back what they were where a call is broken off.

    Keras takes the values from its variables during an epoch.
    """

    def call(state, iterator):
        try:
            (block,) = next(iterator)
            return function(state, block)
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


def _shardings(network: keras.Model, *, optimizer: bool = True):
    """Return where the state of a call lies, where there are several devices."""
    if keras.distribution.distribution() is None:
        return None
    trained, others, of_optimizer, metrics = network._get_state_sharding_spec()
    state = (trained, others, of_optimizer, metrics)
    return None, state if optimizer else (trained, others, metrics)


def _on_devices(inputs: Mapping) -> dict[str, jax.Array]:
    """Bring whole tables to the device, or to each of several."""
    distribution = keras.distribution.distribution()
    place = None
    if distribution is not None:
        mesh = distribution.device_mesh.backend_mesh
        place = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    return {name: jax.device_put(table[:], place) for name, table in inputs.items()}


def _room() -> int:
    """Return how many bytes of training data may lie on a device."""
    memory = jax.local_devices()[0].memory_stats() or {}
    return max(store.LARGE, int(_SHARE_FOR_DATA * memory.get("bytes_limit", 0)))


def _padded(array: np.ndarray, size: int) -> np.ndarray:
    array = np.asarray(array, dtype=np.float32)
    missing = size - len(array)
    return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))
