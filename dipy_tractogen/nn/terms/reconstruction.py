"""Error of the reconstruction, which every loss has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import ops
import numpy as np

from dipy_tractogen.parameters.model import ReconstructionParameters
from dipy_tractogen.utils.constructors import takes

from ..losses import (
    independent_points,
    point_penalty,
    reconstruction_weight,
    squared_error,
)

_SMALLEST_SHARE = 1e-6


@takes(ReconstructionParameters)
class Reconstruction(keras.layers.Layer):
    """Error of the reconstruction of streamlines, in nats.

    Values along the streamline are channels beside the three coordinates; the error of
    each is added to that of the points. Missing ones have none.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The history of a training has the root mean square error of points as
    ``reconstruction_mm``, and that of each value, such as FA, in its own unit as
    ``reconstruction_FA``.
    """

    def build_layers(self, nodes: Callable, profiles: Sequence[str] = ()) -> None:
        """Make the means that the history of a training has.

        `nodes` is that of the backbone, and `profiles` are the names of the values.
        """
        self._nodes = nodes
        self.tracker = keras.metrics.Mean(name="reconstruction_mm")
        self.profile_trackers = [
            keras.metrics.Mean(name=f"reconstruction_{name}") for name in profiles
        ]
        self.profile_scales = [1.0] * len(profiles)

    def loss(
        self, features, outputs: dict, synthesis: Callable, nb_points: int, known=None
    ):
        """Compute the error for a batch, in nats, averaged over the batch.

        `features` ``(n, *backbone.feature_shape)``, in mm, are the inputs of the
        network, `outputs` its outputs; `synthesis` makes points (n, nb_points, c) of
        features. `known` (n, nodes, c - 3) are the known shares of values at nodes; all
        are known without it.
        """
        (given, values), (made, made_values) = (
            self._split(each) for each in (features, outputs["features"])
        )
        # Orthonormal coefficients have the squared error of their points.
        squared = squared_error(given, made)
        self.tracker.update_state(ops.sqrt(squared / nb_points))
        if self.profile_trackers:
            of_values = self._squared_errors(values - made_values, nb_points, known)
            squared = squared + ops.sum(of_values, axis=-1)
        if self.reconstruction == "squared":
            weight = reconstruction_weight(nb_points, self.sigma_mm, self.reduction)
            return ops.mean(weight * squared)
        counted = independent_points(nb_points, self.reduction)
        penalty = self._penalties(synthesis(features), outputs["points"], known)
        return ops.mean(counted * ops.mean(penalty, axis=-1))

    def _split(self, channels) -> tuple:
        """Return coordinates (..., 3), and values along the streamline (..., v)."""
        if not self.profile_trackers:
            return channels, None
        return channels[..., :3], channels[..., 3:]

    def _squared_errors(self, errors, nb_points: int, known):
        """Return the squared errors (n, v) of values, summed over known points."""
        if known is None:
            squared = ops.sum(ops.square(errors), axis=1)
            shares = ops.ones_like(squared)
        else:
            squared = ops.sum(known * ops.square(self._nodes(errors)), axis=1)
            shares = ops.mean(known, axis=1)
        means = squared / (nb_points * ops.maximum(shares, _SMALLEST_SHARE))
        for at, tracker in enumerate(self.profile_trackers):
            error = ops.sqrt(means[:, at]) / self.profile_scales[at]
            tracker.update_state(error, sample_weight=shares[:, at])
        return squared

    def _penalties(self, given, made, known):
        """Return penalties (n, nb_points) of points, and of values as one axis each."""
        options = (self.sigma_mm, self.reconstruction, self.huber_mm)
        (points, values), (others, made_values) = map(self._split, (given, made))
        penalty = point_penalty(points, others, *options)
        if known is not None:
            nb_points, nb_nodes = points.shape[1], known.shape[1]
            known = ops.take(known, np.arange(nb_points) * nb_nodes // nb_points, 1)
        for at in range(len(self.profile_trackers)):
            one = slice(at, at + 1)
            of_value = point_penalty(values[..., one], made_values[..., one], *options)
            if known is not None:
                of_value = of_value * known[..., at]
            penalty = penalty + of_value
        return penalty
