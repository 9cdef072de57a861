"""Latent dimensions that stand for attributes of the streamlines."""

from __future__ import annotations

import keras
from keras import ops

from dipy_tractogen.parameters.terms import AttributeParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from .base import Term


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(AttributeParameters)
class AttributeRegularizer(Term):
    r"""Tie attributes to latent dimensions, one each :footcite:p:`Pati2020`.

    For all pairs of streamlines of a batch, with :math:`D_a` the difference of their
    standardised attributes and :math:`D_r` that of the latent dimension, the term is
    the mean of :math:`|\tanh(\delta D_r) - \mathrm{sign}(D_a)|` (``"sign"``: the
    same order), or of :math:`|D_r - D_a|` (``"difference"``: the same
    distances, so that the dimension can be read in the attribute's unit).

    Parameters
    ----------
    {parameters}

    Raises
    ------
    ValueError
        If a number is out of its range, the form unknown, or a dimension given twice.

    Notes
    -----
    The history of a training has the mean of each attribute, before its weight, as
    ``length_loss`` for the length.

    References
    ----------
    .. footbibliography::
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the conditions that the term reads."""
        return tuple(self.attributes)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the quantities that the term adds to the history of a training."""
        return tuple(f"{name}_loss" for name in self.attributes)

    def check_conditions(self, conditions: Conditions, latent_dim: int) -> None:
        """Check that they are numbers; arguments as of `Term.check_conditions`."""
        for name, dimension in self.attributes.items():
            if conditions[name].is_categorical:
                raise ValueError(
                    f"{name} is a category: an attribute regularizer reads a number."
                )
            if not 0 <= dimension < latent_dim:
                raise ValueError(
                    f"{name} is tied to dimension {dimension}: give 0 to "
                    f"{latent_dim - 1}, as latent_dim={latent_dim}."
                )

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Find the attributes; arguments as of `Term.build_layers`."""
        self._dimensions = list(self.attributes.values())
        self._columns = [conditions.columns(name).start for name in self.attributes]
        self.trackers = [keras.metrics.Mean(name=name) for name in self.measures]

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the mean over the pairs; arguments as of `Term.loss`."""
        of_latents, of_attributes = (
            _differences(ops.take(values, columns, axis=1))
            for values, columns in (
                (outputs["z"], self._dimensions),
                (inputs["conditions"], self._columns),
            )
        )
        if self.form == "sign":
            of_latents = ops.tanh(self.delta * of_latents)
            of_attributes = ops.sign(of_attributes)
        # Summed over the attributes: one more does not weaken the others.
        terms = ops.mean(ops.abs(of_latents - of_attributes), axis=(0, 1))
        for number, tracker in enumerate(self.trackers):
            tracker.update_state(terms[number])
        return self.weight * ops.sum(terms)


def _differences(values):
    """All pairs (n, n, k) of the rows (n, k)."""
    return values[:, None] - values[None]
