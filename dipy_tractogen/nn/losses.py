"""Terms of the models' losses, in nats a streamline."""

from __future__ import annotations

from keras import ops

REDUCTIONS = ("effective", "sum", "mean")
"""How the squared error of a streamline's points becomes a log-likelihood."""

EFFECTIVE_POINTS = 8
"""Points that a bundle's streamline is worth, with ``reduction="effective"``."""


def reconstruction_weight(nb_points: int, sigma_mm: float, reduction: str) -> float:
    r"""Weight that turns a summed squared error into nats.

    Under independent Gaussian errors of standard deviation :math:`\sigma` the negative
    log-likelihood of a streamline is :math:`\sum_p \|x_p - \hat x_p\|^2 / (2\sigma^2)`,
    up to a constant. The points of a streamline are far from independent, though.
    Summed (``"sum"``) as if they were, the KL divergence is negligible beside them;
    averaged (``"mean"``) the KL divergence wins and the posterior collapses.
    ``"effective"`` counts a streamline as `EFFECTIVE_POINTS` independent points, about
    the number of free parameters of a streamline within its bundle.

    Parameters
    ----------
    nb_points : int
        Number of points of a streamline.
    sigma_mm : float
        Point error that is accepted, in mm.
    reduction : {"effective", "sum", "mean"}
        Number of independent points counted: 8, `nb_points` or 1.

    Returns
    -------
    float
        Nats for each mm² of squared error summed over the points.
    """
    counted = {"effective": EFFECTIVE_POINTS, "sum": nb_points, "mean": 1}[reduction]
    return counted / nb_points / (2 * sigma_mm**2)


def squared_error(features, reconstructed):
    """Squared error of each streamline.

    Parameters
    ----------
    features, reconstructed : tensor of shape (n, ..., 3)
        Points or orthonormal coefficients, in mm.

    Returns
    -------
    tensor of shape (n,)
        Sum over the points of the squared distance, in mm².
    """
    return ops.sum(ops.square(features - reconstructed), axis=(-2, -1))


def kl_by_dimension(z_mean, z_log_var):
    r"""KL divergence of each latent dimension from the standard normal.

    :math:`(\mu^2 + \sigma^2 - 1 - \log\sigma^2) / 2` :footcite:p:`Kingma2014`.

    Parameters
    ----------
    z_mean, z_log_var : tensor of shape (n, latent_dim)
        Mean and log-variance of the posterior.

    Returns
    -------
    tensor of shape (n, latent_dim)
        In nats.

    References
    ----------
    .. footbibliography::
    """
    return 0.5 * (ops.square(z_mean) + ops.exp(z_log_var) - 1.0 - z_log_var)
