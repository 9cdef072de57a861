"""Arrays through a trained network, in compiled batches."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops
import numpy as np

from . import backend
from .network import Network
from .settings import keras_defaults
from .training.batches import BATCH, in_batches

_NO_ROOM = (
    f"a batch of up to {BATCH} streamlines needs more than the device has free (stop "
    "what else uses it, or set CUDA_VISIBLE_DEVICES= to use the processor)"
)


class Coder:
    """Encodes and decodes arrays with a network, a batch at a time.

    Conditions are arrays as the network reads them, of shape (n, conditions.width), or
    None where it reads none.

    Parameters
    ----------
    network : Network
        The network, with its layers.
    """

    def __init__(self, network: Network):
        self._network = network
        self._functions: dict[str, Callable] = {}

    def posterior(self, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
        """Return the posterior of the latents of streamlines.

        Parameters
        ----------
        inputs : dict
            ``"features"`` of shape ``(n, *backbone.feature_shape)``, in mm, of
            streamlines that run as their bundles do; and their ``"conditions"``, where
            the network reads some.

        Returns
        -------
        z_mean, deviation : ndarray of shape (n, latent_dim), float32
            Mean and standard deviation; zeros where the latents have none.
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
        """Encode and decode points in the direction that is reconstructed better.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Points in RASMM mm.
        conditions : ndarray of shape (n, conditions.width) or None
            Conditions.

        Returns
        -------
        dict of str to ndarray
            ``z_mean`` of shape (n, latent_dim), means of the latents; ``deviation`` of
            the same shape, where the latents have one; ``points`` of shape
            (n, nb_points, 3), the reconstruction in RASMM mm, each streamline in the
            direction it was given. All float32.
        """

        def both(points, conditions=None):
            chosen = self._better_direction(points, conditions)
            kept = {name: chosen[name] for name in ("z_mean", "points")}
            if "z_log_var" in chosen:
                kept["deviation"] = ops.exp(chosen["z_log_var"] / 2)
            return kept

        return self._run("both", both, points, conditions)

    def outputs(self, points: np.ndarray, names: tuple[str, ...]) -> tuple:
        """Return outputs of the network in the direction reconstructed better.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Points in RASMM mm; the network reads no conditions.
        names : tuple of str
            Names of outputs.

        Returns
        -------
        tuple of ndarray of shape (n, ...)
            The outputs.
        """

        def some(points):
            chosen = self._better_direction(points)
            return tuple(chosen[name] for name in names)

        return self._run(" ".join(names), some, points)

    def decode(self, z: np.ndarray, conditions: np.ndarray | None) -> np.ndarray:
        """Decode latents.

        Parameters
        ----------
        z : ndarray of shape (n, latent_dim)
            Latents.
        conditions : ndarray of shape (n, conditions.width) or None
            Conditions.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in RASMM mm.
        """

        def decode(z, conditions=None):
            return self._network.synthesis(self._network.decode(z, conditions))

        return self._run("decode", decode, z, conditions)

    def truncation_error(self, points: np.ndarray) -> np.ndarray:
        """Return the point error that the features alone cause.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Points in mm.

        Returns
        -------
        ndarray of shape (n,), float32
            Mean distance of the points, in mm, from what their features hold.
        """

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
            # One for all streamlines.
            outputs.pop("prior_log_var", None)
            error = ops.sum((outputs["points"] - candidate) ** 2, axis=(1, 2))
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
            # The graph is made by the first call, as Keras is set then.
            self._functions[name] = keras_defaults()(
                backend.current().compiled(function, self._network)
            )
        given = [array for array in arrays if array is not None]
        with backend.memory_error(_NO_ROOM):
            return in_batches(self._functions[name], *given)
