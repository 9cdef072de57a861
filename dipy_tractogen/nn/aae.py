"""Adversarial autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from .model import StreamlineModel
from .posterior import GaussianPosterior
from .terms.adversary import Adversary
from .terms.priors import PRIORS
from .training.collapse import CollapseWatch


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class AAE(StreamlineModel):
    r"""Conditional adversarial autoencoder of streamlines :footcite:p:`Makhzani2015`.

    As `AE`, but latents are drawn from a Gaussian of the encoder's, and a discriminator
    :math:`D(z, c)` learns to tell them from draws of a prior, while the encoder learns
    to mislead it, so that the latents come to be distributed as the prior is. Decoder
    and discriminator are told the conditions :math:`c`, bundle and length among them.

    How the two are trained is said at `Adversary`.

    Streamlines are generated from the density that the latents have after the training,
    as with all models: a prior is matched only in part, and what it gives beyond the
    latents is no streamline. Adversarial training may also collapse. So at each look at
    the held-out loss streamlines are drawn from a Gaussian fitted to the latents of
    each bundle, and from the prior; what share of real ones they cover is in the
    history (``coverage`` and ``prior_coverage``, over that of other real streamlines),
    and a warning says what to change when the first is low.

    Parameters
    ----------
    nb_points : int, optional
        Points of a streamline that the model reads and gives.
    latent_dim : int, optional
        Dimensions of the latent space.
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
    **options
        As `AE` takes them.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    References
    ----------
    .. footbibliography::
    """

    active_variance = None
    # As many steps of larger batches were no better; see benchmarks/README.rst.
    larger_batches = False
    conditions_in_decoder = True

    def __init__(
        self,
        nb_points: int = 256,
        latent_dim: int = 32,
        *,
        prior: str = "normal",
        adversarial_loss: str = "bce",
        adversarial_weight: float = 3.0,
        gradient_penalty: float = 10.0,
        discriminator_units: Sequence[int] = (256, 256),
        **options,
    ):
        self.adversary = Adversary(
            prior,
            adversarial_loss,
            adversarial_weight,
            gradient_penalty,
            discriminator_units,
        )
        super().__init__(
            nb_points,
            latent_dim,
            posterior=GaussianPosterior(),
            own_terms=[self.adversary],
            **options,
        )
        # Says early what is wrong with the dimensions.
        PRIORS[prior](latent_dim, 1, self.seed)

    def callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Add the watch for a collapse; see `StreamlineModel.callbacks`."""
        watch = CollapseWatch(self, budget, inputs)
        return [*super().callbacks(budget, inputs), watch]
