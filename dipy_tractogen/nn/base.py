"""From streamlines to latents and back: millimetres in, millimetres out."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from dipy_tractogen.streamlines.geometry import resample

from .backbones import make_backbone
from .pipeline import in_batches


class StreamlineCoder(keras.Model):
    """Encoding and decoding of streamlines, whatever the model and its backbone.

    A subclass makes its layers and says what `call` and `compute_loss` do. Inputs of
    `call` are points in mm, or ``{"features": ...}``, what the backbone's analysis
    layer makes of them, so that a training need not hold all the points.

    Parameters
    ----------
    nb_points : int
        Points of a streamline that the model reads and gives.
    latent_dim : int
        Dimensions of the latent space.
    backbone : str
        Name of the backbone: ``"spectral"`` or ``"conv"``.
    backbone_options : dict, optional
        Further arguments of `SpectralBackbone` or `ConvBackbone`.
    seed : int
        Seed of the weights and of the model's random layers.
    **kwargs
        Arguments of ``keras.Model``.
    """

    def __init__(
        self,
        nb_points: int,
        latent_dim: int,
        *,
        backbone: str,
        backbone_options: dict | None,
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if nb_points < 2:
            raise ValueError(f"nb_points={nb_points}: give 2 or more.")
        if latent_dim < 1:
            raise ValueError(f"latent_dim={latent_dim}: give 1 or more.")
        self.nb_points = nb_points
        self.latent_dim = latent_dim
        self.seed = seed
        self.backbone = make_backbone(backbone, nb_points, backbone_options)
        self._compiled_functions: dict[str, Callable] = {}

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        return {
            **super().get_config(),
            "nb_points": self.nb_points,
            "latent_dim": self.latent_dim,
            "backbone": self.backbone.name,
            "backbone_options": self.backbone.get_config(),
            "seed": self.seed,
        }

    def adapt(self, features: np.ndarray) -> None:
        """Set the standardisation to the mean and variance of features.

        Parameters
        ----------
        features : ndarray of shape (n, *backbone.feature_shape)
            Features in mm.
        """
        self.standardise.adapt(features)
        self._compiled_functions.clear()

    def posterior_of(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the posterior of the latents of many features, in batches.

        Parameters
        ----------
        features : ndarray of shape (n, *backbone.feature_shape)
            Features in mm, of streamlines that run as their bundles do.

        Returns
        -------
        z_mean, deviation : ndarray of shape (n, latent_dim), float32
            Mean and standard deviation.
        """
        return in_batches(
            self._compiled("posterior", self.mean_and_deviation), features
        )

    def truncation_error(self, points: np.ndarray) -> np.ndarray:
        """Give the point error that the features alone cause.

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

    def features_of(self, inputs):
        """Give the features of what `call` was given.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            Points in mm, or a dictionary with their ``"features"``.

        Returns
        -------
        tensor of shape (n, *backbone.feature_shape)
            Features in mm.
        """
        if isinstance(inputs, dict):
            return inputs["features"]
        return self.analysis(inputs)

    def encode(self, streamlines) -> np.ndarray:
        """Encode streamlines.

        Which end comes first does not matter: of the two directions the one that the
        model reconstructs better is taken.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm; resampled where they are not `nb_points`.

        Returns
        -------
        ndarray of shape (n, latent_dim), float32
            Means of the latents.
        """
        return self._encode_and_decode(streamlines)[0]

    def reconstruct(self, streamlines) -> np.ndarray:
        """Encode and decode streamlines.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm; resampled where they are not `nb_points`.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in RASMM mm, each streamline in the direction it was given.
        """
        return self._encode_and_decode(streamlines)[1]

    def decode(self, z: np.ndarray, nb_points: int | None = None) -> np.ndarray:
        """Decode latents.

        Parameters
        ----------
        z : ndarray of shape (n, latent_dim)
            Latents.
        nb_points : int, optional
            Points of each streamline in the result, by default those of the model.

        Returns
        -------
        ndarray of shape (n, nb_points, 3), float32
            Points in RASMM mm.

        Raises
        ------
        ValueError
            If `z` has another number of dimensions than the model.
        """
        z = np.asarray(z, dtype=np.float32)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(
                f"z has shape {z.shape}; expected (n, {self.latent_dim}), "
                "the latent_dim of the model."
            )
        decode = self._compiled("decode", lambda z: self.synthesis(self.decode_z(z)))
        points = in_batches(decode, z)
        if nb_points is None or nb_points == self.nb_points:
            return points
        return resample(points, nb_points)

    def _encode_and_decode(self, streamlines) -> tuple[np.ndarray, np.ndarray]:
        points = self._as_points(streamlines)
        function = self._compiled("both", self._better_direction)
        return in_batches(function, points)

    def _better_direction(self, points):
        candidates = []
        for candidate in (points, points[:, ::-1]):
            outputs = self(candidate, training=False)
            error = tf.reduce_sum((outputs["points"] - candidate) ** 2, axis=(1, 2))
            candidates.append((error, outputs["z_mean"], outputs["points"]))
        (error, z, decoded), (error_back, z_back, decoded_back) = candidates
        stored = (error <= error_back)[:, None]
        return (
            tf.where(stored, z, z_back),
            tf.where(stored[..., None], decoded, decoded_back[:, ::-1]),
        )

    def _as_points(self, streamlines) -> np.ndarray:
        given = isinstance(streamlines, np.ndarray) and streamlines.ndim == 3
        if given and streamlines.shape[1:] == (self.nb_points, 3):
            return np.asarray(streamlines, dtype=np.float32)
        return resample(streamlines, self.nb_points)

    def _compiled(self, name: str, function: Callable) -> Callable:
        if name not in self._compiled_functions:
            self._compiled_functions[name] = tf.function(
                function, reduce_retracing=True
            )
        return self._compiled_functions[name]
