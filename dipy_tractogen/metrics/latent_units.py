"""What each latent dimension holds: how it varies, and what it costs."""

from __future__ import annotations

import numpy as np


def latent_units(
    z_mean: np.ndarray,
    deviation: np.ndarray | None = None,
    prior: tuple[np.ndarray, float] | None = None,
) -> dict[str, np.ndarray]:
    r"""Describe each latent dimension over many streamlines.

    Parameters
    ----------
    z_mean : ndarray of shape (n, d)
        Means of the latents.
    deviation : ndarray of shape (n, d), optional
        Standard deviations of their posteriors, where the model has some.
    prior : tuple of (ndarray of shape (n, d), float), optional
        Mean and standard deviation of the normal prior of each streamline, where the
        divergence from one is part of the loss.

    Returns
    -------
    dict of str to ndarray of shape (d,)
        ``variance`` of the means, which tells active dimensions
        :footcite:p:`Burda2016`; ``spread``, the standard deviation of the aggregate
        posterior, :math:`\sqrt{\operatorname{var} \mu + \overline{\sigma^2}}`; with
        `deviation` also ``deviation``, the root mean square of the posteriors' own;
        with `prior` also ``kl``, the mean divergence of the posterior from it, in nats.

    References
    ----------
    .. footbibliography::
    """
    z_mean = np.asarray(z_mean, dtype=float)
    units = {"variance": z_mean.var(axis=0)}
    if deviation is None:
        return {**units, "spread": np.sqrt(units["variance"])}
    squares = np.asarray(deviation, dtype=float) ** 2
    units["spread"] = np.sqrt(units["variance"] + squares.mean(axis=0))
    units["deviation"] = np.sqrt(squares.mean(axis=0))
    if prior is not None:
        prior_mean, prior_deviation = prior
        ratio = squares / prior_deviation**2
        distance = ((z_mean - prior_mean) / prior_deviation) ** 2
        units["kl"] = 0.5 * (distance + ratio - 1 - np.log(ratio)).mean(axis=0)
    return units
