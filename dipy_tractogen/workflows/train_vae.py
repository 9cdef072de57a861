"""`dipy_train_vae`: from tractograms to a variational autoencoder."""

from __future__ import annotations

import math

from .arguments import check_choice, check_int, check_number
from .parameters import with_parameters_of
from .training import TrainingFlow
from .training_parameters import training_parameters


class TrainVAEFlow(TrainingFlow):
    """Train a variational autoencoder on bundles of streamlines."""

    short_name = "train_vae"
    model_name = "VAE"

    @with_parameters_of(training_parameters)
    def run(
        self,
        input_files,
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
        **training,
    ):
        """Train a variational autoencoder on bundles of streamlines.

        The model reads and gives points in RASMM millimetres. It keeps the density of
        the latents of each bundle, so that dipy_generate_streamlines can draw new
        streamlines bundle by bundle. A part of every bundle is held out: it stops the
        training when it no longer gets better, and is written for the evaluation.
        While it runs, a folder named after the model file holds a checkpoint.

        Parameters
        ----------
        input_files : variable string or Path
            Tractograms, folders or globs (trk, tck, trx, vtk, vtp, fib, dpy). Files
            with the same name in several folders are one bundle.
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
        for name, value in (("beta", beta), ("free_bits", free_bits)):
            check_number(name, value, low=0)
        if beta_start is not None:
            check_number("beta_start", beta_start, low=0)
        check_choice(
            "beta_schedule",
            beta_schedule,
            ("constant", "linear", "cyclical", "decreasing"),
        )
        check_number("beta_ramp", beta_ramp, low=0, high=1, open_low=True)
        check_int("beta_cycles", beta_cycles)
        check_choice("kl_variant", kl_variant, ("squared", "absolute"))
        check_choice("deviation", deviation, ("exp", "softplus"))
        check_number("epsilon_std", epsilon_std, low=0)
        self.train(
            input_files,
            {
                "latent_dim": latent_dim,
                "beta": beta,
                "beta_schedule": beta_schedule,
                "beta_start": beta_start,
                "beta_ramp": beta_ramp,
                "beta_cycles": beta_cycles,
                "free_bits": free_bits,
                "kl_variant": kl_variant,
                "deviation": deviation,
                "log_var_limit": None if log_var_limit == math.inf else log_var_limit,
                "zero_log_var": not random_log_var,
                "epsilon_std": epsilon_std,
            },
            training,
        )
