"""Variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from dipy_tractogen.parameters.model import OF_MODELS, VAESizes
from dipy_tractogen.parameters.terms import KLParameters, PosteriorParameters
from dipy_tractogen.streamlines.conversion import as_streamlines
from dipy_tractogen.utils.constructors import takes

from .model import StreamlineModel
from .posterior import GaussianPosterior
from .terms.base import Term, parameters_of
from .terms.kl import KL


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(VAESizes, KLParameters, PosteriorParameters, *OF_MODELS)
class VAE(StreamlineModel):
    r"""Variational autoencoder of streamlines :footcite:p:`Kingma2014`.

    It minimises, in nats a streamline,

    .. math::

        w \sum_p \|x_p - \hat x_p\|^2 + \beta\,KL(N(\mu, \sigma^2)\,\|\,N(0, 1)),

    where :math:`w` is :math:`8 / (2 N \sigma_{mm}^2)` for :math:`N` points by default
    (`reconstruction_weight`). :math:`\beta > 1` is the beta-VAE
    :footcite:p:`Higgins2017`.

    Parameters
    ----------
    {parameters}

    Examples
    --------
    >>> from dipy_tractogen import simulate_fibercup
    >>> from dipy_tractogen.nn import VAE
    >>> data = simulate_fibercup(50, seed=0)
    >>> vae = VAE(nb_points=64, latent_dim=8)
    >>> _ = vae.fit(data.resample(64), data.labels, data.bundle_names, epochs=20)
    >>> points, labels = vae.generate(10, bundles=["bundle_1"])
    >>> points.shape
    (10, 64, 3)

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, *, own_terms: Sequence[Term] = (), **given):
        posterior = GaussianPosterior(**PosteriorParameters.pop_from(given))
        kl = KL(**KLParameters.pop_from(given))
        super().__init__(posterior=posterior, own_terms=[kl, *own_terms], **given)

    def prior_of(self, streamlines) -> tuple[np.ndarray, float]:
        """Return the standard normal prior; see `StreamlineModel.prior_of`."""
        return np.zeros((len(as_streamlines(streamlines)), self.latent_dim)), 1.0

    def get_config(self) -> dict:
        """Return the parameters of the model, as plain values."""
        return {**super().get_config(), **parameters_of(self.network.posterior)}
