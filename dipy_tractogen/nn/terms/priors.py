"""Priors of the latents, and the base of the terms that draw latents to one."""

from __future__ import annotations

import math

import keras
from keras import ops
import numpy as np

from dipy_tractogen.streamlines.conditions import BUNDLE, Conditions

from ..layers import normal_noise, seed_generator, uniform_noise
from .base import Term

# Distance of the components of the mixture from the origin, in their deviations.
_RADIUS = 4.0
# The roll goes from one and a half turns' angle to three times that; over this length
# its coordinates have a deviation of about one.
_FIRST_ANGLE = 1.5 * math.pi
_ROLL_SCALE = 7.0
_ROLL_NOISE = 0.05


class Prior:
    """Distribution of latents, which may differ by label.

    Each latent is normal about a mean of its own, with the same `deviation` in all
    directions.
    """

    deviation = 1.0

    def __init__(self, latent_dim: int, nb_labels: int, seed: int):
        self.latent_dim = latent_dim
        self.nb_labels = nb_labels
        self.seed = seed

    def means_for(self, labels, seed_generator: keras.random.SeedGenerator):
        """Return or draw means (n, latent_dim) for one-hot labels (n, nb_labels)."""
        raise NotImplementedError

    def components(self, labels, seed_generator: keras.random.SeedGenerator):
        """Return means (k, latent_dim), and which is whose: (n, k), zeros and ones.

        Arguments are those of `means_for`; k is n where means are drawn.
        """
        return self.means_for(labels, seed_generator), ops.eye(ops.shape(labels)[0])

    def sample(self, labels, seed_generator: keras.random.SeedGenerator):
        """Draw latents (n, latent_dim) for one-hot labels (n, nb_labels)."""
        means = self.means_for(labels, seed_generator)
        noise = normal_noise((ops.shape(labels)[0], self.latent_dim), seed_generator)
        return means + self.deviation * noise


class NormalPrior(Prior):
    """Standard normal, the same for all labels."""

    def means_for(self, labels, seed_generator):
        """Return zeros; see `Prior.means_for`."""
        return ops.zeros((ops.shape(labels)[0], self.latent_dim))

    def components(self, labels, seed_generator):
        """Return the one mean, zero; see `Prior.components`."""
        return ops.zeros((1, self.latent_dim)), ops.ones((ops.shape(labels)[0], 1))


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

    def means_for(self, labels, seed_generator):
        """Return the means of the labels; see `Prior.means_for`."""
        return ops.matmul(labels, self.means)

    def components(self, labels, seed_generator):
        """Return the mean of each label; see `Prior.components`."""
        return ops.convert_to_tensor(self.means), ops.convert_to_tensor(labels)


class SwissRollPrior(Prior):
    """Roll in two dimensions, a stretch of it for each label, in their order."""

    deviation = _ROLL_NOISE

    def __init__(self, latent_dim: int, nb_labels: int, seed: int):
        super().__init__(latent_dim, nb_labels, seed)
        if latent_dim != 2:
            raise ValueError(
                f"latent_dim={latent_dim}: the prior swiss_roll has 2 dimensions."
            )

    def means_for(self, labels, seed_generator):
        """Draw a place on the roll for each latent; see `Prior.means_for`."""
        nb_latents = ops.shape(labels)[0]
        start = ops.matmul(labels, np.arange(self.nb_labels, dtype=np.float32)[:, None])
        along = (
            start + uniform_noise((nb_latents, 1), seed_generator)
        ) / self.nb_labels
        angle = _FIRST_ANGLE * (1 + 2 * along)
        roll = ops.concatenate([angle * ops.cos(angle), angle * ops.sin(angle)], axis=1)
        return roll / _ROLL_SCALE


PRIORS = {"normal": NormalPrior, "mixture": MixturePrior, "swiss_roll": SwissRollPrior}
"""The priors by name."""


class PriorTerm(Term):
    """Base of the terms that draw the latents to a prior, given the conditions.

    The parameter `prior` is one of `PRIORS`.
    """

    reads_conditions = True

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make the prior; arguments as of `Term.build_layers`."""
        self._labels = conditions.columns(BUNDLE)
        self._prior = PRIORS[self.prior](latent_dim, conditions[BUNDLE].width, seed)
        # Another seed than that of the latents' noise.
        self.seed_generator = seed_generator(seed + 1)

    def sample_prior(self, conditions, seed_generator):
        """Draw latents from the prior for conditions (n, conditions.width)."""
        return self._prior.sample(conditions[:, self._labels], seed_generator)

    def draw_prior(self, conditions, codes, numbers, rng) -> np.ndarray:
        """Draw latents from the prior; arguments as of `Term.draw_prior`."""
        matrix = conditions.matrix(codes, numbers)
        seeds = seed_generator(int(rng.integers(2**31)))
        return ops.convert_to_numpy(self.sample_prior(matrix, seeds))
