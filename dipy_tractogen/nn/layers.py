"""Layers between millimetres, cosine coefficients and latents."""

from __future__ import annotations

from contextlib import contextmanager
import math
import random

import keras
from keras import ops
import numpy as np

from dipy_tractogen.streamlines.geometry import cosine_basis
from dipy_tractogen.utils.memmap import release_pages

from . import backend

_PACKAGE = "dipy_tractogen"

# Streamlines whose features are in memory in double precision at once.
_BLOCK = 16384
# A feature that does not vary in training is not to be magnified later.
_SMALLEST_DEVIATION_MM = 0.01
# Of a latent, so that it has a logarithm.
_SMALLEST_DEVIATION = 1e-7


@contextmanager
def seeded_weights(seed: int):
    """Fix the weights of the layers that are made inside by a seed.

    Keras seeds an initialiser that was given no seed from Python's own generator, which
    is restored afterwards.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


class Float32Layer(keras.layers.Layer):
    """Layer that computes in float32, made where the policy may be the user's."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})


class _CosineTransform(keras.layers.Layer):
    def __init__(self, nb_points: int, nb_coefficients: int, **kwargs):
        super().__init__(**kwargs)
        # Raises if the numbers are impossible, before any graph is built.
        self._basis = cosine_basis(nb_points, nb_coefficients)
        self.nb_points = nb_points
        self.nb_coefficients = nb_coefficients

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "nb_points": self.nb_points,
            "nb_coefficients": self.nb_coefficients,
        }


@keras.saving.register_keras_serializable(package=_PACKAGE)
class CosineAnalysis(_CosineTransform):
    """Points to their first cosine coefficients (orthonormal DCT-II).

    The squared error summed over all coefficients is that summed over the points
    :footcite:p:`Chung2010`.

    References
    ----------
    .. footbibliography::
    """

    def call(self, inputs):
        """Turn points (n, nb_points, 3) into (n, nb_coefficients, 3), both in mm."""
        return ops.einsum("cp,npk->nck", self._basis, inputs)

    def compute_output_shape(self, input_shape):
        """Shape of the coefficients."""
        return (input_shape[0], self.nb_coefficients, input_shape[2])


@keras.saving.register_keras_serializable(package=_PACKAGE)
class CosineSynthesis(_CosineTransform):
    """Cosine coefficients to points: the transpose of `CosineAnalysis`."""

    def call(self, inputs):
        """Turn coefficients (n, nb_coefficients, 3) into points (n, nb_points, 3)."""
        return ops.einsum("cp,nck->npk", self._basis, inputs)

    def compute_output_shape(self, input_shape):
        """Shape of the points."""
        return (input_shape[0], self.nb_points, input_shape[2])


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Standardisation(keras.layers.Layer):
    """Features in mm to mean zero and deviation one, and back.

    Mean and deviation of each feature are weights that `adapt` sets and no training
    changes, so that they are in the model's file and the model itself reads mm.
    """

    def build(self, input_shape):
        """Make the weights, which leave the features as they are until `adapt`."""
        shape = tuple(input_shape[1:])
        self.mean = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="mean"
        )
        self.deviation = self.add_weight(
            shape=shape, initializer="ones", trainable=False, name="deviation"
        )

    def adapt(self, features: np.ndarray) -> None:
        """Set mean and deviation to those of features (n, ...), in mm."""
        total = squares = 0.0
        for part in _parts(features):
            total = total + part.sum(axis=0, dtype=float)
        mean = total / len(features)
        for part in _parts(features):
            squares = squares + ((part - mean) ** 2).sum(axis=0)
        deviation = np.sqrt(squares / len(features))
        self.mean.assign(mean)
        self.deviation.assign(np.maximum(deviation, _SMALLEST_DEVIATION_MM))

    def call(self, inputs):
        """Standardise features (n, ...) in mm."""
        return (inputs - self.mean) / self.deviation

    def restore(self, standardised):
        """Return standardised features in mm."""
        return standardised * self.deviation + self.mean


def _parts(features: np.ndarray):
    """Yield features in blocks, of which a mapped file may hold many."""
    for start in range(0, len(features), _BLOCK):
        yield features[start : start + _BLOCK]
        release_pages(features)


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Reparameterisation(keras.layers.Layer):
    r"""Draw latents from their posterior :footcite:p:`Kingma2014`.

    :math:`z = \mu + \exp(\log\sigma^2 / 2)\,\epsilon`, with normal noise of the
    standard deviation `epsilon_std`: one draws from the posterior, less draws nearer to
    its mean. `seed` is that of the layer's own generator.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, seed: int = 0, epsilon_std: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.epsilon_std = epsilon_std
        self.seed_generator = seed_generator(seed)

    def call(self, inputs, training: bool | None = None):
        """Draw from N(z_mean, exp(z_log_var)) in training, give z_mean otherwise."""
        z_mean, z_log_var = inputs
        if not training:
            return z_mean
        noise = normal_noise(ops.shape(z_mean), self.seed_generator)
        return z_mean + ops.exp(z_log_var / 2) * (self.epsilon_std * noise)

    def compute_output_shape(self, input_shape):
        """Shape of z_mean."""
        return input_shape[0]

    def get_config(self) -> dict:
        """Parameters of the layer."""
        return {
            **super().get_config(),
            "seed": self.seed,
            "epsilon_std": self.epsilon_std,
        }


def seed_generator(seed: int) -> keras.random.SeedGenerator:
    """Return a source of seeds for `normal_noise` and `uniform_noise`.

    Parameters
    ----------
    seed : int
        Seed of the source; 2**32 is the same as 0.

    Returns
    -------
    keras.random.SeedGenerator
        To be an attribute of a layer, so that its state is kept with the weights.
    """
    return backend.current().seed_generator(seed % 2**32)


def normal_noise(shape, seed_generator: keras.random.SeedGenerator):
    """Draw standard normal noise in a compiled step.

    Parameters
    ----------
    shape : tuple or tensor
        Shape of the noise.
    seed_generator : keras.random.SeedGenerator
        Gives the seed, and goes on to the next.

    Returns
    -------
    tensor
        Noise, float32.
    """
    return backend.current().normal(shape, seed_generator)


def uniform_noise(shape, seed_generator: keras.random.SeedGenerator):
    """Draw noise between 0 and 1; arguments as of `normal_noise`."""
    return backend.current().uniform(shape, seed_generator)


def log_variance(raw, deviation: str, limit: float | None):
    r"""Return the logarithm of a variance from the output of a layer.

    ``"exp"`` takes it as :math:`\log\sigma^2`; ``"softplus"`` as :math:`\sigma = \log(1
    + (e - 1) e^{raw})`, which grows no faster than its input. In both an output of zero
    is a deviation of one. `limit` is the largest logarithm, either way: without it
    ``"exp"`` overflows where `raw` is large, and a training is lost.
    """
    if deviation == "softplus":
        sigma = ops.softplus(raw + math.log(math.e - 1))
        raw = 2.0 * ops.log(ops.maximum(sigma, _SMALLEST_DEVIATION))
    return raw if limit is None else ops.clip(raw, -limit, limit)
