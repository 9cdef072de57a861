"""Functions of PyTorch; see `tensorflow` for their meaning."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
from keras import ops
import numpy as np
import torch

from .blocks import SHARE_OF_DEVICE, BlockTraining

# Texts of a RuntimeError for too little memory: of the host, and of a device outside of
# PyTorch's own allocator.
_IS_FULL = (
    *("DefaultCPUAllocator", "not enough memory", "CUDA error: out of memory"),
    *("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"),
)


def compiled(function: Callable, network: keras.Model) -> Callable:
    """Return a function of arrays that runs another one without gradients."""

    @torch.no_grad()
    def call(*arrays):
        outputs = function(*[ops.convert_to_tensor(array) for array in arrays])
        return keras.tree.map_structure(ops.convert_to_numpy, outputs)

    return call


def seed_generator(seed: int) -> keras.random.SeedGenerator:
    """Return a source of seeds, whose state is on the host: each draw reads it."""
    with keras.device("cpu"):
        # Keras keeps 32 bits with a sign.
        return keras.random.SeedGenerator((seed + 2**31) % 2**32 - 2**31)


def normal(shape, seed_generator: keras.random.SeedGenerator):
    """Draw standard normal noise."""
    return torch.randn(shape, **_own_stream(seed_generator))


def uniform(shape, seed_generator: keras.random.SeedGenerator):
    """Draw noise between 0 and 1."""
    return torch.rand(shape, **_own_stream(seed_generator))


def _own_stream(seed_generator: keras.random.SeedGenerator) -> dict:
    """Return device and generator of a draw.

    Keras adds seed and number of the draw, so that the next draw is that of the next
    seed.
    """
    with keras.device("cpu"):
        numbers = seed_generator.next().tolist()
    mixed = np.random.SeedSequence([number % 2**32 for number in numbers])
    device = ops.empty((0,), "float32").device
    generator = torch.Generator(device)
    generator.manual_seed(int(mixed.generate_state(1, np.uint64)[0]))
    return {"device": device, "generator": generator, "dtype": torch.float32}


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
        text in str(error) for text in _IS_FULL
    )


def precision_settings() -> list[tuple]:
    """Return what reads and what sets each setting of precision, and full precision."""
    kinds = (
        torch.backends.cuda.matmul,
        torch.backends.cudnn.conv,
        torch.backends.mkldnn.matmul,
        torch.backends.mkldnn.conv,
    )
    return [
        (
            partial(getattr, kind, "fp32_precision"),
            partial(setattr, kind, "fp32_precision"),
            "ieee",
        )
        for kind in kinds
    ]


def weights_of(network: keras.Model) -> list[torch.Tensor]:
    """Return a copy of the weights as they are now."""
    return [variable.value.detach().clone() for variable in network.weights]


def pace() -> tuple[int, int]:
    """Return 1 for both: a step is a few hundred launches, on a GPU as well."""
    return 1, 1


class Training(BlockTraining):
    """Steps of `keras.Model.fit`: a call is a loop over Keras's own."""

    def training_call(self, tables: dict | None) -> Callable:
        """Make the function that Keras calls for a block of steps."""

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
        """Make the function that Keras calls for an evaluation."""

        @torch.no_grad()
        def evaluate(data):
            for start in range(0, nb_streamlines, self.batch_size):
                stop = start + self.batch_size
                batch = {name: table[start:stop] for name, table in tables.items()}
                logs = self.network.test_step((batch,))
            return logs

        return evaluate

    def room(self) -> int:
        """Return how many bytes of training data may be on the device."""
        if not torch.cuda.is_available():
            return super().room()
        free, _ = torch.cuda.mem_get_info()
        return max(super().room(), int(SHARE_OF_DEVICE * free))
