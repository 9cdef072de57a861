"""Base of the terms of a model's loss."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions

from ..layers import Float32Layer

_OF_KERAS = ("name", "trainable", "dtype")


class Term(Float32Layer):
    """Base of the terms that a network's loss has beside the reconstruction.

    A term makes the layers that it needs, may add outputs to those of the network, and
    computes its part of the loss from them. A subclass overrides the methods it needs.

    Parameters
    ----------
    **kwargs
        Arguments of ``keras.layers.Layer``.

    Attributes
    ----------
    needs : tuple of str
        Names of the conditions that the term reads beside those that every training
        has, bundle and length.
    measures : tuple of str
        Names of the quantities that the term adds to the history of a training.
    settled_after : float
        Share of a training after which the term's weight hardly changes.
    """

    needs: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    settled_after = 0.0

    @property
    def reads_conditions(self) -> bool:
        """Whether the term reads conditions, if only those that are always known."""
        return bool(self.needs)

    def check_conditions(self, conditions: Conditions, latent_dim: int) -> None:
        """Check that the conditions are those that the term needs.

        Parameters
        ----------
        conditions : Conditions
            Conditions of the model's streamlines.
        latent_dim : int
            Dimensions of the latent space.

        Raises
        ------
        ValueError
            If a condition is missing or of the wrong kind, or a dimension is missing.
        """

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make the layers and variables that the term needs.

        Parameters
        ----------
        conditions : Conditions or None
            Conditions of the model's streamlines, checked; None where no part of the
            model reads conditions.
        latent_dim : int
            Dimensions of the latent space.
        seed : int
            Seed of the model.
        """

    def outputs(self, hidden, training: bool | None) -> dict:
        """Return outputs that the term adds to those of the network; none by default.

        Parameters
        ----------
        hidden : tensor of shape (n, h)
            The last hidden layer of the encoder.
        training : bool or None
            Whether the network is being trained.

        Returns
        -------
        dict of str to tensor
            Outputs by name.
        """
        return {}

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the term for a batch, its weight included.

        Parameters
        ----------
        inputs : dict of str to tensor
            Inputs of the network: ``"features"`` of shape
            ``(n, *backbone.feature_shape)``, in mm, and ``"conditions"`` of shape
            (n, conditions.width), where a part of it reads conditions.
        outputs : dict of str to tensor
            Outputs of the network: ``z_mean``, ``z``, ``features``, ``points``,
            ``z_log_var`` where the posterior has one, and those of the terms.
        training : bool
            Whether the weight of the present step counts, or that of the last.

        Returns
        -------
        tensor of shape (), or float
            In nats, averaged over the batch.
        """
        raise NotImplementedError

    def draw_prior(
        self,
        conditions: Conditions,
        codes: np.ndarray,
        numbers: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray | None:
        """Draw latents from the prior that the term draws them to.

        Parameters
        ----------
        conditions : Conditions
            Conditions of the model's streamlines.
        codes : ndarray of shape (n, nb_categorical)
            Categories of each.
        numbers : ndarray of shape (n, nb_continuous)
            Standardised numbers of each.
        rng : numpy.random.Generator
            Source of the draw.

        Returns
        -------
        ndarray of shape (n, latent_dim), or None
            Latents; None, the default, where the term has no prior of its own.
        """
        return None

    def callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Return callbacks that change the term's weight; none by default.

        Parameters
        ----------
        budget : Budget
            Share of the training that is spent.

        Returns
        -------
        list of keras.callbacks.Callback
            The schedule.
        """
        return []


def parameters_of(layer: keras.layers.Layer) -> dict:
    """Return the parameters of a layer without those that all layers have."""
    config = layer.get_config()
    return {name: each for name, each in config.items() if name not in _OF_KERAS}


def as_terms(given: Sequence[Term | dict]) -> list[Term]:
    """Make a model's own terms of terms, or of their configurations in a file.

    They are made anew, so that one can be given to several models. Raises ValueError if
    one is neither, or a parameter is impossible.
    """
    made = []
    for one in given:
        if isinstance(one, dict):
            # Only the term's own parameters: Keras would make objects of the others.
            kind = _registered_class(one)
            config = {n: v for n, v in one["config"].items() if n not in _OF_KERAS}
        elif isinstance(one, Term):
            kind, config = type(one), one.get_config()
        else:
            raise ValueError(
                f"regularizers hold {one!r}: give a LabelRegularizer, an "
                "AttributeRegularizer or another Term."
            )
        # Names of Keras have numbers that depend on earlier layers of the process.
        own = {"name": f"regularizer_{len(made)}", "dtype": "float32"}
        try:
            made.append(kind.from_config({**config, **own}))
        except TypeError as error:
            # Keras puts the whole configuration before it.
            said = str(error).rpartition("Exception encountered: ")[2]
            raise ValueError(f"regularizers: {kind.__name__}: {said}") from error
    return made


def _registered_class(plain: dict) -> type[Term]:
    """Return the class that a configuration names; no other object is made of it."""
    name = plain.get("registered_name") or plain.get("class_name")
    found = keras.saving.get_registered_object(name)
    if not (isinstance(found, type) and issubclass(found, Term)):
        raise ValueError(
            f"regularizers hold a {name}, which is not known here: import the module "
            "that registers it first."
        )
    return found
