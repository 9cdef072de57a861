"""`dipy_train_vae`: from tractograms to a variational autoencoder."""

from __future__ import annotations

from ..flows.training import OF_VAES, SHARED, TrainingFlow
from ..options.parameters import with_parameters_of


class TrainVAEFlow(TrainingFlow):
    """Train a variational autoencoder on bundles of streamlines."""

    short_name = "train_vae"
    model_name = "VAE"

    @with_parameters_of(*OF_VAES, *SHARED)
    def run(self, **given):
        """Train a variational autoencoder on bundles of streamlines.

        The model reads and gives points in RASMM millimetres. It keeps the density of
        the latents and conditions of each bundle, so that dipy_generate_streamlines can
        draw new streamlines by bundle and length. A part of every bundle is held out:
        it stops the training when it no longer gets better, and is written for the
        evaluation. While it runs, a folder named after the model file holds a
        checkpoint.
        """
        self.train(given, *OF_VAES)
