"""Divergence of the posterior of the latents from their prior."""

from __future__ import annotations

import keras
from keras import ops

from dipy_tractogen.streamlines.conditions import Conditions

from ..active_units import ActiveUnits
from ..checks import MOST_BETA, check_choice, check_number, check_whole
from ..losses import KL_VARIANTS, kl_by_dimension, normal_kl, with_free_bits
from .base import Term
from .schedules import SCHEDULES, WeightSchedule, scheduled_weight

# A decreasing beta starts at so many times its end, unless told otherwise.
_DECREASING_FROM = 10.0


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class KL(Term):
    r"""KL divergence of the posterior from the prior, by its weight.

    The prior is the standard normal, or what another term gives as ``prior_mean`` and
    ``prior_log_var`` among the outputs.

    Parameters
    ----------
    beta : float, optional
        Weight of the divergence.
    beta_schedule : {"constant", "linear", "cyclical", "decreasing"}, optional
        How that weight changes in training (`scheduled_weight`); all end at `beta`,
        which the loss of held-out streamlines has from the beginning.
    beta_start : float, optional
        Weight that a schedule starts from, by default zero, for ``"decreasing"`` ten
        times `beta`.
    beta_ramp : float, optional
        Share of the training, or of each cycle, in which the weight changes.
    beta_cycles : int, optional
        Number of cycles of ``"cyclical"``.
    free_bits : float, optional
        KL divergence of each dimension that costs nothing, in nats (`with_free_bits`).
    kl_variant : {"squared", "absolute"}, optional
        What a latent's mean costs (`kl_by_dimension`): half its square, or half its
        absolute value.
    **kwargs
        Arguments of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    Notes
    -----
    The history of a training has the divergence as ``kl``, the dimensions that are in
    use as ``active_units``, and the weight as ``beta``.
    """

    measures = ("kl", "active_units", "beta")

    def __init__(
        self,
        beta: float = 1.0,
        beta_schedule: str = "constant",
        beta_start: float | None = None,
        beta_ramp: float = 0.5,
        beta_cycles: int = 4,
        free_bits: float = 0.0,
        kl_variant: str = "squared",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_number("beta", beta, high=MOST_BETA)
        check_number("free_bits", free_bits)
        check_choice("beta_schedule", beta_schedule, SCHEDULES)
        check_choice("kl_variant", kl_variant, KL_VARIANTS)
        if beta_start is not None:
            check_number("beta_start", beta_start, high=MOST_BETA)
        check_number("beta_ramp", beta_ramp, above_zero=True, high=1)
        check_whole("beta_cycles", beta_cycles, 1, 10_000)
        self.beta = beta
        self.beta_schedule = beta_schedule
        self.beta_start = beta_start
        self.beta_ramp = beta_ramp
        self.beta_cycles = beta_cycles
        self.free_bits = free_bits
        self.kl_variant = kl_variant

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make the weight of the moment; arguments as of `Term.build_layers`."""
        # What the schedule has come to, a variable of the compiled training step.
        self.beta_now = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.beta),
            trainable=False,
            name="beta_now",
        )
        self.kl_tracker = keras.metrics.Mean(name="kl")
        self.active_tracker = ActiveUnits(latent_dim)

    def divergence(self, outputs: dict):
        """Compute the KL divergence of each latent dimension from the prior.

        Parameters
        ----------
        outputs : dict of str to tensor
            What the network gave.

        Returns
        -------
        tensor of shape (n, latent_dim)
            In nats.
        """
        posterior = outputs["z_mean"], outputs["z_log_var"]
        if "prior_mean" in outputs:
            prior = outputs["prior_mean"], outputs["prior_log_var"]
            return normal_kl(*posterior, *prior)
        return kl_by_dimension(*posterior, self.kl_variant)

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute the divergence by its weight; arguments as of `Term.loss`."""
        kl = self.divergence(outputs)
        self.kl_tracker.update_state(ops.sum(kl, axis=-1))
        self.active_tracker.update_state(outputs["z_mean"])
        # Held-out losses of different times are compared: their weight is the last.
        beta = self.beta_now if training else self.beta
        return beta * with_free_bits(kl, self.free_bits)

    def beta_at(self, spent: float) -> float:
        """Return the weight at some time of a training.

        Parameters
        ----------
        spent : float
            Share of the training that is behind, from 0 to 1.

        Returns
        -------
        float
            The weight.
        """
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

    def get_config(self) -> dict:
        """Return the parameters of the term."""
        names = (
            *("beta", "beta_schedule", "beta_start", "beta_ramp", "beta_cycles"),
            *("free_bits", "kl_variant"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
