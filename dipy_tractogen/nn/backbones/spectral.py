"""Dense layers on the cosine series of a streamline, as a backbone."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from dipy_tractogen.parameters.model import SpectralParameters
from dipy_tractogen.streamlines.geometry import cosine_basis
from dipy_tractogen.utils.constructors import takes

from ..layers import CosineAnalysis, CosineSynthesis

_NB_COEFFICIENTS = 24


@takes(SpectralParameters)
class SpectralBackbone:
    """Dense layers on the first cosine coefficients of a streamline.

    A streamline is smooth, so a few coefficients an axis hold it
    :footcite:p:`Chung2010`, and dense layers on them train far faster than
    convolutions on the points.

    Parameters
    ----------
    nb_points : int
        Number of points of a streamline.
    nb_channels : int, optional
        Coordinates, and values along the streamline.
    {parameters}

    Raises
    ------
    ValueError
        If a number is below one or the activation is unknown.

    References
    ----------
    .. footbibliography::
    """

    name = "spectral"
    learning_rate = 2e-3
    batch_size = 256
    largest_batch_size = 4096
    streamlines_per_s = 25000
    steps_per_call = 50
    steps_per_validation = 100
    steps_worth_compiling = 500

    def __init__(self, nb_points: int, *, nb_channels: int = 3, **given):
        if given["nb_coefficients"] is None:
            given["nb_coefficients"] = min(_NB_COEFFICIENTS, nb_points)
        # Raises if there are more coefficients than points.
        cosine_basis(nb_points, given["nb_coefficients"])
        keras.activations.get(given["activation"])
        self.nb_points, self.nb_channels = nb_points, nb_channels
        vars(self).update(given)

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Shape of the features of one streamline."""
        return (self.nb_coefficients, self.nb_channels)

    def analyse(self, points: np.ndarray) -> np.ndarray:
        """Compute the features of points (n, nb_points, nb_channels), in mm."""
        return np.matmul(cosine_basis(self.nb_points, self.nb_coefficients), points)

    def analysis(self) -> keras.layers.Layer:
        """Make the layer from points to features."""
        return CosineAnalysis(self.nb_points, self.nb_coefficients, name="analysis")

    def synthesis(self) -> keras.layers.Layer:
        """Make the layer from features to points."""
        return CosineSynthesis(self.nb_points, self.nb_coefficients, name="synthesis")

    def coefficients(self, features, nb_orders: int):
        """Return the first cosine coefficients (n, k, nb_channels), in a graph.

        They are in mm, of cosines with a mean square of one.
        """
        missing = max(nb_orders - self.nb_coefficients, 0)
        first = keras.ops.pad(features[:, :nb_orders], [(0, 0), (0, missing), (0, 0)])
        return first / np.sqrt(self.nb_points)

    def nodes(self, features):
        """Return features, or their differences, at nodes along the streamline.

        There are as many nodes as coefficients, and squares add up to the same.
        """
        basis = cosine_basis(self.nb_coefficients, self.nb_coefficients)
        return keras.ops.einsum("ck,nci->nki", basis, features)

    def encoder(self) -> keras.Model:
        """Make the network from standardised features to the last hidden layer."""
        return keras.Sequential(
            [
                keras.Input(self.feature_shape),
                keras.layers.Flatten(),
                *self._hidden_layers(self.hidden_units, self.batch_normalisation),
            ],
            name="encoder",
        )

    def decoder(self, latent_dim: int) -> keras.Model:
        """Make the network from latents to standardised features."""
        return keras.Sequential(
            [
                keras.Input((latent_dim,)),
                *self._hidden_layers(self.hidden_units[::-1]),
                keras.layers.Dense(int(np.prod(self.feature_shape))),
                keras.layers.Reshape(self.feature_shape),
            ],
            name="decoder",
        )

    def _hidden_layers(
        self, units: Sequence[int], normalised: bool = False
    ) -> list[keras.layers.Layer]:
        if not normalised:
            return [keras.layers.Dense(n, activation=self.activation) for n in units]
        layers = []
        for number in units:
            # The normalisation has its own shift.
            layers.append(keras.layers.Dense(number, use_bias=False))
            layers.append(keras.layers.BatchNormalization())
            layers.append(keras.layers.Activation(self.activation))
        return layers

    def get_config(self) -> dict:
        """Options of the backbone, as plain values."""
        return {
            "nb_coefficients": self.nb_coefficients,
            "hidden_units": list(self.hidden_units),
            "activation": self.activation,
            "batch_normalisation": self.batch_normalisation,
        }
