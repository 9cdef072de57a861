"""The network of every model: encoder, latents, decoder, and a loss of terms."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import keras
from keras import ops
import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.messages import listed

from .archive.record import TrainingRecord
from .backend import keras_defaults
from .layers import Standardisation, seeded_weights
from .posterior import GaussianPosterior
from .terms.base import Term
from .terms.reconstruction import Reconstruction


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class Network(keras.Model):
    """Encoder and decoder of streamlines, and the loss that they are trained with.

    The loss is the error of the reconstruction and the sum of the `terms`. Inputs are
    points in mm, or a dictionary with ``"points"`` or ``"features"``, the outputs of
    the backbone's analysis layer, so that a training need not hold all the points; and
    with ``"conditions"``, where a part of the network reads some. Where the backbone
    has more than three channels, values along the streamline are further ones, in units
    whose accepted error is that of a point; ``"known"`` are then the known shares of
    values at the nodes of the backbone, if some are missing.

    Parameters
    ----------
    backbone : SpectralBackbone or ConvBackbone
        Makes the layers.
    latent_dim : int
        Dimensions of the latent space.
    reconstruction : Reconstruction
        Error of the reconstruction.
    posterior : GaussianPosterior, optional
        Distribution of the latents; without it the encoder gives the latents
        themselves.
    terms : sequence of Term, optional
        Terms of the loss that the class of the model has.
    regularizers : sequence of Term, optional
        Further terms of the loss.
    conditions_in_encoder, conditions_in_decoder : bool, optional
        Whether the encoder, and the decoder, read the conditions.
    profiles : sequence of str, optional
        Names of the values along the streamline, further channels of the backbone.
    seed : int, optional
        Seed of the weights and of the random layers.
    name : str, optional
        Name of the network. TensorFlow adds up gradients in an order that depends on
        it, so that rounding does.

    Attributes
    ----------
    owner : StreamlineModel or None
        The model of the network, whose class and parameters are in its file.
    """

    def __init__(
        self,
        backbone,
        latent_dim: int,
        *,
        reconstruction: Reconstruction,
        posterior: GaussianPosterior | None = None,
        terms: Sequence[Term] = (),
        regularizers: Sequence[Term] = (),
        conditions_in_encoder: bool = False,
        conditions_in_decoder: bool = False,
        profiles: Sequence[str] = (),
        seed: int = 0,
        name: str = "network",
    ):
        # Independent of the user's policy.
        super().__init__(name=name, dtype="float32")
        self.backbone = backbone
        self.latent_dim = latent_dim
        self.reconstruction = reconstruction
        self.regularizers = list(regularizers)
        # They become attributes in build_layers, among the other layers: Keras lists
        # weights in that order, and adds up the norm of a gradient in it.
        self._parts = SimpleNamespace(posterior=posterior, terms=tuple(terms))
        self.conditions_in_encoder = conditions_in_encoder
        self.conditions_in_decoder = conditions_in_decoder
        self.profiles = tuple(profiles)
        self.seed = seed
        self.owner = None
        names = ["loss", *(name for term in self.terms for name in term.measures)]
        _check_once("the history of a training", names)

    @property
    def posterior(self) -> GaussianPosterior | None:
        """Distribution of the latents; None where the encoder gives them."""
        return self._parts.posterior

    @property
    def terms(self) -> list[Term]:
        """All terms of the loss beside the reconstruction."""
        return [*self._parts.terms, *self.regularizers]

    @property
    def conditions_in_networks(self) -> bool:
        """Whether a streamline is only encoded or decoded with its conditions."""
        return self.conditions_in_encoder or self.conditions_in_decoder

    @property
    def reads_conditions(self) -> bool:
        """Whether the layers, or the terms of the loss, read conditions."""
        return self.conditions_in_networks or any(
            term.reads_conditions for term in self.terms
        )

    @property
    def settled_after(self) -> float:
        """Share of a training after which no term changes its weight any more."""
        return max((term.settled_after for term in self.terms), default=0.0)

    @keras_defaults()
    def build_layers(self, conditions: Conditions | None) -> None:
        """Make the layers, with weights that the seed fixes.

        `conditions` are needed where the network reads some. Raises ValueError if a
        term cannot use them, or a layer has no weights yet.
        """
        for term in self.terms if self.reads_conditions else ():
            term.check_conditions(conditions, self.latent_dim)
        width = conditions.width if self.conditions_in_networks else 0
        self.reconstruction.build_layers(self.backbone.nodes, self.profiles)
        # The order fixes which weights a seed gives.
        with seeded_weights(self.seed):
            self.analysis = self.backbone.analysis()
            self.standardise = Standardisation(name="standardise")
            if self.conditions_in_encoder:
                self.offset = keras.layers.Dense(
                    int(np.prod(self.backbone.feature_shape)), name="offset"
                )
            self.encoder = self.backbone.encoder()
            self.z_mean = keras.layers.Dense(self.latent_dim, name="z_mean")
            if self.posterior is not None:
                self.posterior.build_layers(self.latent_dim, self.seed)
                self._posterior = self.posterior
            for term in self._parts.terms:
                term.build_layers(conditions, self.latent_dim, self.seed)
            self._own_terms = list(self._parts.terms)
            decoded = width if self.conditions_in_decoder else 0
            self.decoder = self.backbone.decoder(self.latent_dim + decoded)
            self.synthesis = self.backbone.synthesis()
            for term in self.regularizers:
                term.build_layers(conditions, self.latent_dim, self.seed)
            for part in (self.posterior, self.reconstruction, *self.terms):
                if part is not None:
                    # They are not called as layers.
                    part.built = True
            sizes = self.backbone.nb_points, self.backbone.nb_channels
            nothing = {"points": ops.zeros((1, *sizes))}
            if width:
                nothing["conditions"] = ops.zeros((1, width))
            self(nothing)
        self._check_layers()

    def _check_layers(self) -> None:
        """Check that all weights are there, and can be told from one another."""
        # PyTorch's gradients are cleared by path.
        paths = [variable.path for variable in self.trainable_variables]
        _check_once("the weights", paths)
        unbuilt = [each for each in self._flatten_layers() if not each.built]
        if unbuilt:
            raise ValueError(
                f"The layer {unbuilt[0].name!r} of a term has no weights yet, as the "
                "network does not call it: call its build(shape) in build_layers."
            )

    def features_of(self, inputs):
        """Return the features, in mm, of the inputs of `call`."""
        if not isinstance(inputs, dict):
            return self.analysis(inputs)
        if "features" in inputs:
            return inputs["features"]
        return self.analysis(inputs["points"])

    def hidden(self, features, conditions=None, training: bool | None = None):
        """Return the last hidden layer of the encoder, (n, h), for features in mm.

        Conditions are added to the standardised features by a dense layer: the same for
        every backbone.
        """
        read = self.standardise(features)
        if self.conditions_in_encoder:
            read = read + ops.reshape(self.offset(conditions), ops.shape(read))
        return self.encoder(read, training=training)

    def encode(self, features, conditions=None, training: bool | None = None) -> dict:
        """Encode features.

        Parameters
        ----------
        features : tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the network reads some.
        training : bool, optional
            Draws latents when true, takes their means otherwise.

        Returns
        -------
        dict of str to tensor
            ``z_mean`` and ``z`` of shape (n, latent_dim), ``z_log_var`` where there is
            a posterior, and the outputs of the terms.
        """
        hidden = self.hidden(features, conditions, training)
        z_mean = self.z_mean(hidden)
        outputs = {"z_mean": z_mean, "z": z_mean}
        if self.posterior is not None:
            outputs.update(self.posterior.outputs(hidden, z_mean, training))
        for term in self.terms:
            added = term.outputs(hidden, training)
            _check_once("the outputs", [*outputs, *added])
            outputs.update(added)
        return outputs

    def decode(self, z, conditions=None, training: bool | None = None):
        """Decode latents to features.

        Parameters
        ----------
        z : tensor of shape (n, latent_dim)
            Latents.
        conditions : tensor of shape (n, conditions.width), optional
            Conditions, if the network reads some.
        training : bool, optional
            Whether the network is being trained.

        Returns
        -------
        tensor of shape ``(n, *backbone.feature_shape)``
            Features in mm.
        """
        if self.conditions_in_decoder:
            z = ops.concatenate([z, conditions], axis=-1)
        return self.standardise.restore(self.decoder(z, training=training))

    def call(self, inputs, training: bool | None = None) -> dict:
        """Encode and decode points (n, nb_points, 3) in mm, or a dictionary of inputs.

        Returns the outputs of `encode`, and the reconstructed ``features`` and
        ``points``, in mm. Latents are drawn in training; else they are their means.
        """
        conditions = inputs["conditions"] if self.conditions_in_networks else None
        outputs = self.encode(self.features_of(inputs), conditions, training)
        features = self.decode(outputs["z"], conditions, training)
        return {**outputs, "features": features, "points": self.synthesis(features)}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Compute reconstruction and terms, in nats, averaged over the batch."""
        inputs = dict(x) if isinstance(x, dict) else {"points": x}
        inputs["features"] = self.features_of(x)
        loss = self.reconstruction.loss(
            inputs["features"],
            y_pred,
            self.synthesis,
            self.backbone.nb_points,
            inputs.get("known"),
        )
        # The order of the sums fixes their rounding.
        for terms in (self._parts.terms, self.regularizers):
            loss = loss + sum(term.loss(inputs, y_pred, training) for term in terms)
        return loss

    def get_config(self) -> dict:
        """Class and parameters of the model that the network belongs to."""
        return {
            "model": keras.saving.get_registered_name(type(self.owner)),
            "parameters": self.owner.get_config(),
        }

    def get_compile_config(self) -> dict:
        """Nothing: a training compiles the network anew."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Network:
        """Make the model anew, and return its network.

        Raises
        ------
        ValueError
            If the configuration names no model.
        """
        model = keras.saving.get_registered_object(config["model"])
        if not hasattr(model, "condition_on"):
            raise ValueError(f"{config['model']} is not a model of streamlines.")
        return model(**config["parameters"]).network

    def save_assets(self, dir_path: str) -> None:
        """Write the record beside the weights, when Keras saves the network."""
        self.owner.record.save(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Read the record, when Keras loads the network."""
        sizes = {"latent_dim": self.latent_dim, "nb_points": self.backbone.nb_points}
        self.owner.record = TrainingRecord.load(dir_path, sizes)


def _check_once(where: str, names: Sequence[str]) -> None:
    """Check that two terms do not use one name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{listed(twice)}: twice in {where}; give only one term of a kind for a "
            "condition, and each layer a name of its own."
        )
