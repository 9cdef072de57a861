"""Autoencoder."""

from __future__ import annotations

import keras

from .model import StreamlineModel


@keras.saving.register_keras_serializable(package="dipy_tractogen")
class AE(StreamlineModel):
    r"""Autoencoder of streamlines.

    It minimises the error of the reconstruction, in nats a streamline, by default
    :math:`w \sum_p \|x_p - \hat x_p\|^2` (`reconstruction_weight`). With the ``conv``
    backbone, 256 points and 32 latents it is FINTA :footcite:p:`Legarreta2021`.
    Nothing shapes its latents; new streamlines are drawn from the density that the
    latents of each bundle have after the training :footcite:p:`Ghosh2020`.

    Parameters
    ----------
    nb_points : int, optional
        Points of a streamline that the model reads and gives.
    latent_dim : int, optional
        Dimensions of the latent space.
    **options
        ``sigma_mm``, ``reduction``, ``reconstruction``, ``huber_mm``, ``backbone``,
        ``backbone_options``, ``regularizers``, ``conditions`` and ``seed`` of
        `StreamlineModel`.

    Raises
    ------
    ValueError
        If a number is out of its range or a choice unknown.

    References
    ----------
    .. footbibliography::
    """

    active_variance = None

    def __init__(self, nb_points: int = 256, latent_dim: int = 32, **options):
        super().__init__(nb_points, latent_dim, **options)
