"""Variational autoencoder."""

from __future__ import annotations

import math

import keras
from keras import ops

from .layers import Reparameterisation, Standardisation, seeded_weights
from .losses import (
    REDUCTIONS,
    kl_by_dimension,
    reconstruction_weight,
    squared_error,
)
from .model import StreamlineModel

# Keeps exp(z_log_var) finite whatever the weights are.
_LOG_VAR_LIMIT = 10.0


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class VAE(StreamlineModel):
    r"""Variational autoencoder of streamlines :footcite:p:`Kingma2014`.

    It minimises, in nats a streamline,

    .. math::

        w \sum_p \|x_p - \hat x_p\|^2 + \beta\,KL(N(\mu, \sigma^2)\,\|\,N(0, 1)),

    where :math:`w` is :math:`8 / (2 N \sigma_{mm}^2)` for :math:`N` points by default
    (`reconstruction_weight`). :math:`\beta > 1` is the beta-VAE
    :footcite:p:`Higgins2017`.

    Parameters
    ----------
    nb_points : int, optional
        Points of a streamline that the model reads and gives.
    latent_dim : int, optional
        Dimensions of the latent space.
    beta : float, optional
        Weight of the KL divergence.
    sigma_mm : float, optional
        Point error that is accepted, in mm.
    reduction : {"effective", "sum", "mean"}, optional
        How many independent points a streamline counts as: 8, all or 1.
    backbone : str, optional
        Name of the backbone: ``"spectral"``.
    backbone_options : dict, optional
        Further arguments of the backbone, as `SpectralBackbone` takes them.
    seed : int, optional
        Seed of the weights and of the latents drawn in training.
    **kwargs
        Arguments of ``keras.Model``.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    Examples
    --------
    >>> from dipy_tractogen import simulate_fibercup
    >>> from dipy_tractogen.nn import VAE
    >>> data = simulate_fibercup(50, seed=0)
    >>> vae = VAE(nb_points=64, latent_dim=8)
    >>> _ = vae.fit(data.resample(64), data.labels, data.bundle_names, epochs=20)
    >>> points, labels = vae.generate(10, bundles=["bundle_1"])
    >>> points.shape
    (10, 64, 3)

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self,
        nb_points: int = 256,
        latent_dim: int = 16,
        *,
        beta: float = 1.0,
        sigma_mm: float = 1.0,
        reduction: str = "effective",
        backbone: str = "spectral",
        backbone_options: dict | None = None,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(
            nb_points,
            latent_dim,
            backbone=backbone,
            backbone_options=backbone_options,
            seed=seed,
            **kwargs,
        )
        if not (math.isfinite(beta) and beta >= 0):
            raise ValueError(f"beta={beta}: give a number of at least 0.")
        if not (math.isfinite(sigma_mm) and sigma_mm > 0):
            raise ValueError(f"sigma_mm={sigma_mm}: give millimetres, more than 0.")
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction={reduction!r}: accepted are {', '.join(REDUCTIONS)}."
            )
        self.beta = beta
        self.sigma_mm = sigma_mm
        self.reduction = reduction
        self._weight = reconstruction_weight(nb_points, sigma_mm, reduction)
        with seeded_weights(seed):
            self._make_layers()

    def _make_layers(self) -> None:
        self.analysis = self.backbone.analysis()
        self.standardise = Standardisation(name="standardise")
        self.encoder = self.backbone.encoder()
        self.z_mean = keras.layers.Dense(self.latent_dim, name="z_mean")
        # Zero weights: every posterior starts with a deviation of one.
        self.z_log_var = keras.layers.Dense(
            self.latent_dim, kernel_initializer="zeros", name="z_log_var"
        )
        self.draw = Reparameterisation(self.seed, name="draw")
        self.decoder = self.backbone.decoder(self.latent_dim)
        self.synthesis = self.backbone.synthesis()
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction_mm")
        self.kl_tracker = keras.metrics.Mean(name="kl")
        self(ops.zeros((1, self.nb_points, 3)))

    def posterior(self, features, training: bool | None = None):
        """Give the posterior of the latents.

        Parameters
        ----------
        features : tensor of shape (n, *backbone.feature_shape)
            Features in mm.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        z_mean, z_log_var : tensor of shape (n, latent_dim)
            Mean and log-variance.
        """
        hidden = self.encoder(self.standardise(features), training=training)
        z_log_var = ops.clip(self.z_log_var(hidden), -_LOG_VAR_LIMIT, _LOG_VAR_LIMIT)
        return self.z_mean(hidden), z_log_var

    def decode_z(self, z, training: bool | None = None):
        """Decode latents to features.

        Parameters
        ----------
        z : tensor of shape (n, latent_dim)
            Latents.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        tensor of shape (n, *backbone.feature_shape)
            Features in mm.
        """
        return self.standardise.restore(self.decoder(z, training=training))

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
            ``points`` and ``features`` (reconstructed, mm), ``z_mean``, ``z_log_var``.
        """
        z_mean, z_log_var = self.posterior(self.features_of(inputs), training)
        features = self.decode_z(
            self.draw((z_mean, z_log_var), training=training), training
        )
        return {
            "points": self.synthesis(features),
            "features": features,
            "z_mean": z_mean,
            "z_log_var": z_log_var,
        }

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Reconstruction and KL divergence, in nats, averaged over the batch."""
        error = squared_error(self.features_of(x), y_pred["features"])
        kl = ops.sum(kl_by_dimension(y_pred["z_mean"], y_pred["z_log_var"]), axis=-1)
        self.reconstruction_tracker.update_state(ops.sqrt(error / self.nb_points))
        self.kl_tracker.update_state(kl)
        return ops.mean(self._weight * error + self.beta * kl)

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        return {
            **super().get_config(),
            "beta": self.beta,
            "sigma_mm": self.sigma_mm,
            "reduction": self.reduction,
        }
