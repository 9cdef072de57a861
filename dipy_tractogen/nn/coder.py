"""Arrays through a trained network, in compiled batches."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops
import numpy as np

from dipy_tractogen.utils.memmap import release_pages

from . import backend
from .network import Network

BATCH = 4096
"""Streamlines sent through a network at once: enough to fill the cores, in little
memory. One size for all, so that results do not depend on their number."""

_NO_ROOM = (
    f"a batch of up to {BATCH} streamlines needs more than the device has free (stop "
    "what else uses it, or set CUDA_VISIBLE_DEVICES= to use the processor)"
)


class Coder:
    """Encodes and decodes arrays with a trained network, in compiled batches.

    Conditions are arrays (n, conditions.width), as the network reads them, or None
    where it reads none. Points are in mm.
    """

    def __init__(self, network: Network):
        self._network = network
        self._functions: dict[str, Callable] = {}

    def posterior(self, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of latents, both (n, latent_dim), float32.

        `inputs` are ``"features"`` of shape ``(n, *backbone.feature_shape)``, in mm, of
        oriented streamlines, and their ``"conditions"``. Without a posterior the
        deviations are zero.
        """

        def posterior(features, conditions=None):
            outputs = self._network.encode(features, conditions)
            z_mean = outputs["z_mean"]
            if "z_log_var" not in outputs:
                return z_mean, ops.zeros_like(z_mean)
            return z_mean, ops.exp(outputs["z_log_var"] / 2)

        read = self._network.conditions_in_networks
        conditions = inputs["conditions"] if read else None
        return self._run("posterior", posterior, inputs["features"], conditions)

    def encode(
        self, points: np.ndarray, conditions: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Encode and decode points in the direction reconstructed better.

        Returns ``z_mean`` and, where there is one, ``deviation`` of shape (n,
        latent_dim), and ``points``, the reconstruction, each streamline in the
        direction it was given. Points have all channels of the network, as those that
        are given.
        """

        def both(points, conditions=None):
            chosen = self._better_direction(points, conditions)
            kept = {name: chosen[name] for name in ("z_mean", "points")}
            if "z_log_var" in chosen:
                kept["deviation"] = ops.exp(chosen["z_log_var"] / 2)
            return kept

        return self._run("both", both, points, conditions)

    def outputs(self, points: np.ndarray, names: tuple[str, ...]) -> tuple:
        """Return named outputs of the network in the direction reconstructed better."""

        def some(points):
            chosen = self._better_direction(points)
            return tuple(chosen[name] for name in names)

        return self._run(" ".join(names), some, points)

    def decode(self, z: np.ndarray, conditions: np.ndarray | None) -> np.ndarray:
        """Decode latents (n, latent_dim) to points (n, nb_points, 3), float32."""
        return np.ascontiguousarray(self.decode_channels(z, conditions)[..., :3])

    def decode_channels(
        self, z: np.ndarray, conditions: np.ndarray | None
    ) -> np.ndarray:
        """Decode latents to all channels of the network (n, nb_points, 3 + v)."""

        def decode(z, conditions=None):
            return self._network.synthesis(self._network.decode(z, conditions))

        return self._run("decode", decode, z, conditions)

    def decode_coefficients(
        self, z: np.ndarray, conditions: np.ndarray | None, nb_orders: int
    ) -> np.ndarray:
        """Decode latents to cosine coefficients (n, nb_orders, 3 + v).

        They are those of the decoded channels, in mm, of cosines with a mean square of
        one, float32; faster than the points.
        """

        def decode(z, conditions=None):
            features = self._network.decode(z, conditions)
            return self._network.backbone.coefficients(features, nb_orders)

        return self._run(f"{nb_orders} coefficients", decode, z, conditions)

    def truncation_error(self, points: np.ndarray) -> np.ndarray:
        """Return the mean point error (n,), in mm, that the features alone cause."""

        def error(points):
            kept = self._network.synthesis(self._network.analysis(points))
            return ops.mean(ops.norm(kept - points, axis=-1), axis=-1)

        return self._run("truncation", error, points)

    def _better_direction(self, points, conditions=None) -> dict:
        """Return the outputs for the better direction of each streamline."""
        directions = []
        for candidate in (points, ops.flip(points, axis=1)):
            inputs = {"points": candidate, "conditions": conditions}
            outputs = self._network(inputs, training=False)
            # It has no axis of streamlines.
            outputs.pop("prior_log_var", None)
            error = outputs["points"] - candidate
            if self._network.profiles:
                # Values may be missing, where a mean stands for them.
                error = error[..., :3]
            error = ops.sum(error**2, axis=(1, 2))
            directions.append((error, outputs))
        (error, outputs), (error_back, outputs_back) = directions
        outputs_back["points"] = ops.flip(outputs_back["points"], axis=1)
        stored = error <= error_back

        def choose(one, other):
            shape = [-1] + [1] * (len(one.shape) - 1)
            return ops.where(ops.reshape(stored, shape), one, other)

        return keras.tree.map_structure(choose, outputs, outputs_back)

    def _run(self, name: str, function: Callable, *arrays: np.ndarray | None):
        if name not in self._functions:
            # The first call makes the graph, with the present settings of Keras.
            self._functions[name] = backend.keras_defaults()(
                backend.current().compiled(function, self._network)
            )
        given = [array for array in arrays if array is not None]
        with backend.memory_error(_NO_ROOM):
            return in_batches(self._functions[name], *given)


def in_batches(function: Callable, *arrays: np.ndarray):
    """Apply a compiled function to arrays (n, ...), a batch of rows at a time.

    Returns the joined outputs; empty arrays of the right shape for n = 0.
    """
    outputs = []
    for start in range(0, max(len(arrays[0]), 1), BATCH):
        stop = start + BATCH
        output = function(*[array[start:stop] for array in arrays])
        for array in arrays:
            release_pages(array)
        outputs.append(output)
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)
