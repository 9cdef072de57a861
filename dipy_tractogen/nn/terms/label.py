"""A classifier that lays the latent space out by category, and then fades away."""

from __future__ import annotations

import math

import keras
from keras import ops

from dipy_tractogen.parameters.terms import LabelParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from .base import Term
from .schedules import WeightSchedule, fading_weight, scheduled_variable

# Share of its first value below which a weight counts as faded, and share of a training
# after which weights are kept in any case.
_FADED = 0.01
_LATEST = 0.95


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(LabelParameters)
class LabelRegularizer(Term):
    r"""Cross entropy of a small classifier that reads a category from the latents.

    Its weight begins high, so that the categories, such as bundles, come to lie apart
    in the latent space, and falls to almost nothing, so that in the end the space is
    that of the model alone. No label is needed to encode a streamline afterwards. With
    a variational model ``kl_variant="absolute"`` goes with it, which does not pull the
    means of whole bundles to the centre.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The history of a training has the weight as ``bundle_weight`` and the share of
    right answers as ``bundle_accuracy``, or with the name of another condition.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the conditions that the term reads."""
        return (self.condition,)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the quantities that the term adds to the history of a training."""
        return f"{self.condition}_accuracy", f"{self.condition}_weight"

    def check_conditions(self, conditions: Conditions, latent_dim: int) -> None:
        """Check that it is a category; arguments as of `Term.check_conditions`."""
        if not conditions[self.condition].is_categorical:
            raise ValueError(
                f"{self.condition} is a number: a label regularizer reads a category."
            )

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make the classifier; arguments as of `Term.build_layers`."""
        one = conditions[self.condition]
        self._columns = conditions.columns(one.name)
        self.classifier = keras.Sequential(
            [
                keras.Input((latent_dim,)),
                *(keras.layers.Dense(n, "silu") for n in self.hidden_units),
                keras.layers.Dense(one.width),
            ],
            name="classifier",
        )
        self.weight_now = scheduled_variable(self, self.weight, "weight_now")
        self.accuracy = keras.metrics.Mean(name=self.measures[0])

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the weighted cross entropy; arguments as of `Term.loss`."""
        labels = inputs["conditions"][:, self._columns]
        logits = self.classifier(outputs["z"])
        right = ops.argmax(logits, axis=-1) == ops.argmax(labels, axis=-1)
        self.accuracy.update_state(ops.cast(right, "float32"))
        entropy = ops.categorical_crossentropy(labels, logits, from_logits=True)
        weight = self.weight_now if training else self.final_weight
        return weight * ops.mean(entropy)

    def weight_at(self, spent: float) -> float:
        """Return the weight after a share of the training, from 0 to 1."""
        return fading_weight(
            spent,
            self.schedule,
            self.weight,
            self.final_weight,
            self.length,
            self.slope,
        )

    @property
    def settled_after(self) -> float:
        """Share of a training after which the weight is below a hundredth."""
        sigmoid = self.schedule == "sigmoid"
        tail = math.log(1 / _FADED - 1) / self.slope if sigmoid else 0.0
        return min(self.length + tail, _LATEST)

    def callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Return the schedule; arguments as of `Term.callbacks`."""
        name = self.measures[1]
        return [WeightSchedule(budget, self.weight_now, self.weight_at, name)]
