"""Divergence of the posterior of the latents from their prior."""

from __future__ import annotations

import keras
from keras import ops

from dipy_tractogen.parameters.terms import KLParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from ..losses import kl_by_dimension, normal_kl, with_free_bits
from .base import Term
from .schedules import WeightSchedule, scheduled_variable, scheduled_weight

# Default start of a decreasing beta, over its end.
_DECREASING_FROM = 10.0

ACTIVE_VARIANCE = 0.01
"""Variance of its mean above which a latent dimension counts as active."""


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(KLParameters)
class KL(Term):
    r"""Weighted KL divergence of the posterior from the prior.

    The prior is the standard normal, or that of another term, whose outputs have
    ``prior_mean`` and ``prior_log_var``.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The history of a training has the divergence as ``kl``, the dimensions that are in
    use as ``active_units``, and the weight as ``beta``.
    """

    measures = ("kl", "active_units", "beta")

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make the weight of the present step; arguments as of `Term.build_layers`."""
        self.beta_now = scheduled_variable(self, self.beta, "beta_now")
        self.kl_tracker = keras.metrics.Mean(name="kl")
        self.active_tracker = ActiveUnits(latent_dim)

    def divergence(self, outputs: dict):
        """Return the KL divergence from the prior, in nats: (n, latent_dim)."""
        posterior = outputs["z_mean"], outputs["z_log_var"]
        if "prior_mean" in outputs:
            prior = outputs["prior_mean"], outputs["prior_log_var"]
            return normal_kl(*posterior, *prior)
        return kl_by_dimension(*posterior, self.kl_variant)

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the weighted divergence; arguments as of `Term.loss`."""
        kl = self.divergence(outputs)
        self.kl_tracker.update_state(ops.sum(kl, axis=-1))
        self.active_tracker.update_state(outputs["z_mean"])
        # Held-out losses are compared over time, so their weight is constant.
        beta = self.beta_now if training else self.beta
        return beta * with_free_bits(kl, self.free_bits)

    def beta_at(self, spent: float) -> float:
        """Return the weight after a share of the training, from 0 to 1."""
        start = self.beta_start
        if start is None:
            decreasing = self.beta_schedule == "decreasing"
            start = _DECREASING_FROM * self.beta if decreasing else 0.0
        return scheduled_weight(
            spent,
            self.beta_schedule,
            start,
            self.beta,
            self.beta_ramp,
            self.beta_cycles,
        )

    def callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Return the schedule; arguments as of `Term.callbacks`."""
        return [WeightSchedule(budget, self.beta_now, self.beta_at, "beta")]


class ActiveUnits(keras.metrics.Metric):
    """Number of latent dimensions whose mean varies with the streamline.

    A dimension is active where the variance of its mean over the streamlines is above
    `ACTIVE_VARIANCE` :footcite:p:`Burda2016`.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, latent_dim: int, name: str = "active_units"):
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", name="count")
        self.sums = self.add_variable((latent_dim,), "zeros", name="sums")
        self.squares = self.add_variable((latent_dim,), "zeros", name="squares")

    def update_state(self, z_mean, sample_weight=None):
        """Add the means of a batch, of shape (n, latent_dim)."""
        self.count.assign_add(ops.cast(ops.shape(z_mean)[0], self.count.dtype))
        self.sums.assign_add(ops.sum(z_mean, axis=0))
        self.squares.assign_add(ops.sum(ops.square(z_mean), axis=0))

    def result(self):
        """Count the dimensions that are active."""
        count = ops.maximum(self.count, 1.0)
        variance = self.squares / count - ops.square(self.sums / count)
        return ops.sum(ops.cast(variance > ACTIVE_VARIANCE, "float32"))
