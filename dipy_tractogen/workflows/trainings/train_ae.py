"""`dipy_train_ae`: from tractograms to an autoencoder."""

from __future__ import annotations

from dipy_tractogen.parameters.model import AESizes

from ..flows.training import SHARED, TrainingFlow
from ..options.parameters import with_parameters_of


class TrainAEFlow(TrainingFlow):
    """Train an autoencoder on bundles of streamlines."""

    short_name = "train_ae"
    model_name = "AE"

    @with_parameters_of(AESizes, *SHARED)
    def run(self, **given):
        """Train an autoencoder on bundles of streamlines.

        The model reads and gives points in RASMM millimetres. With --backbone conv it
        is the published network of streamlines (FINTA). It keeps the density of the
        latents of each bundle, so that dipy_generate_streamlines can draw new
        streamlines bundle by bundle; for that a variational autoencoder,
        dipy_train_vae, is made. A part of every bundle is held out: it stops the
        training when it no longer gets better, and is written for the evaluation.
        While it runs, a folder named after the model file holds a checkpoint.
        """
        self.train(given, AESizes)
