"""What autoencoders share, variational or not: layers and reconstruction."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops
import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions

from .checks import MM, check_choice, check_number
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
from .regularizer import Regularizer, as_regularizers
from .settings import keras_defaults


class StreamlineAutoencoder(StreamlineModel):
    """Base of the models with an encoder, latents and a decoder.

    A subclass calls `make_layers` at the end of its ``__init__``, and says what `call`,
    `compute_loss` and `mean_and_deviation` do. Where layers depend on conditions that
    are not known yet, they are made when the training has found those.

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
    regularizers : sequence of Regularizer
        Further terms of the loss, on the latents.
    **kwargs
        Further arguments of `StreamlineReader`.

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
        regularizers: Sequence[Regularizer],
        **kwargs,
    ):
        super().__init__(nb_points, latent_dim, **kwargs)
        check_number("sigma_mm", sigma_mm, low=MM[0], high=MM[1])
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("reconstruction", reconstruction, RECONSTRUCTIONS)
        if huber_mm is not None:
            check_number("huber_mm", huber_mm, low=MM[0], high=MM[1])
            if reconstruction != "huber":
                raise ValueError(
                    f"huber_mm={huber_mm} belongs to reconstruction='huber', which is "
                    f"{reconstruction!r}: leave it out, or change that."
                )
        self.sigma_mm = sigma_mm
        self.reduction = reduction
        self.reconstruction = reconstruction
        self.huber_mm = huber_mm
        self.regularizers = as_regularizers(regularizers)

    @property
    def reads_conditions(self) -> bool:
        """Whether the layers, or the terms of the loss, read conditions."""
        return self.conditions_in_networks or bool(self.regularizers)

    @property
    def needed_conditions(self) -> tuple[str, ...]:
        """Names of conditions that the model cannot do without."""
        return tuple(name for one in self.regularizers for name in one.needs)

    def check_conditions(self, conditions: Conditions) -> None:
        """Refuse conditions that the layers or the loss cannot do with.

        Parameters
        ----------
        conditions : Conditions
            What is known of the training streamlines.

        Raises
        ------
        ValueError
            If one is missing, or of the wrong kind.
        """
        for one in self.regularizers:
            one.check_conditions(conditions, self.latent_dim)

    @keras_defaults()
    def make_layers(self) -> None:
        """Make the layers, with weights that the seed fixes."""
        if self.reads_conditions and self.conditions is None:
            return
        if self.reads_conditions:
            self.check_conditions(self.conditions)
        width = self.conditions.width if self.conditions_in_networks else 0
        with seeded_weights(self.seed):
            self.analysis = self.backbone.analysis()
            self.standardise = Standardisation(name="standardise")
            if self.conditions_in_encoder:
                self.offset = keras.layers.Dense(
                    int(np.prod(self.backbone.feature_shape)), name="offset"
                )
            self.encoder = self.backbone.encoder()
            self.z_mean = keras.layers.Dense(self.latent_dim, name="z_mean")
            self.make_heads()
            decoded = width if self.conditions_in_decoder else 0
            self.decoder = self.backbone.decoder(self.latent_dim + decoded)
            self.synthesis = self.backbone.synthesis()
            self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction_mm")
            for one in self.regularizers:
                one.make_layers(self.conditions, self.latent_dim)
            nothing = {"points": ops.zeros((1, self.nb_points, 3))}
            if width:
                nothing["conditions"] = ops.zeros((1, width))
            self(nothing)

    def make_heads(self) -> None:
        """Make what a model has between encoder and decoder beside ``z_mean``."""

    def mean_and_deviation(self, features, conditions=None):
        """Give the posterior of the latents of features, outside of training.

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
        raise NotImplementedError

    def hidden(self, features, conditions=None, training: bool | None = None):
        """Return what the encoder makes of features, before the latents.

        Conditions enter as a streamline, learnt, that is added to what is read: the
        same for every backbone.

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
        tensor of shape (n, h)
            The last hidden layer.
        """
        read = self.standardise(features)
        if self.conditions_in_encoder:
            read = read + ops.reshape(self.offset(conditions), ops.shape(read))
        return self.encoder(read, training=training)

    def decode_z(self, z, conditions=None, training: bool | None = None):
        """Decode latents to features.

        Parameters
        ----------
        z : tensor of shape (n, latent_dim)
            Latents.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the networks read some.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        """
        if self.conditions_in_decoder:
            z = ops.concatenate([z, conditions], axis=-1)
        return self.standardise.restore(self.decoder(z, training=training))

    def regularization(self, inputs, outputs: dict, training: bool):
        """Return the terms that `regularizers` add to the loss.

        Parameters
        ----------
        inputs : dict
            What `call` was given.
        outputs : dict
            What it gave.
        training : bool
            Whether the weights of the moment count, or the last ones.

        Returns
        -------
        tensor of shape (), or float
            In nats, averaged over the batch.
        """
        return sum(
            one.loss(outputs["z"], inputs["conditions"], training)
            for one in self.regularizers
        )

    @property
    def settled_after(self) -> float:
        """Share of a training after which no regulariser fades any more."""
        return max((one.settled_after for one in self.regularizers), default=0.0)

    def own_callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Return what changes the weights of the regularisers during a training.

        Parameters
        ----------
        budget : Budget
            Says how much of the training is behind.
        inputs : dict of str to ndarray
            What the model reads of the training streamlines.

        Returns
        -------
        list of keras.callbacks.Callback
            Those of the regularisers that have a schedule.
        """
        return [each for one in self.regularizers for each in one.callbacks(budget)]

    def reconstruction_loss(self, inputs, outputs: dict):
        """Return the error of the reconstruction, and follow it in mm.

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
            "regularizers": [
                keras.saving.serialize_keras_object(one) for one in self.regularizers
            ],
        }
