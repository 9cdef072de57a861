"""What autoencoders share, variational or not: layers and reconstruction."""

from __future__ import annotations

import keras
from keras import ops

from .checks import check_choice, check_number
from .layers import Standardisation, seeded_weights
from .losses import (
    RECONSTRUCTIONS,
    REDUCTIONS,
    independent_points,
    point_penalty,
    reconstruction_weight,
    squared_error,
)
from .model import StreamlineModel


class StreamlineAutoencoder(StreamlineModel):
    """Base of the models with an encoder, latents and a decoder.

    A subclass makes its layers by `make_layers` at the end of its ``__init__``, and
    says what `call`, `compute_loss` and `mean_and_deviation` do.

    Parameters
    ----------
    nb_points : int
        Points of a streamline that the model reads and gives.
    latent_dim : int
        Dimensions of the latent space.
    sigma_mm : float
        Point error that is accepted, in mm.
    reduction : {"effective", "sum", "mean"}
        How many independent points a streamline counts as: 8, all or 1.
    reconstruction : {"squared", "absolute", "huber"}
        How the distance of a point grows into its error.
    huber_mm : float, optional
        Where ``"huber"`` turns from squared to absolute, in mm.
    **kwargs
        Further arguments of `StreamlineCoder`.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.
    """

    def __init__(
        self,
        nb_points: int,
        latent_dim: int,
        *,
        sigma_mm: float,
        reduction: str,
        reconstruction: str,
        huber_mm: float | None,
        **kwargs,
    ):
        super().__init__(nb_points, latent_dim, **kwargs)
        check_number("sigma_mm", sigma_mm, above_zero=True)
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("reconstruction", reconstruction, RECONSTRUCTIONS)
        if huber_mm is not None:
            check_number("huber_mm", huber_mm, above_zero=True)
            if reconstruction != "huber":
                raise ValueError(
                    f"huber_mm={huber_mm} belongs to reconstruction='huber', which is "
                    f"{reconstruction!r}: leave it out, or change that."
                )
        self.sigma_mm = sigma_mm
        self.reduction = reduction
        self.reconstruction = reconstruction
        self.huber_mm = huber_mm

    def make_layers(self) -> None:
        """Make the layers, with weights that the seed fixes."""
        with seeded_weights(self.seed):
            self.analysis = self.backbone.analysis()
            self.standardise = Standardisation(name="standardise")
            self.encoder = self.backbone.encoder()
            self.z_mean = keras.layers.Dense(self.latent_dim, name="z_mean")
            self.make_heads()
            self.decoder = self.backbone.decoder(self.latent_dim)
            self.synthesis = self.backbone.synthesis()
            self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction_mm")
            self(ops.zeros((1, self.nb_points, 3)))

    def make_heads(self) -> None:
        """Make what a model has between encoder and decoder beside ``z_mean``."""

    def mean_and_deviation(self, features):
        """Give the posterior of the latents of features, outside of training.

        Parameters
        ----------
        features : tensor of shape (n, *backbone.feature_shape)
            Features in mm.

        Returns
        -------
        z_mean, deviation : tensor of shape (n, latent_dim)
            Mean and standard deviation.
        """
        raise NotImplementedError

    def hidden(self, features, training: bool | None = None):
        """Give what the encoder makes of features, before the latents.

        Parameters
        ----------
        features : tensor of shape (n, *backbone.feature_shape)
            Features in mm.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        tensor of shape (n, h)
            The last hidden layer.
        """
        return self.encoder(self.standardise(features), training=training)

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

    def reconstruction_loss(self, inputs, outputs: dict):
        """Give the error of the reconstruction, and follow it in mm.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            What `call` was given.
        outputs : dict
            What it gave.

        Returns
        -------
        tensor of shape (n,)
            In nats.
        """
        given = self.features_of(inputs)
        squared = squared_error(given, outputs["features"])
        self.reconstruction_tracker.update_state(ops.sqrt(squared / self.nb_points))
        if self.reconstruction == "squared":
            # Orthonormal coefficients have the squared error of their points.
            weight = reconstruction_weight(
                self.nb_points, self.sigma_mm, self.reduction
            )
            return weight * squared
        penalty = point_penalty(
            self.synthesis(given),
            outputs["points"],
            self.sigma_mm,
            self.reconstruction,
            self.huber_mm,
        )
        counted = independent_points(self.nb_points, self.reduction)
        return counted * ops.mean(penalty, axis=-1)

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        return {
            **super().get_config(),
            "sigma_mm": self.sigma_mm,
            "reduction": self.reduction,
            "reconstruction": self.reconstruction,
            "huber_mm": self.huber_mm,
        }
