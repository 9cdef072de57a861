"""Discriminator that draws the latents to a prior."""

from __future__ import annotations

import keras
from keras import ops

from dipy_tractogen.parameters.terms import AdversaryParameters
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.utils.constructors import takes

from .. import backend
from ..layers import uniform_noise
from .priors import PriorTerm

_SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(AdversaryParameters)
class Adversary(PriorTerm):
    r"""Discriminator of latents and prior :footcite:p:`Makhzani2015`.

    A discriminator :math:`D(z, c)`, which is told the conditions :math:`c`, learns to
    tell latents from draws of a prior, and the encoder to mislead it. With ``"bce"``
    the discriminator minimises :math:`-\log s(D(p)) - \log(1 - s(D(z)))`, with the
    logistic function :math:`s`, and the encoder :math:`-\log s(D(z))`; with
    ``"wasserstein"`` they minimise
    :math:`D(z) - D(p) + \lambda (\|\nabla D\| - 1)^2` :footcite:p:`Gulrajani2017` and
    :math:`-D(z)`. The discriminator's part does not reach the encoder, nor the
    encoder's part the discriminator, so that one step of one optimiser trains both.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    The history of a training has the two parts as ``discriminator`` and ``misleading``.

    References
    ----------
    .. footbibliography::
    """

    measures = ("discriminator", "misleading")
    reads_conditions = True

    def build_layers(self, conditions: Conditions, latent_dim: int, seed: int) -> None:
        """Make discriminator and prior; arguments as of `Term.build_layers`."""
        self.discriminator = keras.Sequential(
            [
                keras.Input((latent_dim + conditions.width,)),
                *(
                    keras.layers.Dense(number, "leaky_relu")
                    for number in self.discriminator_units
                ),
                keras.layers.Dense(1),
            ],
            name="discriminator",
        )
        super().build_layers(conditions, latent_dim, seed)
        self.discriminator_tracker = keras.metrics.Mean(name="discriminator")
        self.misleading_tracker = keras.metrics.Mean(name="misleading")

    def loss(self, inputs: dict, outputs: dict, training: bool):
        """Compute both parts; arguments as of `Term.loss`.

        Held-out streamlines have none: an adversary of another time is another measure.
        """
        if not training:
            return 0.0
        conditions, z = inputs["conditions"], outputs["z"]
        drawn = self.sample_prior(conditions, self.seed_generator)
        own = self._discriminator_loss(ops.stop_gradient(z), drawn, conditions)
        frozen = [ops.stop_gradient(w) for w in self.discriminator.trainable_variables]
        score, _ = self.discriminator.stateless_call(
            frozen, [], ops.concatenate([z, conditions], axis=1)
        )
        is_bce = self.adversarial_loss == "bce"
        misleading = ops.mean(ops.softplus(-score) if is_bce else -score)
        self.discriminator_tracker.update_state(own)
        self.misleading_tracker.update_state(misleading)
        return own + self.adversarial_weight * misleading

    def _discriminator_loss(self, z, drawn, conditions):
        def score(latents):
            return self.discriminator(ops.concatenate([latents, conditions], axis=1))

        of_z, of_drawn = score(z), score(drawn)
        if self.adversarial_loss == "bce":
            return ops.mean(ops.softplus(of_z) + ops.softplus(-of_drawn))
        share = uniform_noise((ops.shape(z)[0], 1), self.seed_generator)
        between = share * drawn + (1 - share) * z
        slope = backend.current().gradient(score, between)
        size = ops.sqrt(ops.maximum(ops.sum(ops.square(slope), axis=1), _SMALLEST))
        penalty = ops.mean(ops.square(size - 1))
        return ops.mean(of_z - of_drawn) + self.gradient_penalty * penalty
