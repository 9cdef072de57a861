"""Adversarial autoencoder."""

from __future__ import annotations

import keras

from dipy_tractogen.parameters.model import OF_MODELS, AESizes
from dipy_tractogen.parameters.terms import AdversaryParameters
from dipy_tractogen.utils.constructors import takes

from .model import StreamlineModel
from .posterior import GaussianPosterior
from .terms.adversary import Adversary
from .terms.discrepancy import Discrepancy
from .terms.priors import PRIORS
from .training.collapse import CollapseWatch


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(AESizes, AdversaryParameters, *OF_MODELS)
class AAE(StreamlineModel):
    r"""Conditional adversarial autoencoder of streamlines :footcite:p:`Makhzani2015`.

    As `AE`, but latents are drawn from a Gaussian of the encoder's, and a discriminator
    :math:`D(z, c)` learns to tell them from draws of a prior, while the encoder learns
    to mislead it, so that the latents come to be distributed as the prior is. Decoder
    and discriminator read the conditions :math:`c`, bundle and length among them.
    `Adversary` describes the training of the two. With ``adversarial_loss="mmd"`` the
    maximum mean discrepancy takes the place of the discriminator: a Wasserstein
    autoencoder :footcite:p:`Tolstikhin2018`, which `Discrepancy` describes.

    Streamlines are generated from the density that the latents have after the training,
    as with all models: a discriminator matches the prior only in part, and its draws
    outside of the latents are no streamlines. With ``"mmd"`` the prior can be drawn
    from, by ``generate(sampler="prior")``, at the cost of a larger point error.

    Adversarial training may collapse. So at each validation streamlines are drawn from
    a Gaussian fitted to the latents of each bundle, and from the prior. The share of
    real ones that they cover is in the history (``coverage`` and ``prior_coverage``,
    over that of other real streamlines), and a warning names what to change when the
    first is low.

    Parameters
    ----------
    {parameters}

    References
    ----------
    .. footbibliography::
    """

    active_variance = None
    # As many steps of larger batches were no better; see benchmarks/README.rst.
    larger_batches = False
    conditions_in_decoder = True

    def __init__(self, **given):
        kind = Discrepancy if given["adversarial_loss"] == "mmd" else Adversary
        self.adversary = kind(**AdversaryParameters.pop_from(given))
        super().__init__(
            posterior=GaussianPosterior(), own_terms=[self.adversary], **given
        )
        # Raises early if the number of dimensions is wrong.
        PRIORS[self.adversary.prior](self.latent_dim, 1, self.seed)

    def callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Add the watch for a collapse; see `StreamlineModel.callbacks`."""
        watch = CollapseWatch(self, budget, inputs)
        return [*super().callbacks(budget, inputs), watch]
