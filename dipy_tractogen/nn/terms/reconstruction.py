"""Error of the reconstruction, which every loss has."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from ..checks import MM, check_choice, check_number
from ..losses import (
    RECONSTRUCTIONS,
    REDUCTIONS,
    independent_points,
    point_penalty,
    reconstruction_weight,
    squared_error,
)


class Reconstruction(keras.layers.Layer):
    """Error of the reconstruction of streamlines, in nats.

    Parameters
    ----------
    sigma_mm : float, optional
        Point error that is accepted, in mm.
    reduction : {"effective", "sum", "mean"}, optional
        How many independent points a streamline counts as: 8, all or 1.
    reconstruction : {"squared", "absolute", "huber"}, optional
        How the distance of a point grows into its error (`point_penalty`).
    huber_mm : float, optional
        Where ``"huber"`` turns from squared to absolute, in mm; by default `sigma_mm`.
    **kwargs
        Arguments of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    Notes
    -----
    The history of a training has the root mean square error as ``reconstruction_mm``.
    """

    def __init__(
        self,
        sigma_mm: float = 1.0,
        reduction: str = "effective",
        reconstruction: str = "squared",
        huber_mm: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_number("sigma_mm", sigma_mm, low=MM[0], high=MM[1])
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("reconstruction", reconstruction, RECONSTRUCTIONS)
        if huber_mm is not None:
            check_number("huber_mm", huber_mm, low=MM[0], high=MM[1])
            if reconstruction != "huber":
                raise ValueError(
                    f"huber_mm={huber_mm} belongs to reconstruction='huber', which is "
                    f"{reconstruction!r}: leave it out, or change that."
                )
        self.sigma_mm = sigma_mm
        self.reduction = reduction
        self.reconstruction = reconstruction
        self.huber_mm = huber_mm
        self.tracker = keras.metrics.Mean(name="reconstruction_mm")

    def loss(self, features, outputs: dict, synthesis: Callable, nb_points: int):
        """Compute the error for a batch.

        Parameters
        ----------
        features : tensor of shape ``(n, *backbone.feature_shape)``
            What the network read, in mm.
        outputs : dict of str to tensor
            What it gave.
        synthesis : callable
            Makes points (n, nb_points, 3) of features.
        nb_points : int
            Points of a streamline.

        Returns
        -------
        tensor of shape ()
            In nats, averaged over the batch.
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

    def get_config(self) -> dict:
        """Return the parameters of the error."""
        names = ("sigma_mm", "reduction", "reconstruction", "huber_mm")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
