"""Variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops
import numpy as np

from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.streamlines.ragged import as_streamlines

from .autoencoder import StreamlineAutoencoder
from .checks import MOST_BETA, check_choice, check_number, check_whole
from .layers import DEVIATIONS
from .losses import KL_VARIANTS, kl_by_dimension, with_free_bits
from .posterior import GaussianPosterior
from .regularizer import Regularizer
from .schedules import SCHEDULES, WeightSchedule, scheduled_weight
from .trackers import ActiveUnits

# A decreasing beta starts at so many times its end, unless told otherwise.
_DECREASING_FROM = 10.0


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class VAE(GaussianPosterior, StreamlineAutoencoder):
    r"""Variational autoencoder of streamlines :footcite:p:`Kingma2014`.

    It minimises, in nats a streamline,

    .. math::

        w \sum_p \|x_p - \hat x_p\|^2 + \beta\,KL(N(\mu, \sigma^2)\,\|\,N(0, 1)),

    where :math:`w` is :math:`8 / (2 N \sigma_{mm}^2)` for :math:`N` points by default
    (`reconstruction_weight`). :math:`\beta > 1` is the beta-VAE
    :footcite:p:`Higgins2017`.

    Parameters
    ----------
    nb_points : int, optional
        Points of a streamline that the model reads and gives.
    latent_dim : int, optional
        Dimensions of the latent space.
    beta : float, optional
        Weight of the KL divergence.
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
        KL divergence of each dimension that costs nothing, in nats.
    kl_variant : {"squared", "absolute"}, optional
        What a latent's mean costs in the KL divergence: half its square, or half its
        absolute value.
    deviation : {"exp", "softplus"}, optional
        How the standard deviation is made of a layer's output (`log_variance`).
    log_var_limit : float or None, optional
        Largest logarithm of the variance, either way; with None and ``"exp"`` a
        training may end in NaN.
    zero_log_var : bool, optional
        Start the layer of the variances from zero weights, so that every deviation is
        one at first.
    epsilon_std : float, optional
        Standard deviation of the noise that latents are drawn with in training.
    sigma_mm : float, optional
        Point error that is accepted, in mm.
    reduction : {"effective", "sum", "mean"}, optional
        How many independent points a streamline counts as: 8, all or 1.
    reconstruction : {"squared", "absolute", "huber"}, optional
        How the distance of a point grows into its error (`point_penalty`).
    huber_mm : float, optional
        Where ``"huber"`` turns from squared to absolute, in mm; by default
        `sigma_mm`.
    backbone : str, optional
        Name of the backbone: ``"spectral"`` or ``"conv"``.
    backbone_options : dict, optional
        Further arguments of `SpectralBackbone` or `ConvBackbone`.
    regularizers : sequence of Regularizer, optional
        Further terms of the loss, on the latents: `LabelRegularizer`,
        `AttributeRegularizer`.
    conditions : Conditions, optional
        What is known of the streamlines beside their points; by default the training
        finds it.
    seed : int, optional
        Seed of the weights and of the latents drawn in training.
    **kwargs
        Arguments of ``keras.Model``.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    Examples
    --------
    >>> from dipy_tractogen import simulate_fibercup
    >>> from dipy_tractogen.nn import VAE
    >>> data = simulate_fibercup(50, seed=0)
    >>> vae = VAE(nb_points=64, latent_dim=8)
    >>> _ = vae.fit(data.resample(64), data.labels, data.bundle_names, epochs=20)
    >>> points, labels = vae.generate(10, bundles=["bundle_1"])
    >>> points.shape
    (10, 64, 3)

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self,
        nb_points: int = 256,
        latent_dim: int = 16,
        *,
        beta: float = 1.0,
        beta_schedule: str = "constant",
        beta_start: float | None = None,
        beta_ramp: float = 0.5,
        beta_cycles: int = 4,
        free_bits: float = 0.0,
        kl_variant: str = "squared",
        deviation: str = "exp",
        log_var_limit: float | None = 10.0,
        zero_log_var: bool = True,
        epsilon_std: float = 1.0,
        sigma_mm: float = 1.0,
        reduction: str = "effective",
        reconstruction: str = "squared",
        huber_mm: float | None = None,
        backbone: str = "spectral",
        backbone_options: dict | None = None,
        regularizers: Sequence[Regularizer] = (),
        conditions: Conditions | None = None,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(
            nb_points,
            latent_dim,
            sigma_mm=sigma_mm,
            reduction=reduction,
            reconstruction=reconstruction,
            huber_mm=huber_mm,
            backbone=backbone,
            backbone_options=backbone_options,
            regularizers=regularizers,
            conditions=conditions,
            seed=seed,
            **kwargs,
        )
        check_number("beta", beta, high=MOST_BETA)
        check_number("free_bits", free_bits)
        check_number("epsilon_std", epsilon_std, high=1e3)
        check_choice("beta_schedule", beta_schedule, SCHEDULES)
        check_choice("kl_variant", kl_variant, KL_VARIANTS)
        check_choice("deviation", deviation, DEVIATIONS)
        if beta_start is not None:
            check_number("beta_start", beta_start, high=MOST_BETA)
        if log_var_limit is not None:
            check_number("log_var_limit", log_var_limit, above_zero=True)
        check_number("beta_ramp", beta_ramp, above_zero=True, high=1)
        check_whole("beta_cycles", beta_cycles, 1, 10_000)
        self.beta = beta
        self.beta_schedule = beta_schedule
        self.beta_start = beta_start
        self.beta_ramp = beta_ramp
        self.beta_cycles = beta_cycles
        self.free_bits = free_bits
        self.kl_variant = kl_variant
        self.deviation = deviation
        self.log_var_limit = log_var_limit
        self.zero_log_var = bool(zero_log_var)
        self.epsilon_std = epsilon_std
        # What the schedule has come to, a variable of the compiled training step.
        self.beta_now = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(beta),
            trainable=False,
            name="beta_now",
        )
        self.make_layers()

    def make_heads(self) -> None:
        """Make the layers of the posterior, and what follows it in a training."""
        super().make_heads()
        self.kl_tracker = keras.metrics.Mean(name="kl")
        self.active_tracker = ActiveUnits(self.latent_dim)

    def beta_at(self, spent: float) -> float:
        """Return the weight of the KL divergence at some time of a training.

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

    def own_callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Return what sets the weight of the KL divergence during a training.

        Parameters
        ----------
        budget : Budget
            Says how much of the training is behind.
        inputs : dict of str to ndarray
            What the model reads of the training streamlines.

        Returns
        -------
        list of keras.callbacks.Callback
            Those of the regularisers, and the schedule.
        """
        schedule = WeightSchedule(budget, self.beta_now, self.beta_at, "beta")
        return [*super().own_callbacks(budget, inputs), schedule]

    def divergence(self, inputs, outputs: dict):
        """Return the KL divergence of each latent dimension from the prior.

        Parameters
        ----------
        inputs : tensor of shape (n, nb_points, 3), or dict
            What `call` was given.
        outputs : dict
            What it gave.

        Returns
        -------
        tensor of shape (n, latent_dim)
            In nats.
        """
        return kl_by_dimension(outputs["z_mean"], outputs["z_log_var"], self.kl_variant)

    def prior_of(self, streamlines) -> tuple[np.ndarray, float]:
        """Return the standard normal prior; see `StreamlineModel.prior_of`."""
        return np.zeros((len(as_streamlines(streamlines)), self.latent_dim)), 1.0

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Reconstruction and KL divergence, in nats, averaged over the batch."""
        error = self.reconstruction_loss(x, y_pred)
        kl = self.divergence(x, y_pred)
        self.kl_tracker.update_state(ops.sum(kl, axis=-1))
        self.active_tracker.update_state(y_pred["z_mean"])
        # Held-out losses of different times are compared: their weight is the last.
        beta = self.beta_now if training else self.beta
        return (
            ops.mean(error)
            + beta * with_free_bits(kl, self.free_bits)
            + self.regularization(x, y_pred, training)
        )

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        names = (
            *("beta", "beta_schedule", "beta_start", "beta_ramp", "beta_cycles"),
            *("free_bits", "kl_variant", "deviation", "log_var_limit"),
            *("zero_log_var", "epsilon_std"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
