"""Base of the models: network, conditions and the record of a training."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path

import keras
import numpy as np

from dipy_tractogen.parameters.model import OF_MODELS, ReconstructionParameters, Sizes
from dipy_tractogen.sampling import generated_file, generated_shards
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes
from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.tables import html_table

from . import density, encoding, generation, latent, profiles
from .archive.record import TrainingRecord
from .backbones import make_backbone
from .backend import keras_defaults
from .coder import Coder
from .network import Network
from .posterior import GaussianPosterior
from .subjects import subject
from .terms.base import Term, as_terms, parameters_of
from .terms.kl import ACTIVE_VARIANCE
from .terms.reconstruction import Reconstruction
from .training import fit as training


@takes(Sizes, *OF_MODELS)
class StreamlineModel:
    """Base of the models: a network, its conditions, and the record of its training.

    A subclass chooses the posterior and the terms of the loss.

    Parameters
    ----------
    posterior : GaussianPosterior, optional
        Distribution of the latents, given the streamline.
    own_terms : sequence of Term, optional
        Terms of the loss that the class of the model has. Their parameters are
        parameters of the model.
    {parameters}

    Attributes
    ----------
    network : Network
        The Keras model. Its layers are made once the conditions are known that it
        reads.
    conditions : Conditions or None
        Conditions of the streamlines, such as their bundle.
    record : TrainingRecord
        Results of the training: conditions, density of the latents, texture, history.
    coder : Coder
        Encodes and decodes arrays with the network.
    conditions_in_terms : bool
        Whether the class has a term of the loss that reads conditions.
    active_variance : float or None
        Variance of its mean above which a latent dimension counts as active; None if
        all do, in models without a prior for those that vary little.
    larger_batches : bool
        Whether batch size and learning rate grow with large data.
    """

    conditions_in_encoder = False
    conditions_in_decoder = False
    conditions_in_terms = False
    active_variance: float | None = ACTIVE_VARIANCE
    larger_batches = True

    @keras_defaults()
    def __init__(
        self,
        *,
        posterior: GaussianPosterior | None = None,
        own_terms: Sequence[Term] = (),
        **given,
    ):
        reconstruction = Reconstruction(**ReconstructionParameters.pop_from(given))
        self.nb_points, self.latent_dim = given["nb_points"], given["latent_dim"]
        self.seed = given["seed"]
        self.profiles = tuple(given["profiles"])
        self.profile_sigmas = given["profile_sigmas"]
        self.backbone = make_backbone(
            given["backbone"],
            self.nb_points,
            given["backbone_options"],
            3 + len(self.profiles),
        )
        self.own_terms = tuple(own_terms)
        self.regularizers = as_terms(given["regularizers"])
        self.network = Network(
            self.backbone,
            self.latent_dim,
            profiles=self.profiles,
            reconstruction=reconstruction,
            posterior=posterior,
            terms=self.own_terms,
            regularizers=self.regularizers,
            conditions_in_encoder=self.conditions_in_encoder,
            conditions_in_decoder=self.conditions_in_decoder,
            seed=self.seed,
            name=type(self).__name__.lower(),
        )
        self.network.owner = self
        self.coder = Coder(self.network)
        conditions = given["conditions"]
        self.conditions = None if conditions is None else Conditions(conditions)
        self.record = TrainingRecord()
        if self.conditions is not None or not self.reads_conditions:
            self.network.build_layers(self.conditions)

    fit = training.fit

    encode = encoding.encode
    reconstruct = encoding.reconstruct
    encode_and_decode = encoding.encode_and_decode
    decode = encoding.decode
    condition_on = encoding.condition_on
    condition_matrix = encoding.condition_matrix
    check_layers = encoding.check_layers
    as_points = encoding.as_points
    set_profiles = profiles.set_profiles
    known_profiles = profiles.known_profiles

    seeds_of = density.seeds_of
    density_by = density.density_by
    subject_of = subject.subject_of
    draw_subject = subject.draw_subject
    active_dimensions = density.active_dimensions
    generate = generation.generate
    generate_batches = generation.generate_batches
    generate_file = generated_file.generate_file
    generate_shards = generated_shards.generate_shards

    interpolate = latent.interpolate
    pair = latent.pair
    mean_streamline = latent.mean_streamline
    neighbours = latent.neighbours
    traverse = latent.traverse

    def __getattr__(self, name: str):
        """Return a parameter of a part of the network, such as ``sigma_mm``."""
        for part in self._parts():
            if name in (parameters := parameters_of(part)):
                return parameters[name]
        where = f": it is model.network.{name}" if hasattr(Network, name) else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{where}.")

    def __setattr__(self, name: str, value) -> None:
        if any(name in parameters_of(part) for part in self._parts()):
            raise AttributeError(
                f"{name} is fixed when a model is made, as its loss is compiled with "
                f"it: make another {type(self).__name__}({name}={value!r})."
            )
        super().__setattr__(name, value)

    def _parts(self) -> tuple[keras.layers.Layer, ...]:
        """Return what holds parameters of the model, once there is a network."""
        if "network" not in vars(self):
            return ()
        return self.network.reconstruction, *self.own_terms

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.get_config()})

    def __repr__(self) -> str:
        """Return class, size and the number of its training streamlines."""
        count = sum(self.record.bundle_counts)
        bundles = format_count(len(self.record.bundle_names), "bundle")
        trained = f"trained on {format_count(count, 'streamline')} of {bundles}"
        return (
            f"{type(self).__name__}(nb_points={self.nb_points}, "
            f"latent_dim={self.latent_dim}), {trained if count else 'not trained'}"
        )

    def _repr_html_(self) -> str:
        """Return a table of parameters and conditions, for notebooks."""
        config = self.get_config()
        rows = [(name, config[name]) for name in config if name != "conditions"]
        rows += [("condition", each.describe()) for each in self.conditions or ()]
        return html_table(repr(self), rows)

    def get_config(self) -> dict:
        """Return the parameters of the model, as plain values."""
        config = {
            "nb_points": self.nb_points,
            "latent_dim": self.latent_dim,
            "backbone": self.backbone.name,
            "backbone_options": self.backbone.get_config(),
            "conditions": self.conditions and self.conditions.to_plain(),
            "seed": self.seed,
            "regularizers": [
                keras.saving.serialize_keras_object(one) for one in self.regularizers
            ],
        }
        if self.profiles:
            config["profiles"] = list(self.profiles)
            config["profile_sigmas"] = self.profile_sigmas and list(self.profile_sigmas)
        for part in self._parts():
            config.update(parameters_of(part))
        return config

    @property
    def reads_conditions(self) -> bool:
        """Whether the layers, or the terms of the loss, read conditions."""
        return self.network.reads_conditions

    @property
    def conditions_in_networks(self) -> bool:
        """Whether encoder or decoder read the conditions of a streamline."""
        return self.network.conditions_in_networks

    @property
    def needed_conditions(self) -> tuple[str, ...]:
        """Names of conditions that the model cannot do without."""
        return tuple(name for term in self.network.terms for name in term.needs)

    @property
    def is_fresh(self) -> bool:
        """Whether the weights are those that the model was made with."""
        return not (self.record.history or "checkpoint" in self.record.data)

    def callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Return callbacks of a training: the schedules of the terms."""
        return [each for term in self.network.terms for each in term.callbacks(budget)]

    def prior_of(self, streamlines) -> tuple[np.ndarray, float] | None:
        """Return mean (n, latent_dim) and deviation of the normal prior of streamlines.

        None where the loss has no divergence.
        """
        return None

    @keras_defaults()
    def save(self, filepath: str | Path, overwrite: bool = True) -> None:
        """Write the model and its record as one ``.keras`` file.

        The file appears under its name only when it is complete.

        Parameters
        ----------
        filepath : str or Path
            Where to; the name ends in ``.keras``.
        overwrite : bool, optional
            Whether a file of that name is replaced.

        Raises
        ------
        ValueError
            If the name does not end in ``.keras``.
        FileExistsError
            If the file exists and `overwrite` is False.
        """
        if Path(filepath).suffix != ".keras":
            raise ValueError(f"{filepath}: the name of a model file ends in .keras.")
        with atomic_write(filepath, force=overwrite) as temporary:
            self.network.save(os.fspath(temporary), overwrite=True)
