"""`dipy_train_cvae`: from tractograms to a conditional variational autoencoder."""

from __future__ import annotations

from ..flows.training import OF_VAES, SHARED, TrainingFlow
from ..options.parameters import with_parameters_of


class TrainCVAEFlow(TrainingFlow):
    """Train a conditional variational autoencoder on bundles of streamlines."""

    short_name = "train_cvae"
    model_name = "CVAE"

    @with_parameters_of(*OF_VAES, *SHARED)
    def run(self, **given):
        """Train a conditional variational autoencoder on bundles of streamlines.

        Encoder and decoder are told the bundle and the length of each streamline, and
        further conditions such as age and diagnosis if they are named. It is the model
        for new streamlines that have what is asked for, by the --conditions of
        dipy_generate_streamlines. A part of every bundle is held out: it stops the
        training when it no longer gets better, and is written for the evaluation.
        While it runs, a folder named after the model file holds a checkpoint.
        """
        self.train(given, *OF_VAES)
