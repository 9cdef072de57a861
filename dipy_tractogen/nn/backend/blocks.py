"""Training data in blocks of indices, for backends that loop over steps in a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import keras
from keras import ops
import numpy as np

from dipy_tractogen.utils import memmap as store
from dipy_tractogen.utils.prefetch import map_in_order

SHARE_OF_DEVICE = 0.25
"""Share of the memory of an accelerator that training data may take."""


class BlockTraining:
    """Steps of `keras.Model.fit`, several of them in one call, and their data.

    Keras takes a call for a step. Its input is a block of indices of streamlines, of
    shape (batch_size, steps_per_call), whose first axis is divided among several
    devices. The streamlines are on the device if there is room for them, and come with
    the block if not. A subclass implements the calls. `network` is built, with a
    dictionary as inputs; it is compiled with `optimizer`.
    """

    jit_compile = False

    def __init__(
        self, network: keras.Model, optimizer, batch_size: int, steps_per_call: int
    ):
        self.network = network
        self.batch_size = batch_size
        self.steps_per_call = steps_per_call
        self._blocks: Iterator | None = None
        network.compile(optimizer=optimizer, jit_compile=self.jit_compile)
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
        """Yield shuffled batches for `keras.Model.fit`, a call at a time, without end.

        `inputs` are tables (n, ...), float32, by name. The first `start_step` batches
        are skipped; `balanced` is as in `index_blocks`.
        """
        blocks = index_blocks(
            len(next(iter(inputs.values()))),
            self.batch_size,
            self.steps_per_call,
            seed,
            start_step,
            balanced=balanced,
        )
        tables = None
        if sum(table.nbytes for table in inputs.values()) <= self.room():
            tables = self.on_devices(inputs)
        else:
            blocks = map_in_order(partial(gathered, inputs), blocks, nb_threads=1)
        # Keras keeps a function that is set.
        self.network.train_function = self.training_call(tables)
        self._blocks = blocks
        return ((block,) for block in blocks)

    def held_out(self, inputs: Mapping[str, np.ndarray]) -> keras.utils.PyDataset:
        """Return held-out streamlines for `keras.Model.evaluate`, in one call."""
        nb_streamlines = len(next(iter(inputs.values())))
        nb_batches = nb_streamlines // self.batch_size
        whole = np.arange(nb_batches * self.batch_size, dtype=np.int32)
        self.network.test_function = self.held_out_call(
            self.on_devices(inputs), nb_streamlines
        )
        return _OneItem(whole.reshape(nb_batches, self.batch_size).T)

    def close(self) -> None:
        """Free the data."""
        if self._blocks is not None:
            self._blocks.close()
        self.network.train_function = self.network.test_function = None

    def room(self) -> int:
        """Return how many bytes of training data may be on a device."""
        return store.LARGE

    def on_devices(self, inputs: Mapping) -> dict:
        """Copy whole tables to the device, or to each of several, in parts."""
        tables = {}
        for name, table in inputs.items():
            parts = [self.place(part) for part in _parts_of(table)]
            tables[name] = parts[0] if len(parts) == 1 else ops.concatenate(parts)
        return tables

    def place(self, array: np.ndarray):
        """Copy an array to the device, or to each of several."""
        return ops.convert_to_tensor(array)

    def training_call(self, tables: dict | None) -> Callable:
        """Make the function that Keras calls for a block of steps."""
        raise NotImplementedError

    def held_out_call(self, tables: dict, nb_streamlines: int) -> Callable:
        """Make the function that Keras calls for an evaluation."""
        raise NotImplementedError


class _OneItem(keras.utils.PyDataset):
    def __init__(self, item: np.ndarray):
        super().__init__()
        self._item = item

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[np.ndarray]:
        return (self._item,)


def index_blocks(
    nb_streamlines: int,
    batch_size: int,
    steps: int,
    seed: int,
    start_step: int = 0,
    *,
    balanced: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Yield the streamlines in the batches of the next steps, without end.

    Each pass over the data has its own order, fixed by the seed and the number of the
    pass. Batches run on across the end of a pass, so that all are full. The first
    `start_step` batches are skipped. With `balanced`, the bundle of each streamline
    counted from 0, each bundle has as many streamlines in a pass: a part of them, or
    all several times. A block has the shape (batch_size, steps), int32.
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
        yield np.concatenate(parts).reshape(steps, batch_size).T


def balanced_places(labels: np.ndarray) -> np.ndarray:
    """Return places in an order by bundle, the same number for each bundle of `labels`.

    Of each bundle these are the first ones, repeated where there are not enough.
    """
    counts = np.bincount(labels)
    nb_of_each = -(-len(labels) // len(counts))
    starts = np.cumsum(counts) - counts
    places = starts[:, None] + np.arange(nb_of_each) % counts[:, None]
    return places.reshape(-1)


def _parts_of(table) -> Iterator[np.ndarray]:
    """Yield a table in blocks of rows, float32; the host holds only one."""
    nb_rows = max(1, store.LARGE * len(table) // max(table.nbytes, 1))
    for start in range(0, len(table), nb_rows):
        yield np.asarray(table[start : start + nb_rows], dtype=np.float32)
        store.release_pages(table)


def gathered(inputs: Mapping, block: np.ndarray) -> dict[str, np.ndarray]:
    """Gather rows of tables, which may be mapped, by indices of any shape."""
    rows = {}
    for name, table in inputs.items():
        flat = np.asarray(table[block.reshape(-1)], dtype=np.float32)
        rows[name] = flat.reshape(*block.shape, *table.shape[1:])
        store.release_pages(table)
    return rows
