"""What PyTorch needs of its own; see `tensorflow` for what each name is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import itemgetter

import keras
from keras import ops
import numpy as np
import torch

from dipy_tractogen.sampling.prefetch import in_order
from dipy_tractogen.streamlines import store

from ..pipeline import OneItem, gathered, index_blocks

# Share of the free memory of an accelerator that training data may take.
_SHARE_FOR_DATA = 0.25
# What is said where the host has too little; the kind of error is a common one.
_HOST_IS_FULL = ("DefaultCPUAllocator", "not enough memory")


def compiled(function: Callable, network: keras.Model) -> Callable:
    """Return a function of arrays that runs another one without gradients."""

    @torch.no_grad()
    def call(*arrays):
        outputs = function(*[ops.convert_to_tensor(array) for array in arrays])
        return keras.tree.map_structure(ops.convert_to_numpy, outputs)

    return call


def normal(shape, seed_generator: keras.random.SeedGenerator):
    """Draw standard normal noise."""
    return keras.random.normal(shape, dtype="float32", seed=seed_generator)


def uniform(shape, seed_generator: keras.random.SeedGenerator):
    """Draw noise between 0 and 1."""
    return keras.random.uniform(shape, dtype="float32", seed=seed_generator)


def gradient(function: Callable, inputs):
    """Return the gradient of a sum, which can itself be differentiated."""
    if not inputs.requires_grad:
        inputs = inputs.detach().requires_grad_()
    (slope,) = torch.autograd.grad(function(inputs).sum(), inputs, create_graph=True)
    return slope


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the memory of a device is too small."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        text in str(error) for text in _HOST_IS_FULL
    )


def sync(network: keras.Model) -> None:
    """Leave the variables as they are: each step changes them at once."""


def weights_of(network: keras.Model) -> list[torch.Tensor]:
    """Return a copy of the weights as they are now."""
    return [variable.value.detach().clone() for variable in network.weights]


class Training:
    """The steps of `keras.Model.fit`, several of them in one call, and their data.

    Keras knows calls of a single step on this backend: here it takes a whole block of
    steps for one. Its data are the indices of the streamlines, and these are on the
    device where there is room.
    """

    def __init__(
        self, network: keras.Model, optimizer, batch_size: int, steps_per_call: int
    ):
        self.network = network
        self.batch_size = batch_size
        self.steps_per_call = steps_per_call
        self._blocks: Iterator | None = None
        network.compile(optimizer=optimizer, jit_compile=False)
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
        tables = None
        if sum(table.nbytes for table in inputs.values()) <= _room():
            tables = _on_device(inputs)
        else:
            blocks = in_order(partial(gathered, inputs), blocks, nb_threads=1)
        self.network.train_function = _training_calls(self.network, tables)
        self._blocks = blocks
        return ((block,) for block in blocks)

    def held_out(self, inputs: Mapping[str, np.ndarray]) -> OneItem:
        """Return the held-out streamlines, all of which are one call."""
        starts = np.arange(0, len(next(iter(inputs.values()))), self.batch_size)
        self.network.test_function = _held_out_call(
            self.network, _on_device(inputs), self.batch_size
        )
        return OneItem(starts)

    def close(self) -> None:
        """Let go of the data."""
        if self._blocks is not None:
            self._blocks.close()
        self.network.train_function = self.network.test_function = None


def _training_calls(network: keras.Model, tables: dict | None) -> Callable:
    """Make what Keras calls for its steps: all those of a block."""

    def steps(data):
        ((block,),) = data
        for number in range(len(keras.tree.flatten(block)[0])):
            rows = keras.tree.map_structure(itemgetter(number), block)
            if tables is not None:
                rows = {name: table[rows] for name, table in tables.items()}
            logs = network.train_step((rows,))
        return logs

    return steps


def _held_out_call(network: keras.Model, tables: dict, batch_size: int) -> Callable:
    """Make what Keras calls for a look: all batches, the last of which may be small."""

    @torch.no_grad()
    def look(data):
        ((starts,),) = data
        for start in starts.tolist():
            stop = start + batch_size
            batch = {name: table[start:stop] for name, table in tables.items()}
            logs = network.test_step((batch,))
        return logs

    return look


def _on_device(inputs: Mapping) -> dict[str, torch.Tensor]:
    return {name: ops.convert_to_tensor(table[:]) for name, table in inputs.items()}


def _room() -> int:
    """Return how many bytes of training data may lie on the device."""
    if not torch.cuda.is_available():
        return store.LARGE
    free, _ = torch.cuda.mem_get_info()
    return max(store.LARGE, int(_SHARE_FOR_DATA * free))
