"""Terms of the models' losses, in nats a streamline."""

from __future__ import annotations

from keras import ops

EFFECTIVE_POINTS = 8
"""Points that a bundle's streamline is worth, with ``reduction="effective"``."""


_SMALLEST_SQUARE = 1e-12


def independent_points(nb_points: int, reduction: str) -> int:
    """Return how many independent points a streamline counts as: 8, all or 1."""
    return {"effective": EFFECTIVE_POINTS, "sum": nb_points, "mean": 1}[reduction]


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
    return independent_points(nb_points, reduction) / nb_points / (2 * sigma_mm**2)


def squared_error(features, reconstructed):
    """Return the squared error in mm², summed over points or coefficients: (n,)."""
    return ops.sum(ops.square(features - reconstructed), axis=(-2, -1))


def point_penalty(
    points, reconstructed, sigma_mm: float, kind: str, huber_mm: float | None = None
):
    r"""Return the penalty of each point in nats, where it is not the squared error.

    Points have the shape (n, p, 3), penalties (n, p). With :math:`r = \|x - \hat x\| /
    \sigma_{mm}`, ``"absolute"`` is :math:`r`, and ``"huber"`` :math:`r^2 / 2` up to a
    threshold :math:`\delta` and :math:`\delta (r - \delta / 2)` beyond
    :footcite:p:`Huber1964`; :math:`\delta` is `huber_mm`, or one `sigma_mm`. Both move
    less than the squared error for a few points that are far off.

    References
    ----------
    .. footbibliography::
    """
    squared = ops.sum(ops.square(points - reconstructed), axis=-1)
    # The slope of the root is infinite at zero.
    ratio = ops.sqrt(ops.maximum(squared, _SMALLEST_SQUARE)) / sigma_mm
    if kind == "absolute":
        return ratio
    limit = (huber_mm or sigma_mm) / sigma_mm
    return ops.where(
        ratio < limit, 0.5 * ops.square(ratio), limit * (ratio - 0.5 * limit)
    )


def kl_by_dimension(z_mean, z_log_var, variant: str = "squared"):
    r"""KL divergence of each latent dimension from the standard normal.

    :math:`(\mu^2 + \sigma^2 - 1 - \log\sigma^2) / 2` :footcite:p:`Kingma2014`. The
    variant ``"absolute"`` has :math:`|\mu|` in place of :math:`\mu^2`, so that means
    far from zero, those of whole bundles, are drawn to it no harder than near ones.

    Parameters
    ----------
    z_mean, z_log_var : tensor of shape (n, latent_dim)
        Mean and log-variance of the posterior.
    variant : {"squared", "absolute"}, optional
        Penalty of the mean.

    Returns
    -------
    tensor of shape (n, latent_dim)
        In nats.

    References
    ----------
    .. footbibliography::
    """
    cost = ops.square(z_mean) if variant == "squared" else ops.absolute(z_mean)
    return 0.5 * (cost + ops.exp(z_log_var) - 1.0 - z_log_var)


def normal_kl(mean, log_var, prior_mean, prior_log_var):
    """Return the KL divergence of a normal from another, in nats: (n, d)."""
    ratio = log_var - prior_log_var
    distance = ops.square(mean - prior_mean) * ops.exp(-prior_log_var)
    return 0.5 * (distance + ops.exp(ratio) - 1.0 - ratio)


def with_free_bits(kl, free_bits: float):
    r"""Sum the KL divergence (n, latent_dim) over dimensions, some of it for free.

    :math:`\sum_d \max(\lambda, \overline{KL_d})`, in nats, with the mean over the batch
    and :math:`\lambda` the `free_bits`: below it a dimension gains nothing by saying
    less, so that it is not given up before the decoder has learnt to use it
    :footcite:p:`Kingma2016`.

    References
    ----------
    .. footbibliography::
    """
    return ops.sum(ops.maximum(ops.mean(kl, axis=0), free_bits))
