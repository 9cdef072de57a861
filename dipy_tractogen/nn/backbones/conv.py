"""The published convolutional network of streamlines, as a backbone."""

from __future__ import annotations

import keras
import numpy as np

from dipy_tractogen.parameters.model import ConvParameters
from dipy_tractogen.streamlines.geometry import cosine_basis
from dipy_tractogen.utils.constructors import takes

from .convolution import LinearUpsampling, ReflectedConvolution


@takes(ConvParameters)
class ConvBackbone:
    """Convolutions along the points of a streamline: the network of FINTA.

    Six convolutions halve the points five times, from 256 to 8, and double the
    channels up to 1,024; five pairs of convolution and linear upsampling bring the
    points back :footcite:p:`Legarreta2021`. An autoencoder of 32 latents has 4,726,307
    weights.

    Parameters
    ----------
    nb_points : int
        Number of points of a streamline: a multiple of two to the number of
        convolutions less one, so that each can be halved and doubled again.
    nb_channels : int, optional
        Coordinates, and values along the streamline.
    {parameters}

    Raises
    ------
    ValueError
        If a number is below one, `kernel_size` even, or `nb_points` no such multiple.

    References
    ----------
    .. footbibliography::
    """

    name = "conv"
    learning_rate = 6.68e-4
    batch_size = 128
    largest_batch_size = 128
    streamlines_per_s = 750
    steps_per_call = 5
    steps_per_validation = 50
    steps_worth_compiling = 200

    def __init__(self, nb_points: int, *, nb_channels: int = 3, **given):
        filters, kernel_size = given["filters"], given["kernel_size"]
        if kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size={kernel_size}: give an odd number, so that a padded "
                "streamline keeps its points."
            )
        factor = 2 ** (len(filters) - 1)
        if nb_points % factor or nb_points // factor <= kernel_size // 2:
            smallest = factor * (kernel_size // 2 + 1)
            raise ValueError(
                f"nb_points={nb_points}: the conv backbone halves them "
                f"{len(filters) - 1} times and mirrors {kernel_size // 2} of those "
                f"that are left; give a multiple of {factor}, at least {smallest}."
            )
        self.nb_points, self.nb_channels = nb_points, nb_channels
        vars(self).update(given)

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Shape of the features of one streamline."""
        return (self.nb_points, self.nb_channels)

    def analyse(self, points: np.ndarray) -> np.ndarray:
        """Return points (n, nb_points, nb_channels) in mm, which are the features."""
        return np.asarray(points, dtype=np.float32)

    def analysis(self) -> keras.layers.Layer:
        """Make the layer from points to features."""
        return keras.layers.Identity(name="analysis")

    def synthesis(self) -> keras.layers.Layer:
        """Make the layer from features to points."""
        return keras.layers.Identity(name="synthesis")

    def coefficients(self, features, nb_orders: int):
        """Return the first cosine coefficients (n, k, nb_channels), in a graph.

        They are in mm, of cosines with a mean square of one.
        """
        basis = cosine_basis(self.nb_points, min(nb_orders, self.nb_points))
        missing = [(0, nb_orders - len(basis)), (0, 0)]
        basis = np.pad(basis, missing) / np.float32(np.sqrt(self.nb_points))
        return keras.ops.einsum("kp,npc->nkc", basis, features)

    def nodes(self, features):
        """Return features at nodes along the streamline, which are its points."""
        return features

    def encoder(self) -> keras.Model:
        """Make the network from standardised points to the last hidden layer."""
        layers = [keras.Input(self.feature_shape)]
        last = len(self.filters) - 1
        for index, filters in enumerate(self.filters):
            strides = 1 if index == last else 2
            layers.append(self._convolution(filters, strides))
            if self.batch_normalisation:
                layers.append(keras.layers.BatchNormalization())
            if index < last:
                layers.append(keras.layers.ReLU())
        # Channel by channel, the order of the published weights.
        layers += [keras.layers.Permute((2, 1)), keras.layers.Flatten()]
        return keras.Sequential(layers, name="encoder")

    def decoder(self, latent_dim: int) -> keras.Model:
        """Make the network from latents to standardised points."""
        nb_cells = self.nb_points // 2 ** (len(self.filters) - 1)
        deepest = self.filters[-1]
        layers = [
            keras.Input((latent_dim,)),
            keras.layers.Dense(deepest * nb_cells),
            keras.layers.Reshape((deepest, nb_cells)),
            keras.layers.Permute((2, 1)),
        ]
        for filters in self.filters[-2::-1]:
            layers.append(self._convolution(filters))
            layers += [keras.layers.ReLU(), LinearUpsampling()]
        layers.append(self._convolution(self.nb_channels))
        return keras.Sequential(layers, name="decoder")

    def _convolution(self, filters: int, strides: int = 1) -> keras.layers.Layer:
        return ReflectedConvolution(filters, self.kernel_size, strides)

    def get_config(self) -> dict:
        """Options of the backbone, as plain values."""
        return {
            "filters": list(self.filters),
            "kernel_size": self.kernel_size,
            "batch_normalisation": self.batch_normalisation,
        }
