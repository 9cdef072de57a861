"""`dipy_train_aae`: from tractograms to an adversarial autoencoder."""

from __future__ import annotations

import logging

from dipy_tractogen.parameters.model import AESizes
from dipy_tractogen.parameters.terms import AdversaryParameters

from ..flows.training import SHARED, TrainingFlow
from ..options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")

# Losses that an option belongs to.
_LOSSES_OF = {
    "adversarial_start": ("mmd",),
    "gradient_penalty": ("wasserstein",),
    "discriminator_units": ("bce", "wasserstein"),
}


class TrainAAEFlow(TrainingFlow):
    """Train an adversarial autoencoder on bundles of streamlines."""

    short_name = "train_aae"
    model_name = "AAE"

    @with_parameters_of(AESizes, AdversaryParameters, *SHARED)
    def run(self, **given):
        """Train an adversarial autoencoder on bundles of streamlines.

        The decoder is told the bundle and the length of each streamline, and further
        conditions if they are named; a discriminator, or the maximum mean discrepancy,
        shapes the latents to a prior. Such a training may collapse: what generated
        streamlines cover of the real ones is in the history, and is reported at the
        end. A part of every bundle is held out: it stops the training when it no longer
        gets better, and is written for the evaluation. While it runs, a folder named
        after the model file holds a checkpoint.
        """
        if given["prior"] == "swiss_roll" and given["latent_dim"] != 2:
            raise ValueError(
                f"--prior swiss_roll has 2 dimensions, and --latent_dim is "
                f"{given['latent_dim']}: give --latent_dim 2, or another prior."
            )
        for name, losses in _LOSSES_OF.items():
            if given[name] is not None and given["adversarial_loss"] not in losses:
                raise ValueError(
                    f"--{name} goes with --adversarial_loss {' or '.join(losses)}: "
                    "leave it out, or give that."
                )
        self.train(given, AESizes, AdversaryParameters)

    def report(self, model, aside) -> None:
        """Log the results of a training, and what generated streamlines cover."""
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
