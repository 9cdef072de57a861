"""Autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from dipy_tractogen.parameters.model import OF_MODELS, AESizes
from dipy_tractogen.utils.constructors import takes

from .model import StreamlineModel
from .terms.base import Term


@keras.saving.register_keras_serializable(package="dipy_tractogen")
@takes(AESizes, *OF_MODELS)
class AE(StreamlineModel):
    r"""Autoencoder of streamlines.

    It minimises the error of the reconstruction, in nats a streamline, by default
    :math:`w \sum_p \|x_p - \hat x_p\|^2` (`reconstruction_weight`). With the ``conv``
    backbone, 256 points and 32 latents it is FINTA :footcite:p:`Legarreta2021`.
    Nothing shapes its latents; new streamlines are drawn from the density that the
    latents of each bundle have after the training :footcite:p:`Ghosh2020`.

    Parameters
    ----------
    {parameters}

    References
    ----------
    .. footbibliography::
    """

    active_variance = None

    def __init__(self, *, own_terms: Sequence[Term] = (), **given):
        super().__init__(own_terms=own_terms, **given)
