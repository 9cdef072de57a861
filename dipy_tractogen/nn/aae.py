"""Adversarial autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops
import numpy as np
import tensorflow as tf

from dipy_tractogen.streamlines.conditions import BUNDLE

from .ae import AE
from .checks import check_choice, check_number, check_units
from .collapse import CollapseWatch
from .layers import uniform_noise
from .posterior import GaussianPosterior
from .priors import PRIORS

ADVERSARIAL_LOSSES = ("bce", "wasserstein")
"""How the discriminator is trained."""

_SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class AAE(GaussianPosterior, AE):
    r"""Conditional adversarial autoencoder of streamlines :footcite:p:`Makhzani2015`.

    As `AE`, but latents are drawn from a Gaussian of the encoder's, and a discriminator
    :math:`D(z, c)` learns to tell them from draws of a prior, while the encoder learns
    to mislead it, so that the latents come to be distributed as the prior is. Decoder
    and discriminator are told the conditions :math:`c`, bundle and length among them.

    With ``"bce"`` the discriminator minimises
    :math:`-\log s(D(p)) - \log(1 - s(D(z)))`, with the logistic function :math:`s`, and
    the encoder :math:`-\log s(D(z))`; with ``"wasserstein"`` they minimise
    :math:`D(z) - D(p) + \lambda (\|\nabla D\| - 1)^2` :footcite:p:`Gulrajani2017` and
    :math:`-D(z)`. Both take their steps at the same time.

    Streamlines are generated from the density that the latents have after the training,
    as with all models: a prior is matched only in part, and what it gives beyond the
    latents is no streamline. Adversarial training may also collapse. So at each look at
    the held-out loss streamlines are drawn from a Gaussian fitted to the latents of
    each bundle, and from the prior; what share of real ones they cover is in the
    history (``coverage`` and ``prior_coverage``, over that of other real streamlines),
    and a warning says what to change when the first is low.

    Parameters
    ----------
    *args
        As `AE` takes them.
    prior : {"normal", "mixture", "swiss_roll"}, optional
        Distribution of the latents: standard normal, a Gaussian for each bundle, or a
        roll in two dimensions.
    adversarial_loss : {"bce", "wasserstein"}, optional
        How the discriminator is trained.
    adversarial_weight : float, optional
        Weight of misleading the discriminator, beside the reconstruction.
    gradient_penalty : float, optional
        :math:`\lambda`, for ``"wasserstein"``.
    discriminator_units : sequence of int, optional
        Units of the discriminator's hidden layers.
    **kwargs
        As `AE` takes them.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    References
    ----------
    .. footbibliography::
    """

    conditions_in_decoder = True

    def __init__(
        self,
        *args,
        prior: str = "normal",
        adversarial_loss: str = "bce",
        adversarial_weight: float = 3.0,
        gradient_penalty: float = 10.0,
        discriminator_units: Sequence[int] = (256, 256),
        **kwargs,
    ):
        check_choice("prior", prior, tuple(PRIORS))
        check_choice("adversarial_loss", adversarial_loss, ADVERSARIAL_LOSSES)
        check_number("adversarial_weight", adversarial_weight, above_zero=True)
        check_number("gradient_penalty", gradient_penalty)
        # The layers are made before the base is done.
        self._adversary = {
            "prior": prior,
            "adversarial_loss": adversarial_loss,
            "adversarial_weight": adversarial_weight,
            "gradient_penalty": gradient_penalty,
            "discriminator_units": list(
                check_units("discriminator_units", discriminator_units)
            ),
        }
        super().__init__(*args, **kwargs)
        # Says early what is wrong with the dimensions.
        PRIORS[prior](self.latent_dim, 1, self.seed)

    def make_heads(self) -> None:
        """Make the layers of the posterior, the discriminator and the prior."""
        super().make_heads()
        units = self._adversary["discriminator_units"]
        self.discriminator = keras.Sequential(
            [
                keras.Input((self.latent_dim + self.conditions.width,)),
                *(keras.layers.Dense(number, "leaky_relu") for number in units),
                keras.layers.Dense(1),
            ],
            name="discriminator",
        )
        self._labels = self.conditions.columns(BUNDLE)
        nb_labels = self.conditions[BUNDLE].width
        self.prior = PRIORS[self._adversary["prior"]](
            self.latent_dim, nb_labels, self.seed
        )
        # Not the noise that the latents are drawn with.
        self.seed_generator = keras.random.SeedGenerator(self.seed + 1)
        self.discriminator_tracker = keras.metrics.Mean(name="discriminator")
        self.misleading_tracker = keras.metrics.Mean(name="misleading")

    def own_callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Add the watch for a collapse; arguments as of the base.

        Parameters
        ----------
        budget : Budget
            Says how much of the training is behind.
        inputs : dict of str to ndarray
            What the model reads of the training streamlines.

        Returns
        -------
        list of keras.callbacks.Callback
            Those of the regularisers, and the watch.
        """
        watch = CollapseWatch(budget, inputs, self.conditions, self.seed)
        return [*super().own_callbacks(budget, inputs), watch]

    def sample_prior(self, conditions, seed_generator):
        """Draw latents from the prior.

        Parameters
        ----------
        conditions : tensor of shape (n, conditions.width)
            Conditions, as the networks read them.
        seed_generator : keras.random.SeedGenerator
            Gives the seed.

        Returns
        -------
        tensor of shape (n, latent_dim)
            Latents.
        """
        return self.prior.sample(conditions[:, self._labels], seed_generator)

    def draw_prior(self, codes, numbers, rng) -> np.ndarray:
        """Draw latents from the prior; see `StreamlineSource.draw_prior`."""
        matrix = self.conditions.matrix(codes, numbers)
        seeds = keras.random.SeedGenerator(int(rng.integers(2**31)))
        return np.asarray(self.sample_prior(matrix, seeds))

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Reconstruction, discriminator and misleading it, averaged over the batch.

        The discriminator's part does not reach the encoder, nor the encoder's part the
        discriminator, so that one step of one optimiser trains both. Held-out loss is
        that of the reconstruction: an adversary of another time is another measure.
        """
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        conditions, z = x["conditions"], y_pred["z"]
        drawn = self.sample_prior(conditions, self.seed_generator)
        own = self._discriminator_loss(ops.stop_gradient(z), drawn, conditions)
        frozen = [ops.stop_gradient(w) for w in self.discriminator.trainable_variables]
        score, _ = self.discriminator.stateless_call(
            frozen, [], ops.concatenate([z, conditions], axis=1)
        )
        is_bce = self._adversary["adversarial_loss"] == "bce"
        misleading = ops.mean(ops.softplus(-score) if is_bce else -score)
        self.discriminator_tracker.update_state(own)
        self.misleading_tracker.update_state(misleading)
        return loss + own + self._adversary["adversarial_weight"] * misleading

    def _discriminator_loss(self, z, drawn, conditions):
        def score(latents):
            return self.discriminator(ops.concatenate([latents, conditions], axis=1))

        of_z, of_drawn = score(z), score(drawn)
        if self._adversary["adversarial_loss"] == "bce":
            return ops.mean(ops.softplus(of_z) + ops.softplus(-of_drawn))
        share = uniform_noise((ops.shape(z)[0], 1), self.seed_generator)
        between = share * drawn + (1 - share) * z
        with tf.GradientTape() as tape:
            tape.watch(between)
            of_between = score(between)
        slope = tape.gradient(of_between, between)
        size = ops.sqrt(ops.maximum(ops.sum(ops.square(slope), axis=1), _SMALLEST))
        penalty = ops.mean(ops.square(size - 1))
        return ops.mean(of_z - of_drawn) + self._adversary["gradient_penalty"] * penalty

    def get_config(self) -> dict:
        """Parameters of the model, as plain values."""
        return {**super().get_config(), **self._adversary}
