"""Autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from dipy_tractogen.streamlines.conditions import Conditions

from .autoencoder import StreamlineAutoencoder
from .regularizer import Regularizer


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class AE(StreamlineAutoencoder):
    r"""Autoencoder of streamlines.

    It minimises the error of the reconstruction, in nats a streamline, by default
    :math:`w \sum_p \|x_p - \hat x_p\|^2` (`reconstruction_weight`). With the ``conv``
    backbone, 256 points and 32 latents it is FINTA :footcite:p:`Legarreta2021`.
    Nothing shapes its latents; new streamlines are drawn from the density that the
    latents of each bundle have after the training :footcite:p:`Ghosh2020`.

    Parameters
    ----------
    nb_points : int, optional
        Points of a streamline that the model reads and gives.
    latent_dim : int, optional
        Dimensions of the latent space.
    sigma_mm : float, optional
        Point error that is accepted, in mm.
    reduction : {"effective", "sum", "mean"}, optional
        How many independent points a streamline counts as: 8, all or 1.
    reconstruction : {"squared", "absolute", "huber"}, optional
        How the distance of a point grows into its error.
    huber_mm : float, optional
        Where ``"huber"`` turns from squared to absolute, in mm; by default
        `sigma_mm`.
    backbone : str, optional
        Name of the backbone: ``"spectral"`` or ``"conv"``.
    backbone_options : dict, optional
        Further arguments of `SpectralBackbone` or `ConvBackbone`.
    regularizers : sequence of Regularizer, optional
        Further terms of the loss, on the latents: `LabelRegularizer`,
        `AttributeRegularizer`.
    conditions : Conditions, optional
        What is known of the streamlines beside their points; by default the training
        finds it.
    seed : int, optional
        Seed of the weights.
    **kwargs
        Arguments of ``keras.Model``.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    References
    ----------
    .. footbibliography::
    """

    active_variance = None

    def __init__(
        self,
        nb_points: int = 256,
        latent_dim: int = 32,
        *,
        sigma_mm: float = 1.0,
        reduction: str = "effective",
        reconstruction: str = "squared",
        huber_mm: float | None = None,
        backbone: str = "spectral",
        backbone_options: dict | None = None,
        regularizers: Sequence[Regularizer] = (),
        conditions: Conditions | None = None,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(
            nb_points,
            latent_dim,
            sigma_mm=sigma_mm,
            reduction=reduction,
            reconstruction=reconstruction,
            huber_mm=huber_mm,
            backbone=backbone,
            backbone_options=backbone_options,
            regularizers=regularizers,
            conditions=conditions,
            seed=seed,
            **kwargs,
        )
        self.make_layers()

    def mean_and_deviation(self, features, conditions=None):
        """Return the latents of features; their deviation is zero.

        Parameters
        ----------
        features : tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the networks read some.

        Returns
        -------
        z_mean, deviation : tensor of shape (n, latent_dim)
            Latents, and zeros.
        """
        z = self.z_mean(self.hidden(features, conditions))
        return z, ops.zeros_like(z)

    def call(self, inputs, training: bool | None = None) -> dict:
        """Encode and decode.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            Points in mm, or a dictionary with their ``"features"``.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        dict
            ``points`` and ``features`` (reconstructed, mm), ``z_mean``, and ``z``, the
            same.
        """
        conditions = self.conditions_of(inputs)
        z = self.z_mean(self.hidden(self.features_of(inputs), conditions, training))
        features = self.decode_z(z, conditions, training)
        return {
            "points": self.synthesis(features),
            "features": features,
            "z_mean": z,
            "z": z,
        }

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Error of the reconstruction, in nats, averaged over the batch."""
        error = ops.mean(self.reconstruction_loss(x, y_pred))
        return error + self.regularization(x, y_pred, training)
