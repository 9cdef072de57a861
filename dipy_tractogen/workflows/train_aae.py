"""`dipy_train_aae`: from tractograms to an adversarial autoencoder."""

from __future__ import annotations

import logging

from .options.arguments import check_choice, check_int, check_number
from .options.parameters import with_parameters_of
from .training import SHARED, TrainingFlow

logger = logging.getLogger("dipy_tractogen")


class TrainAAEFlow(TrainingFlow):
    """Train an adversarial autoencoder on bundles of streamlines."""

    short_name = "train_aae"
    model_name = "AAE"

    @with_parameters_of(*SHARED)
    def run(
        self,
        latent_dim=32,
        prior="normal",
        adversarial_loss="bce",
        adversarial_weight=3.0,
        gradient_penalty=None,
        discriminator_units=None,
        **given,
    ):
        """Train an adversarial autoencoder on bundles of streamlines.

        The decoder is told the bundle and the length of each streamline, and further
        conditions if they are named; a discriminator shapes the latents to a prior.
        Such a training may collapse: what generated streamlines cover of the real ones
        is in the history, and is reported at the end. A part of every bundle is held
        out: it stops the training when it no longer gets better, and is written for
        the evaluation. While it runs, a folder named after the model file holds a
        checkpoint.

        Parameters
        ----------
        latent_dim : int, optional
            Dimensions of the latent space, at most three a point; 2 for swiss_roll.
        prior : string, optional
            Distribution of the latents: normal, mixture (a Gaussian for each bundle) or
            swiss_roll.
        adversarial_loss : string, optional
            How the discriminator is trained: bce (binary cross entropy) or wasserstein
            (with a gradient penalty).
        adversarial_weight : float, optional
            Weight of misleading the discriminator, beside the reconstruction.
        gradient_penalty : float, optional
            Weight of the gradient penalty of wasserstein; by default 10.
        discriminator_units : variable int, optional
            Units of the hidden layers of the discriminator; by default 256 256.
        """
        check_choice("prior", prior, ("normal", "mixture", "swiss_roll"))
        check_choice("adversarial_loss", adversarial_loss, ("bce", "wasserstein"))
        check_number("adversarial_weight", adversarial_weight, low=0, open_low=True)
        if prior == "swiss_roll" and latent_dim != 2:
            raise ValueError(
                f"--prior swiss_roll has 2 dimensions, and --latent_dim is "
                f"{latent_dim}: give --latent_dim 2, or another prior."
            )
        parameters = {
            "latent_dim": latent_dim,
            "prior": prior,
            "adversarial_loss": adversarial_loss,
            "adversarial_weight": adversarial_weight,
        }
        if gradient_penalty is not None:
            if adversarial_loss != "wasserstein":
                raise ValueError(
                    f"--gradient_penalty {gradient_penalty} goes with "
                    "--adversarial_loss wasserstein: leave it out, or give that."
                )
            check_number("gradient_penalty", gradient_penalty, low=0)
            parameters["gradient_penalty"] = gradient_penalty
        if discriminator_units is not None:
            for units in discriminator_units or [0]:
                check_int("discriminator_units", units)
            parameters["discriminator_units"] = discriminator_units
        self.train(parameters, given)

    def report(self, model, aside) -> None:
        """Log what came of the training, and what generated streamlines cover.

        Parameters
        ----------
        model : AAE
            The model, trained.
        aside : BundleSet
            The streamlines that were held out.
        """
        from dipy_tractogen.nn.training.collapse import LOWEST_COVERAGE

        super().report(model, aside)
        rows, kept = model.record.history, model.record.parameters["kept_step"]
        row = next((row for row in rows if row["step"] == kept), rows[-1])
        covered = row.get("coverage")
        if covered is None:
            logger.warning("There are too few streamlines to notice a collapse.")
            return
        logger.info(
            "Of what real streamlines cover, generated ones cover %.0f %%, draws from "
            "the prior %.0f %%",
            100 * covered,
            100 * row["prior_coverage"],
        )
        if covered < LOWEST_COVERAGE:
            logger.warning(
                "The training has collapsed: give a longer one, or another "
                "--adversarial_weight, --adversarial_loss, --prior or --latent_dim."
            )
