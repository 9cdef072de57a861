"""Error of the reconstruction, which every loss has."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from dipy_tractogen.parameters.model import ReconstructionParameters
from dipy_tractogen.utils.constructors import takes

from ..losses import (
    independent_points,
    point_penalty,
    reconstruction_weight,
    squared_error,
)


@takes(ReconstructionParameters)
class Reconstruction(keras.layers.Layer):
    """Error of the reconstruction of streamlines, in nats.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The history of a training has the root mean square error as ``reconstruction_mm``.
    """

    def build_layers(self) -> None:
        """Make the mean that the history of a training has."""
        self.tracker = keras.metrics.Mean(name="reconstruction_mm")

    def loss(self, features, outputs: dict, synthesis: Callable, nb_points: int):
        """Compute the error for a batch, in nats, averaged over the batch.

        `features` ``(n, *backbone.feature_shape)``, in mm, are the inputs of the
        network, `outputs` its outputs; `synthesis` makes points (n, nb_points, 3) of
        features.
        """
        squared = squared_error(features, outputs["features"])
        self.tracker.update_state(ops.sqrt(squared / nb_points))
        if self.reconstruction == "squared":
            # Orthonormal coefficients have the squared error of their points.
            weight = reconstruction_weight(nb_points, self.sigma_mm, self.reduction)
            return ops.mean(weight * squared)
        penalty = point_penalty(
            synthesis(features),
            outputs["points"],
            self.sigma_mm,
            self.reconstruction,
            self.huber_mm,
        )
        counted = independent_points(nb_points, self.reduction)
        return ops.mean(counted * ops.mean(penalty, axis=-1))
