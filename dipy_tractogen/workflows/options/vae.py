"""The parameters that the variational autoencoders share, and their checks."""

from __future__ import annotations

import math

from .arguments import check_choice, check_int, check_number

_SAME = (
    *("latent_dim", "beta", "beta_schedule", "beta_start", "beta_ramp", "beta_cycles"),
    *("free_bits", "kl_variant", "deviation", "epsilon_std"),
)


def vae_parameters(
    latent_dim=16,
    beta=1.0,
    beta_schedule="constant",
    beta_start=None,
    beta_ramp=0.5,
    beta_cycles=4,
    free_bits=0.0,
    kl_variant="squared",
    deviation="exp",
    log_var_limit=10.0,
    random_log_var=False,
    epsilon_std=1.0,
):
    """Name the parameters of variational autoencoders, with their defaults.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of the latent space, at most three a point.
    beta : float, optional
        Weight of the KL divergence.
    beta_schedule : string, optional
        How the weight changes during the training: constant, linear (grows once),
        cyclical (grows again and again) or decreasing. All end at beta.
    beta_start : float, optional
        Weight that a schedule starts from: by default 0, for decreasing ten times
        beta.
    beta_ramp : float, optional
        Share of the training, or of each cycle, over which the weight changes.
    beta_cycles : int, optional
        Number of cycles of the cyclical schedule.
    free_bits : float, optional
        KL divergence of each latent dimension, in nats, that costs nothing.
    kl_variant : string, optional
        squared, or absolute: the means of the latents are drawn to zero by their
        squares, or by their absolute values, which leaves bundles apart.
    deviation : string, optional
        How the standard deviation of the latents is kept positive: exp or
        softplus.
    log_var_limit : float, optional
        Largest logarithm of the variance, either way. A training without it, inf,
        may become NaN.
    random_log_var : bool, optional
        Start the layer of the variances from random weights, not from zero.
    epsilon_std : float, optional
        Standard deviation of the noise with which latents are drawn in training.
    """


def vae_arguments(given: dict) -> dict:
    """Check the parameters, and make of them what the models take.

    Parameters
    ----------
    given : dict
        Values of `vae_parameters`, among others.

    Returns
    -------
    dict
        Arguments of `VAE`.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """
    for name in ("beta", "free_bits", "epsilon_std"):
        check_number(name, given[name], low=0)
    if given["beta_start"] is not None:
        check_number("beta_start", given["beta_start"], low=0)
    schedules = ("constant", "linear", "cyclical", "decreasing")
    check_choice("beta_schedule", given["beta_schedule"], schedules)
    check_number("beta_ramp", given["beta_ramp"], low=0, high=1, open_low=True)
    check_int("beta_cycles", given["beta_cycles"])
    check_choice("kl_variant", given["kl_variant"], ("squared", "absolute"))
    check_choice("deviation", given["deviation"], ("exp", "softplus"))
    limit = given["log_var_limit"]
    if limit != math.inf:
        check_number("log_var_limit", limit, low=0, open_low=True)
    return {
        **{name: given[name] for name in _SAME},
        "log_var_limit": None if limit == math.inf else limit,
        "zero_log_var": not given["random_log_var"],
    }
