"""Priors that an adversarial autoencoder shapes its latents to."""

from __future__ import annotations

import math

import keras
from keras import ops
import numpy as np

from ..layers import normal_noise, uniform_noise

# Distance of the components of the mixture from the origin, in their deviations.
_RADIUS = 4.0
# The roll goes from one and a half turns' angle to three times that; over this length
# its coordinates have a deviation of about one.
_FIRST_ANGLE = 1.5 * math.pi
_ROLL_SCALE = 7.0
_ROLL_NOISE = 0.05


class Prior:
    """Distribution of latents, which may differ by label."""

    def __init__(self, latent_dim: int, nb_labels: int, seed: int):
        self.latent_dim = latent_dim
        self.nb_labels = nb_labels
        self.seed = seed

    def sample(self, labels, seed_generator: keras.random.SeedGenerator):
        """Draw latents (n, latent_dim) for one-hot labels (n, nb_labels)."""
        raise NotImplementedError


class NormalPrior(Prior):
    """Standard normal, the same for all labels."""

    def sample(self, labels, seed_generator):
        """Draw latents; see `Prior.sample`."""
        return normal_noise((ops.shape(labels)[0], self.latent_dim), seed_generator)


class MixturePrior(Prior):
    """Gaussian mixture with a component of deviation one for each label.

    Its means have the same distance from the origin, at right angles to each other for
    as many labels as there are dimensions.
    """

    def __init__(self, latent_dim: int, nb_labels: int, seed: int):
        super().__init__(latent_dim, nb_labels, seed)
        rng = np.random.default_rng(seed)
        square = (-(-nb_labels // latent_dim), latent_dim, latent_dim)
        blocks = np.linalg.qr(rng.normal(size=square))[0]
        directions = blocks.reshape(-1, latent_dim)[:nb_labels]
        self.means = (_RADIUS * directions).astype(np.float32)

    def sample(self, labels, seed_generator):
        """Draw latents; see `Prior.sample`."""
        noise = normal_noise((ops.shape(labels)[0], self.latent_dim), seed_generator)
        return ops.matmul(labels, self.means) + noise


class SwissRollPrior(Prior):
    """Roll in two dimensions, a stretch of it for each label, in their order."""

    def __init__(self, latent_dim: int, nb_labels: int, seed: int):
        super().__init__(latent_dim, nb_labels, seed)
        if latent_dim != 2:
            raise ValueError(
                f"latent_dim={latent_dim}: the prior swiss_roll has 2 dimensions."
            )

    def sample(self, labels, seed_generator):
        """Draw latents; see `Prior.sample`."""
        nb_latents = ops.shape(labels)[0]
        start = ops.matmul(labels, np.arange(self.nb_labels, dtype=np.float32)[:, None])
        along = (
            start + uniform_noise((nb_latents, 1), seed_generator)
        ) / self.nb_labels
        angle = _FIRST_ANGLE * (1 + 2 * along)
        roll = ops.concatenate([angle * ops.cos(angle), angle * ops.sin(angle)], axis=1)
        noise = normal_noise((nb_latents, 2), seed_generator)
        return roll / _ROLL_SCALE + _ROLL_NOISE * noise


PRIORS = {"normal": NormalPrior, "mixture": MixturePrior, "swiss_roll": SwissRollPrior}
"""The priors by name."""
