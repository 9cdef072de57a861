"""What PyTorch needs of its own; see `tensorflow` for what each name is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
from keras import ops
import torch

from .blocks import SHARE_OF_DEVICE, BlockTraining

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


def weights_of(network: keras.Model) -> list[torch.Tensor]:
    """Return a copy of the weights as they are now."""
    return [variable.value.detach().clone() for variable in network.weights]


def pace() -> tuple[int, int]:
    """Return 1 for both: a step is a few hundred launches, on a GPU as well."""
    return 1, 1


class Training(BlockTraining):
    """The steps of `keras.Model.fit`: a call is a loop over Keras's own."""

    def training_call(self, tables: dict | None) -> Callable:
        """Make what Keras calls for a block of steps."""

        def steps(data):
            ((block,),) = data
            nb_steps = keras.tree.flatten(block)[0].shape[1]
            for number in range(nb_steps):
                if tables is None:
                    batch = {name: rows[:, number] for name, rows in block.items()}
                else:
                    rows = block[:, number]
                    batch = {name: table[rows] for name, table in tables.items()}
                logs = self.network.train_step((batch,))
            return logs

        return steps

    def held_out_call(self, tables: dict, nb_streamlines: int) -> Callable:
        """Make what Keras calls for a look; the last batch may be smaller."""

        @torch.no_grad()
        def look(data):
            for start in range(0, nb_streamlines, self.batch_size):
                stop = start + self.batch_size
                batch = {name: table[start:stop] for name, table in tables.items()}
                logs = self.network.test_step((batch,))
            return logs

        return look

    def on_devices(self, inputs: Mapping) -> dict[str, torch.Tensor]:
        """Bring whole tables to the device."""
        return {name: ops.convert_to_tensor(table[:]) for name, table in inputs.items()}

    def room(self) -> int:
        """Return how many bytes of training data may lie on the device."""
        if not torch.cuda.is_available():
            return super().room()
        free, _ = torch.cuda.mem_get_info()
        return max(super().room(), int(SHARE_OF_DEVICE * free))
