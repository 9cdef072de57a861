"""From streamlines to latents and back: millimetres in, millimetres out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from dipy_tractogen.streamlines.geometry import resample

from .pipeline import in_batches
from .reader import StreamlineReader
from .settings import keras_defaults


class StreamlineCoder(StreamlineReader):
    """Encoding and decoding of streamlines, whatever the model and its backbone.

    A subclass makes its layers and says what `call` and `compute_loss` do.

    Parameters
    ----------
    *args, **kwargs
        As `StreamlineReader` takes them.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._compiled_functions: dict[str, Callable] = {}

    def adapt(self, features: np.ndarray) -> None:
        """Set the standardisation to the mean and variance of features.

        Parameters
        ----------
        features : ndarray of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        """
        self.standardise.adapt(features)
        self._compiled_functions.clear()

    def posterior_of(self, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
        """Return the posterior of the latents of many streamlines, in batches.

        Parameters
        ----------
        inputs : dict
            ``"features"`` of shape ``(n, *backbone.feature_shape)``, in mm, of
            streamlines that run as their bundles do; and their ``"conditions"``, where
            the model reads some.

        Returns
        -------
        z_mean, deviation : ndarray of shape (n, latent_dim), float32
            Mean and standard deviation.
        """
        arrays = [inputs["features"]]
        if self.conditions_in_networks:
            arrays.append(inputs["conditions"])
        return in_batches(self._compiled("posterior", self.mean_and_deviation), *arrays)

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
            kept = self.synthesis(self.analysis(points))
            return tf.reduce_mean(tf.norm(kept - points, axis=-1), axis=-1)

        return in_batches(self._compiled("truncation", error), points)

    def encode(
        self, streamlines, values: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Encode streamlines.

        Which end comes first does not matter: of the two directions the one that the
        model reconstructs better is taken.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm; resampled where they are not `nb_points`.
        values : mapping of str to ndarray of shape (n,), optional
            Conditions of each, by name: text (``"bundle"``) or numbers. Only models
            that read them need them; those that follow from the points are computed.

        Returns
        -------
        ndarray of shape (n, latent_dim), float32
            Means of the latents.

        Raises
        ------
        ValueError
            If a condition that the model reads is missing or unknown.
        """
        return self.encode_and_decode(streamlines, values)["z_mean"]

    def reconstruct(
        self, streamlines, values: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Encode and decode streamlines; takes what `encode` takes.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm; resampled where they are not `nb_points`.
        values : mapping of str to ndarray of shape (n,), optional
            Conditions of each, by name.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in RASMM mm, each streamline in the direction it was given.
        """
        return self.encode_and_decode(streamlines, values)["points"]

    def encode_and_decode(
        self, streamlines, values: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """Encode and decode streamlines at once; takes what `encode` takes.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm; resampled where they are not `nb_points`.
        values : mapping of str to ndarray of shape (n,), optional
            Conditions of each, by name.

        Returns
        -------
        dict of str to ndarray
            ``z_mean`` of shape (n, latent_dim), means of the latents; ``deviation`` of
            the same shape, where the latents have one; ``points`` of shape
            (n, nb_points, 3), the reconstruction in RASMM mm, each streamline in the
            direction it was given. All float32.
        """
        points = self.as_points(streamlines)
        return self.encode_matrix(points, self.condition_matrix(points, values))

    def encode_matrix(
        self, points: np.ndarray, matrix: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Encode and decode points, with conditions as the networks read them.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Points in RASMM mm.
        matrix : ndarray of shape (n, conditions.width) or None
            Conditions, if the networks read some.

        Returns
        -------
        dict of str to ndarray
            As `encode_and_decode` gives it.
        """

        def both(points, conditions=None):
            chosen = self.better_direction(points, conditions)
            kept = {name: chosen[name] for name in ("z_mean", "points")}
            if "z_log_var" in chosen:
                kept["deviation"] = tf.exp(chosen["z_log_var"] / 2)
            return kept

        function = self._compiled("both", both)
        return in_batches(function, *([points] if matrix is None else [points, matrix]))

    def decode(
        self,
        z: np.ndarray,
        nb_points: int | None = None,
        values: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Decode latents.

        Parameters
        ----------
        z : ndarray of shape (n, latent_dim)
            Latents.
        nb_points : int, optional
            Points of each streamline in the result, by default those of the model.
        values : mapping of str to ndarray of shape (n,), optional
            Conditions of each, by name; a model that reads conditions needs all.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in RASMM mm.

        Raises
        ------
        ValueError
            If `z` has another number of dimensions than the model, or a condition is
            missing or unknown.
        """
        self.check_layers()
        z = np.asarray(z, dtype=np.float32)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(
                f"z has shape {z.shape}; expected (n, {self.latent_dim}), "
                "the latent_dim of the model."
            )
        matrix = None
        if self.conditions_in_networks:
            matrix = self.encoded_values(values or {}, len(z))
        points = self.decode_matrix(z, matrix)
        if nb_points is None or nb_points == self.nb_points:
            return points
        return resample(points, nb_points)

    def decode_matrix(self, z: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
        """Decode latents, with conditions as the networks read them.

        Parameters
        ----------
        z : ndarray of shape (n, latent_dim)
            Latents.
        matrix : ndarray of shape (n, conditions.width) or None
            Conditions, if the networks read some.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in RASMM mm.
        """
        decode = self._compiled(
            "decode", lambda *given: self.synthesis(self.decode_z(*given))
        )
        return in_batches(decode, *([z] if matrix is None else [z, matrix]))

    def better_direction(self, points, conditions=None) -> dict:
        """Encode and decode in the direction that is reconstructed better.

        Parameters
        ----------
        points : tensor of shape (n, nb_points, 3)
            Points in mm.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the networks read some.

        Returns
        -------
        dict
            What `call` gives, of the better direction of each streamline; its points
            in the direction given.
        """
        directions = []
        for candidate in (points, points[:, ::-1]):
            inputs = {"points": candidate, "conditions": conditions}
            outputs = self(inputs, training=False)
            error = tf.reduce_sum((outputs["points"] - candidate) ** 2, axis=(1, 2))
            directions.append((error, outputs))
        (error, outputs), (error_back, outputs_back) = directions
        outputs_back["points"] = outputs_back["points"][:, ::-1]
        stored = error <= error_back

        def choose(one, other):
            shape = [-1] + [1] * (len(one.shape) - 1)
            return tf.where(tf.reshape(stored, shape), one, other)

        return tf.nest.map_structure(choose, outputs, outputs_back)

    def _compiled(self, name: str, function: Callable) -> Callable:
        if name not in self._compiled_functions:
            # The graph is made by the first call, as Keras is set then.
            self._compiled_functions[name] = keras_defaults()(
                tf.function(function, reduce_retracing=True)
            )
        return self._compiled_functions[name]
