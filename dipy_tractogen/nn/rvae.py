"""Variational autoencoder that regresses an attribute."""

from __future__ import annotations

import keras
import numpy as np

from dipy_tractogen.parameters.model import OF_MODELS, VAESizes
from dipy_tractogen.parameters.terms import (
    KLParameters,
    PosteriorParameters,
    RegressionParameters,
    VarianceParameters,
)
from dipy_tractogen.utils.constructors import takes

from .profiles import PointData, as_columns, with_point_values
from .terms.regression import Regression
from .vae import VAE


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(VAESizes, RegressionParameters, KLParameters, PosteriorParameters, *OF_MODELS)
class RVAE(VAE):
    r"""Regression variational autoencoder of streamlines :footcite:p:`Zhao2019`.

    The encoder also regresses an attribute :math:`r`, such as length or age, with
    :math:`q(r | x) = N(\mu_r, \sigma_r^2)`, and the prior of the latents depends on
    it: :math:`p(z | r) = N(u r, \sigma_p^2)` with a unit vector :math:`u` and a
    deviation :math:`\sigma_p` that are learnt and do not depend on :math:`r`. In place
    of the divergence of a `VAE` it has
    :math:`KL(q(z | x)\,\|\,p(z | r))` with :math:`r` drawn from :math:`q(r | x)`, and
    in addition :math:`(\mu_r - r)^2 / (2 \sigma_r^2) + \log \sigma_r`. All is in units
    of the standardised attribute. Neither encoder nor decoder is told the attribute.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    ValueError
        If a number is out of its range, or the attribute is not a number.

    References
    ----------
    .. footbibliography::
    """

    conditions_in_terms = True

    def __init__(self, **given):
        if given["kl_variant"] != "squared":
            raise ValueError(
                f"kl_variant={given['kl_variant']!r}: the prior of an RVAE is not at "
                "zero; leave it out."
            )
        variance = {name: given[name] for name in VarianceParameters.declared()}
        self._regression = Regression(
            **RegressionParameters.pop_from(given), **variance
        )
        super().__init__(own_terms=[self._regression], **given)

    def prior_of(self, streamlines) -> tuple[np.ndarray, float]:
        """Return that of the predicted attribute; see `StreamlineModel.prior_of`."""
        one = self.conditions[self.attribute]
        return self._regression.prior(
            (self.predict_attribute(streamlines)[0] - one.mean) / one.deviation
        )

    def predict_attribute(
        self, streamlines, data_per_point: PointData | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predict the attribute of streamlines.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm, in either direction.
        data_per_point : mapping of str to ndarray, optional
            Values along the streamlines that the model reads, as `encode` takes them.

        Returns
        -------
        mean, deviation : ndarray of shape (n,), float64
            In the unit of the attribute, which may be a date in a large number.

        Raises
        ------
        ValueError
            If the model is not trained.
        """
        self.check_layers()
        one = self.conditions[self.attribute]
        streamlines = with_point_values(self, streamlines, data_per_point)
        channels = self.known_profiles().channels(as_columns(self, streamlines))
        mean, log_var = self.coder.outputs(channels, ("r_mean", "r_log_var"))
        mean, log_var = (part[:, 0].astype(np.float64) for part in (mean, log_var))
        deviation = np.exp(log_var / 2) * one.deviation
        return mean * one.deviation + one.mean, deviation
