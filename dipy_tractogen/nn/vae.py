"""Variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_streamlines

from .model import StreamlineModel
from .posterior import GaussianPosterior
from .terms.base import Term, parameters_of
from .terms.kl import KL


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class VAE(StreamlineModel):
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
    **options
        ``sigma_mm``, ``reduction``, ``reconstruction``, ``huber_mm``, ``backbone``,
        ``backbone_options``, ``regularizers``, ``conditions`` and ``seed`` of
        `StreamlineModel`.

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
        own_terms: Sequence[Term] = (),
        **options,
    ):
        kl = KL(
            beta,
            beta_schedule,
            beta_start,
            beta_ramp,
            beta_cycles,
            free_bits,
            kl_variant,
        )
        posterior = GaussianPosterior(
            deviation, log_var_limit, zero_log_var, epsilon_std
        )
        super().__init__(
            nb_points,
            latent_dim,
            posterior=posterior,
            own_terms=[kl, *own_terms],
            **options,
        )

    def prior_of(self, streamlines) -> tuple[np.ndarray, float]:
        """Return the standard normal prior; see `StreamlineModel.prior_of`."""
        return np.zeros((len(as_streamlines(streamlines)), self.latent_dim)), 1.0

    def get_config(self) -> dict:
        """Return the parameters of the model, as plain values."""
        return {**super().get_config(), **parameters_of(self.network.posterior)}
