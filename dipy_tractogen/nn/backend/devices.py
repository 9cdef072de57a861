"""Steps of JAX on several devices, each of which has a part of every batch."""

from __future__ import annotations

from collections.abc import Callable
import logging

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import numpy as np

from .processes import exchange

logger = logging.getLogger("dipy_tractogen")

_AXIS = "batch"


class Devices:
    """The devices that share the batches of a training.

    A batch is cut along its first axis into parts of equal size, one for each device;
    weights, optimiser and data are on all of them. Outside of a call there are arrays
    of one device only. The devices are all of all processes, or as many in each process
    as divide a batch; ValueError is raised if not even one can have an equal part.
    `on_all` is the sharding of an array that is on all devices; None where there is one
    device.
    """

    def __init__(self, batch_size: int):
        by_process = [
            [each for each in jax.devices() if each.process_index == index]
            for index in range(jax.process_count())
        ]
        nb_processes, available = len(by_process), min(map(len, by_process))
        numbers = range(1, available + 1)
        fitting = [each for each in numbers if batch_size % (each * nb_processes) == 0]
        if not fitting:
            raise ValueError(
                f"{batch_size} streamlines in a step cannot be shared out equally over "
                f"{nb_processes} processes: give a batch_size that is a multiple of "
                f"{nb_processes}, and no larger than the data."
            )
        used = np.array([each[: fitting[-1]] for each in by_process]).ravel()
        self.on_all = self._cut = None
        # Outputs of the last call on all devices, by the id of the returned part.
        self._known: dict[Callable, dict[int, tuple]] = {}
        if len(used) > 1:
            mesh = Mesh(used, (_AXIS,))
            self.on_all = NamedSharding(mesh, PartitionSpec())
            self._cut = NamedSharding(mesh, PartitionSpec(_AXIS))
        if len(used) > 1 or available > 1:
            logger.info("%s", self._describe(batch_size, len(used)))

    def everywhere(self, array) -> jax.Array:
        """Copy an array of this process, or of one of its devices, to each device."""
        if self.on_all is None:
            return jax.device_put(array)
        if self.on_all.is_fully_addressable:
            return jax.device_put(array, self.on_all)
        return jax.make_array_from_process_local_data(
            self.on_all, np.asarray(array), np.shape(array)
        )

    def cut(self, array) -> jax.Array:
        """Copy to each device its part of an array that each process has whole."""
        if self._cut.is_fully_addressable:
            return jax.device_put(array, self._cut)
        whole = np.asarray(array)
        return jax.make_array_from_callback(whole.shape, self._cut, whole.__getitem__)

    def spread(self, function: Callable) -> Callable:
        """Make a compiled call, of a state and a block on one device, use all devices.

        `function` takes a state, tables and a block on all devices, and returns logs
        and a state.
        """
        if self.on_all is None:
            return function

        def call(state, tables, block):
            state = jax.tree.map(self._as_known, state)
            outputs = function(state, tables, jax.tree.map(self.cut, block))
            if not self.on_all.is_fully_addressable:
                with exchange():
                    jax.block_until_ready(outputs)
            seen = jax.tree.map(lambda each: each.addressable_data(0), outputs)
            pairs = zip(jax.tree.leaves(seen[1]), jax.tree.leaves(outputs[1]))
            self._known[function] = {id(pair[0]): pair for pair in pairs}
            return seen

        return call

    def _as_known(self, array):
        """Return an array on all devices, where the outputs of the last call are."""
        for pairs in self._known.values():
            if id(array) in pairs:
                return pairs[id(array)][1]
        return self.everywhere(array)

    @staticmethod
    def _describe(batch_size: int, nb_used: int) -> str:
        of_all = f" of {jax.device_count()}" if nb_used < jax.device_count() else ""
        hosts = f" in {jax.process_count()} processes" * (jax.process_count() > 1)
        return (
            f"Each step of {batch_size:,} streamlines is made by {nb_used}{of_all} "
            f"devices{hosts}, {batch_size // nb_used:,} on each"
        )
