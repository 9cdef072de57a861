"""Latents that follow a normal distribution, given the streamline."""

from __future__ import annotations

import keras
from keras import ops

from .layers import Reparameterisation, log_variance


class GaussianPosterior:
    """Adds to an autoencoder that its encoder gives a distribution of the latents.

    Goes before `StreamlineAutoencoder` or a subclass of it among the bases.

    Attributes
    ----------
    deviation : {"exp", "softplus"}
        How the standard deviation is made of a layer's output (`log_variance`).
    log_var_limit : float or None
        Largest logarithm of the variance, either way.
    zero_log_var : bool
        Whether every deviation is one at first.
    epsilon_std : float
        Standard deviation of the noise that latents are drawn with in training.
    """

    deviation = "exp"
    log_var_limit: float | None = 10.0
    zero_log_var = True
    epsilon_std = 1.0

    def make_heads(self) -> None:
        """Make the layer of the variances, and the draw from the posterior."""
        self.z_log_var = keras.layers.Dense(
            self.latent_dim,
            kernel_initializer="zeros" if self.zero_log_var else "glorot_uniform",
            name="z_log_var",
        )
        self.draw = Reparameterisation(self.seed, self.epsilon_std, name="draw")

    def posterior(self, features, conditions=None, training: bool | None = None):
        """Return the posterior of the latents.

        Parameters
        ----------
        features : tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the networks read some.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        z_mean, z_log_var : tensor of shape (n, latent_dim)
            Mean and log-variance.
        """
        hidden = self.hidden(features, conditions, training)
        z_log_var = log_variance(
            self.z_log_var(hidden), self.deviation, self.log_var_limit
        )
        return self.z_mean(hidden), z_log_var

    def mean_and_deviation(self, features, conditions=None):
        """Return the posterior of the latents of features, outside of training.

        Parameters
        ----------
        features : tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the networks read some.

        Returns
        -------
        z_mean, deviation : tensor of shape (n, latent_dim)
            Mean and standard deviation.
        """
        z_mean, z_log_var = self.posterior(features, conditions)
        return z_mean, ops.exp(z_log_var / 2)

    def call(self, inputs, training: bool | None = None) -> dict:
        """Encode, draw and decode.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            Points in mm, or a dictionary with their ``"features"``.
        training : bool, optional
            Draws latents when true, takes their means otherwise.

        Returns
        -------
        dict
            ``points`` and ``features`` (reconstructed, mm), ``z_mean``, ``z_log_var``
            and ``z``, as it was decoded.
        """
        conditions = self.conditions_of(inputs)
        z_mean, z_log_var = self.posterior(
            self.features_of(inputs), conditions, training
        )
        z = self.draw((z_mean, z_log_var), training=training)
        features = self.decode_z(z, conditions, training)
        return {
            "points": self.synthesis(features),
            "features": features,
            "z_mean": z_mean,
            "z_log_var": z_log_var,
            "z": z,
        }
