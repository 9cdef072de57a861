"""Regression of an attribute, which the prior of the latents depends on."""

from __future__ import annotations

import keras
from keras import ops
import numpy as np

from dipy_tractogen.parameters.terms import RegressionParameters, VarianceParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from ..layers import Reparameterisation, log_variance
from .base import Term


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(RegressionParameters, VarianceParameters)
class Regression(Term):
    r"""Regression of an attribute from the encoder :footcite:p:`Zhao2019`.

    The encoder gives :math:`q(r | x) = N(\mu_r, \sigma_r^2)` of a standardised
    attribute :math:`r`; the term is
    :math:`(\mu_r - r)^2 / (2 \sigma_r^2) + \log \sigma_r` by its weight. The prior of
    the latents is :math:`N(u r, \sigma_p^2)` with a unit vector :math:`u` and a
    deviation :math:`\sigma_p` that are learnt, and :math:`r` drawn from
    :math:`q(r | x)`: `KL` finds it among the outputs.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    ValueError
        If a number is out of its range, or the attribute is not a number.

    Notes
    -----
    The history of a training has the root mean square error as ``attribute_error``, in
    deviations of the attribute.

    References
    ----------
    .. footbibliography::
    """

    measures = ("attribute_error",)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the conditions that the term reads."""
        return (self.attribute,)

    def check_conditions(self, conditions: Conditions, latent_dim: int) -> None:
        """Check that the attribute is a number; see `Term.check_conditions`."""
        if conditions[self.attribute].is_categorical:
            raise ValueError(
                f"{self.attribute} is a category: the attribute of an RVAE is a number."
            )

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make the regression and the prior; arguments as of `Term.build_layers`."""
        self._columns = conditions.columns(self.attribute)
        self.r_mean = keras.layers.Dense(1, name="r_mean")
        self.r_log_var = keras.layers.Dense(
            1, kernel_initializer="zeros", name="r_log_var"
        )
        self.draw = Reparameterisation(seed + 1, name="draw_attribute")
        self.direction = self.add_weight(
            shape=(latent_dim,), initializer="glorot_uniform", name="direction"
        )
        self.prior_log_var = self.add_weight(
            shape=(), initializer="zeros", name="prior_log_var"
        )
        self.error_tracker = keras.metrics.Mean(name=self.measures[0])

    def outputs(self, hidden, training: bool | None) -> dict:
        """Return the attribute and the prior; arguments as of `Term.outputs`."""
        r_mean = self.r_mean(hidden)
        r_log_var = log_variance(
            self.r_log_var(hidden), self.deviation, self.log_var_limit
        )
        r = self.draw((r_mean, r_log_var), training=training)
        return {
            "r_mean": r_mean,
            "r_log_var": r_log_var,
            "prior_mean": r * (self.direction / ops.norm(self.direction)),
            "prior_log_var": ops.convert_to_tensor(self.prior_log_var),
        }

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the error of the attribute; arguments as of `Term.loss`."""
        error = outputs["r_mean"] - inputs["conditions"][:, self._columns]
        log_var = outputs["r_log_var"]
        self.error_tracker.update_state(ops.sqrt(ops.mean(ops.square(error))))
        term = ops.mean(ops.square(error) * ops.exp(-log_var) / 2 + log_var / 2)
        return self.attribute_weight * term

    def prior(self, attribute: np.ndarray) -> tuple[np.ndarray, float]:
        """Return mean and deviation of the prior for standardised attributes."""
        direction = ops.convert_to_numpy(self.direction / ops.norm(self.direction))
        deviation = ops.convert_to_numpy(ops.exp(self.prior_log_var / 2))
        return attribute[:, None] * direction, float(deviation)

    def draw_prior(self, conditions, codes, numbers, rng) -> np.ndarray:
        """Draw latents from the prior; arguments as of `Term.draw_prior`."""
        names = [one.name for one in conditions.continuous]
        mean, deviation = self.prior(numbers[:, names.index(self.attribute)])
        return mean + deviation * rng.standard_normal(mean.shape)
