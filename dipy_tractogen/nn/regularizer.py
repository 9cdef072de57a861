"""Terms that any model's loss may have on its latents."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.streamlines.messages import listed


class Regularizer(keras.layers.Layer):
    """Base of the terms that a model's loss may have on its latents."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the conditions that the term reads."""
        raise NotImplementedError

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what the term adds to the history of a training."""
        raise NotImplementedError

    def check_conditions(self, conditions: Conditions, latent_dim: int) -> None:
        """Refuse conditions that the term cannot do with.

        Parameters
        ----------
        conditions : Conditions
            What the model knows of its streamlines.
        latent_dim : int
            Dimensions of the latent space.

        Raises
        ------
        ValueError
            If a condition is missing or of the wrong kind, or a dimension is missing.
        """
        raise NotImplementedError

    def make_layers(self, conditions: Conditions, latent_dim: int) -> None:
        """Make what the term needs, once the conditions are known and checked.

        Parameters
        ----------
        conditions : Conditions
            What the model knows of its streamlines.
        latent_dim : int
            Dimensions of the latent space.
        """
        raise NotImplementedError

    def loss(self, z, conditions, training: bool):
        """Give the term for a batch.

        Parameters
        ----------
        z : tensor of shape (n, latent_dim)
            Latents, as the decoder gets them.
        conditions : tensor of shape (n, conditions.width)
            Conditions of the streamlines.
        training : bool
            Whether the weight of the moment counts, or the last one.

        Returns
        -------
        tensor of shape ()
            In nats.
        """
        raise NotImplementedError

    @property
    def settled_after(self) -> float:
        """Share of a training after which the term's weight hardly changes."""
        return 0.0

    def callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Return what changes the term's weight during a training; nothing by default.

        Parameters
        ----------
        budget : Budget
            Says how much of the training is behind.

        Returns
        -------
        list of keras.callbacks.Callback
            The schedule.
        """
        return []


def as_regularizers(given: Sequence[Regularizer | dict]) -> list[Regularizer]:
    """Make a model's own regularisers of what it is given.

    They are made anew, so that one can be given to several models.

    Parameters
    ----------
    given : sequence of Regularizer or dict
        Regularisers, or their configurations from a model's file.

    Returns
    -------
    list of Regularizer
        The regularisers.

    Raises
    ------
    ValueError
        If one is neither.
    """
    made = []
    for one in given:
        if isinstance(one, dict):
            one = _registered_class(one).from_config(one["config"])
        if not isinstance(one, Regularizer):
            raise ValueError(
                f"regularizers hold {one!r}: give a LabelRegularizer or an "
                "AttributeRegularizer."
            )
        # Keras numbers the layers of a process.
        own = {"name": f"regularizer_{len(made)}", "dtype": "float32"}
        made.append(type(one).from_config({**one.get_config(), **own}))
    names = [name for one in made for name in one.measures]
    if len(set(names)) < len(names):
        raise ValueError(
            f"regularizers for {listed(n for one in made for n in one.needs)}: give "
            "one of each kind for a condition."
        )
    return made


def _registered_class(plain: dict) -> type[Regularizer]:
    """Return the class that a configuration names; no other object is made of it."""
    name = plain.get("registered_name") or plain.get("class_name")
    found = keras.saving.get_registered_object(name)
    if not (isinstance(found, type) and issubclass(found, Regularizer)):
        raise ValueError(
            f"regularizers hold a {name}, which is not known here: import the module "
            "that registers it first."
        )
    return found
