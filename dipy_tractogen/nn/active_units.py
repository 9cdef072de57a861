"""Measures that are followed during a training."""

from __future__ import annotations

import keras
from keras import ops

ACTIVE_VARIANCE = 0.01
"""Variance of its mean above which a latent dimension counts as active."""


class ActiveUnits(keras.metrics.Metric):
    """Number of latent dimensions whose mean says something of a streamline.

    A dimension is active where the variance of its mean over the streamlines is above
    `ACTIVE_VARIANCE` :footcite:p:`Burda2016`.

    Parameters
    ----------
    latent_dim : int
        Dimensions of the latent space.
    name : str, optional
        Name of the metric.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, latent_dim: int, name: str = "active_units"):
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", name="count")
        self.sums = self.add_variable((latent_dim,), "zeros", name="sums")
        self.squares = self.add_variable((latent_dim,), "zeros", name="squares")

    def update_state(self, z_mean, sample_weight=None):
        """Add the means of a batch, of shape (n, latent_dim)."""
        self.count.assign_add(ops.cast(ops.shape(z_mean)[0], self.count.dtype))
        self.sums.assign_add(ops.sum(z_mean, axis=0))
        self.squares.assign_add(ops.sum(ops.square(z_mean), axis=0))

    def result(self):
        """Count the dimensions that are active."""
        count = ops.maximum(self.count, 1.0)
        variance = self.squares / count - ops.square(self.sums / count)
        return ops.sum(ops.cast(variance > ACTIVE_VARIANCE, "float32"))
