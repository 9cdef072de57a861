"""Latents that follow a normal distribution, given the streamline."""

from __future__ import annotations

import keras

from dipy_tractogen.parameters.terms import PosteriorParameters
from dipy_tractogen.utils.constructors import takes

from .layers import Float32Layer, Reparameterisation, log_variance


@takes(PosteriorParameters)
class GaussianPosterior(Float32Layer):
    """Normal distribution of the latents of a streamline.

    Parameters
    ----------
    {parameters}
    """

    def build_layers(self, latent_dim: int, seed: int) -> None:
        """Make the layer of the variances, and the draw."""
        self.z_log_var = keras.layers.Dense(
            latent_dim,
            kernel_initializer="zeros" if self.zero_log_var else "glorot_uniform",
            name="z_log_var",
        )
        self.draw = Reparameterisation(seed, self.epsilon_std, name="draw")

    def outputs(self, hidden, z_mean, training: bool | None) -> dict:
        """Return ``z_log_var`` and ``z``, both (n, latent_dim).

        `hidden` (n, h) is the last hidden layer of the encoder; latents are drawn in
        training, and their means `z_mean` otherwise.
        """
        z_log_var = log_variance(
            self.z_log_var(hidden), self.deviation, self.log_var_limit
        )
        z = self.draw((z_mean, z_log_var), training=training)
        return {"z_log_var": z_log_var, "z": z}
