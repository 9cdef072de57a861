"""`dipy_train_rvae`: from tractograms to a VAE that regresses an attribute."""

from __future__ import annotations

import logging

from dipy_tractogen.parameters.terms import RegressionParameters

from ..flows.training import OF_VAES, SHARED, TrainingFlow
from ..options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class TrainRVAEFlow(TrainingFlow):
    """Train a variational autoencoder that regresses an attribute."""

    short_name = "train_rvae"
    model_name = "RVAE"

    @with_parameters_of(RegressionParameters, *OF_VAES, *SHARED)
    def run(self, **given):
        """Train a variational autoencoder that regresses an attribute.

        The encoder predicts a number that is known of the training streamlines, such
        as length or age, and the latents follow it along a direction that is learnt.
        It is the model for attributes that are to be predicted for other streamlines.
        A part of every bundle is held out: it stops the training when it no longer gets
        better, and tells how well the attribute is predicted. While it runs, a folder
        named after the model file holds a checkpoint.
        """
        self.train(given, RegressionParameters, *OF_VAES)

    def report(self, model, aside) -> None:
        """Log the results of a training, and the errors of the regression."""
        from dipy_tractogen.metrics.errors import describe_errors
        from dipy_tractogen.nn.encoding import predict_attribute

        super().report(model, aside)
        if not len(aside):
            return
        predicted, _, measured = predict_attribute(model, aside)
        unit = model.conditions[model.attribute].unit
        errors = describe_errors(measured, predicted, unit)
        logger.info("Held-out %s: %s", model.attribute, errors)
