"""Conditional variational autoencoder."""

from __future__ import annotations

import keras

from .vae import VAE


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class CVAE(VAE):
    r"""Conditional variational autoencoder of streamlines :footcite:p:`Sohn2015`.

    As `VAE`, but encoder and decoder read the conditions :math:`c` of a streamline,
    such as bundle, length, age and diagnosis: they learn :math:`q(z | x, c)` and
    :math:`p(x | z, c)`, and the latents hold the variation that the conditions leave.
    Categories are one-hot, numbers standardised; the encoder reads them as a learnt
    offset of the streamline, the decoder beside the latents, with every backbone.

    After the training the density of latents and numbers together is fitted for each
    combination of categories. A new streamline has the requested numbers, and
    others and latents drawn given those, so that it varies as real streamlines with
    these conditions do, and not more than they do.

    Parameters
    ----------
    *args, **kwargs
        As `VAE` takes them.

    Examples
    --------
    >>> from dipy_tractogen import simulate_fibercup
    >>> from dipy_tractogen.nn import CVAE
    >>> data = simulate_fibercup(50, varying_ends=0.3, seed=0)
    >>> cvae = CVAE(nb_points=64, latent_dim=8)
    >>> _ = cvae.fit(data.resample(64), data.labels, data.bundle_names, epochs=20)
    >>> points, _ = cvae.generate(10, "bundle_1", conditions={"length": (60, 70)})
    >>> points.shape
    (10, 64, 3)

    References
    ----------
    .. footbibliography::
    """

    conditions_in_encoder = True
    conditions_in_decoder = True
