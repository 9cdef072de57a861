"""Networks between a streamline and its latents, shared by all models.

A backbone is a plain description: it makes the layers of a model and holds no weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from dipy_tractogen.streamlines.geometry import cosine_basis

from .layers import CosineAnalysis, CosineSynthesis

_NB_COEFFICIENTS = 24


class SpectralBackbone:
    """Dense layers on the first cosine coefficients of a streamline.

    A streamline is smooth, so a few coefficients an axis hold it
    :footcite:p:`Chung2010`, and dense layers on them train far faster than
    convolutions on the points.

    Parameters
    ----------
    nb_points : int
        Number of points of a streamline.
    nb_coefficients : int, optional
        Cosine coefficients kept an axis, at most `nb_points`; 24 by default, or
        `nb_points` where there are fewer.
    hidden_units : sequence of int, optional
        Units of the encoder's dense layers; the decoder has them in reverse.
    activation : str, optional
        Activation of the hidden layers, as Keras names it.

    Raises
    ------
    ValueError
        If a number is below one or the activation is unknown.

    References
    ----------
    .. footbibliography::
    """

    name = "spectral"

    def __init__(
        self,
        nb_points: int,
        nb_coefficients: int | None = None,
        hidden_units: Sequence[int] = (512, 512),
        activation: str = "silu",
    ):
        if nb_coefficients is None:
            nb_coefficients = min(_NB_COEFFICIENTS, nb_points)
        # Raises where there are more coefficients than points.
        cosine_basis(nb_points, nb_coefficients)
        if not hidden_units or min(hidden_units) < 1:
            raise ValueError(f"hidden_units={hidden_units}: give whole numbers >= 1.")
        keras.activations.get(activation)
        self.nb_points = nb_points
        self.nb_coefficients = nb_coefficients
        self.hidden_units = tuple(int(units) for units in hidden_units)
        self.activation = activation

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Shape of what the network reads of one streamline."""
        return (self.nb_coefficients, 3)

    def analyse(self, points: np.ndarray) -> np.ndarray:
        """Give the features of streamlines without TensorFlow.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Points in mm.

        Returns
        -------
        ndarray of shape (n, *feature_shape), float32
            Coefficients in mm.
        """
        return np.matmul(cosine_basis(self.nb_points, self.nb_coefficients), points)

    def analysis(self) -> keras.layers.Layer:
        """Make the layer from points to features."""
        return CosineAnalysis(self.nb_points, self.nb_coefficients, name="analysis")

    def synthesis(self) -> keras.layers.Layer:
        """Make the layer from features to points."""
        return CosineSynthesis(self.nb_points, self.nb_coefficients, name="synthesis")

    def encoder(self) -> keras.Model:
        """Make the network from standardised features to the layer before the heads."""
        return keras.Sequential(
            [
                keras.Input(self.feature_shape),
                keras.layers.Flatten(),
                *self._hidden_layers(self.hidden_units),
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

    def _hidden_layers(self, units: Sequence[int]) -> list[keras.layers.Layer]:
        return [keras.layers.Dense(n, activation=self.activation) for n in units]

    def get_config(self) -> dict:
        """Options of the backbone, as plain values."""
        return {
            "nb_coefficients": self.nb_coefficients,
            "hidden_units": list(self.hidden_units),
            "activation": self.activation,
        }


BACKBONES = {backbone.name: backbone for backbone in (SpectralBackbone,)}
"""The backbones by name."""


def make_backbone(name: str, nb_points: int, options: dict | None = None):
    """Make a backbone by its name.

    Parameters
    ----------
    name : str
        A key of `BACKBONES`.
    nb_points : int
        Number of points of a streamline.
    options : dict, optional
        Further arguments of the backbone.

    Returns
    -------
    SpectralBackbone
        The backbone.

    Raises
    ------
    ValueError
        If the name or an option is unknown.
    """
    if name not in BACKBONES:
        raise ValueError(f"backbone={name!r}: accepted are {', '.join(BACKBONES)}.")
    try:
        return BACKBONES[name](nb_points, **(options or {}))
    except TypeError as error:
        raise ValueError(f"Options of the {name} backbone: {error}.") from error
