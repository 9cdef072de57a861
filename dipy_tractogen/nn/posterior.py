"""Latents that follow a normal distribution, given the streamline."""

from __future__ import annotations

import keras

from .checks import check_choice, check_number
from .layers import DEVIATIONS, Reparameterisation, log_variance


class GaussianPosterior(keras.layers.Layer):
    """Normal distribution of the latents of a streamline.

    Parameters
    ----------
    deviation : {"exp", "softplus"}, optional
        How the standard deviation is made of a layer's output (`log_variance`).
    log_var_limit : float or None, optional
        Largest logarithm of the variance, either way; with None and ``"exp"`` a
        training may end in NaN.
    zero_log_var : bool, optional
        Start the layer of the variances from zero weights, so that every deviation is
        one at first.
    epsilon_std : float, optional
        Standard deviation of the noise that latents are drawn with in training.
    **kwargs
        Arguments of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.
    """

    def __init__(
        self,
        deviation: str = "exp",
        log_var_limit: float | None = 10.0,
        zero_log_var: bool = True,
        epsilon_std: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_number("epsilon_std", epsilon_std, high=1e3)
        check_choice("deviation", deviation, DEVIATIONS)
        if log_var_limit is not None:
            check_number("log_var_limit", log_var_limit, above_zero=True)
        self.deviation = deviation
        self.log_var_limit = log_var_limit
        self.zero_log_var = bool(zero_log_var)
        self.epsilon_std = epsilon_std

    def build_layers(self, latent_dim: int, seed: int) -> None:
        """Make the layer of the variances, and the draw.

        Parameters
        ----------
        latent_dim : int
            Dimensions of the latent space.
        seed : int
            Seed of the model.
        """
        self.z_log_var = keras.layers.Dense(
            latent_dim,
            kernel_initializer="zeros" if self.zero_log_var else "glorot_uniform",
            name="z_log_var",
        )
        self.draw = Reparameterisation(seed, self.epsilon_std, name="draw")

    def outputs(self, hidden, z_mean, training: bool | None) -> dict:
        """Return the variances, and latents.

        Parameters
        ----------
        hidden : tensor of shape (n, h)
            The last hidden layer of the encoder.
        z_mean : tensor of shape (n, latent_dim)
            Means of the latents.
        training : bool or None
            Draws latents when true, takes their means otherwise.

        Returns
        -------
        dict of str to tensor
            ``z_log_var`` and ``z``, both of shape (n, latent_dim).
        """
        z_log_var = log_variance(
            self.z_log_var(hidden), self.deviation, self.log_var_limit
        )
        z = self.draw((z_mean, z_log_var), training=training)
        return {"z_log_var": z_log_var, "z": z}

    def get_config(self) -> dict:
        """Return the parameters of the posterior."""
        names = ("deviation", "log_var_limit", "zero_log_var", "epsilon_std")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
