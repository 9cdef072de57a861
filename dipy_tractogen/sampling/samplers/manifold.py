"""Sampler with a normal kernel at each latent, shaped by its neighbours."""

from __future__ import annotations

import numpy as np

from .base import LatentSampler
from .gaussian_mixture import ConditionalGaussianMixture

# Neighbours of a latent, for the square root of the latents of its bundle.
_NEIGHBOURS = 1.5
_FEWEST_NEIGHBOURS = 5
# Those farther than so many times the third are of another cluster: a kernel over both
# would fill the gap between them.
_GAP = 2.0
_NEAREST = 3
# Deviation of a kernel over that of the neighbours.
_WIDTH = 0.7
# Numbers such as the length count as so many deviations of a latent's posterior.
_NUMBER_SCALE = 15.0
# Kernels that are chosen for given numbers lie so many deviations away: what the
# numbers say of the latents nearby makes up for the difference, and with few kernels
# the streamlines of one length would be those of a few neighbourhoods.
_REACH = 2.0
# Smallest variance of a kernel, over that of the latents.
_FLOOR = 1e-6
_SMALLEST_VARIANCE = 1e-9


class ManifoldSampler(LatentSampler):
    r"""Kernels that follow the latents where they lie on a thin, bent sheet.

    The kernel at a latent :math:`x_i` has the covariance :math:`C_i` of its nearest
    neighbours, scaled, as manifold Parzen windows do :footcite:p:`Vincent2003`, and the
    posterior's own. As any kernel it would widen the distribution; so its centre is
    moved towards the mean :math:`m_i` of the neighbours until the local covariance is
    kept, which is the smoothed bootstrap with shrinkage :footcite:p:`Silverman1987`,
    locally:

    .. math:: z \sim N(m_i + \sqrt{1 - w^2} (x_i - m_i), \; w^2 C_i + \sigma_i^2)

    A global kernel of that width would blur bundles that are thin and bent; a mixture
    of a few components misses their shape; and latents drawn again from their
    posteriors repeat the training streamlines. Neighbours across a gap do not count.

    Parameters
    ----------
    width : float, optional
        Deviation :math:`w` of a kernel over that of the neighbours, between 0 and 1.
    neighbours : float, optional
        Neighbours of a latent, for the square root of the number of latents of its
        combination; five at least.
    seed : int, optional
        Not used; all samplers have it.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self, *, width: float = _WIDTH, neighbours: float = _NEIGHBOURS, seed: int = 0
    ):
        super().__init__(seed=seed)
        if not 0 < width < 1:
            raise ValueError(f"width={width}: give a number between 0 and 1.")
        if not neighbours > 0:
            raise ValueError(f"neighbours={neighbours}: give a positive number.")
        self.width = width
        self.neighbours = neighbours

    def fit_stratum(self, x, deviations, weights, rng) -> ConditionalGaussianMixture:
        """Put a kernel at each latent; see `LatentSampler.fit_stratum`."""
        from sklearn.neighbors import NearestNeighbors

        nb_neighbours = round(self.neighbours * np.sqrt(len(x)))
        nb_neighbours = min(max(nb_neighbours, _FEWEST_NEIGHBOURS), len(x))
        scales = self._scales(deviations)
        scaled = x * scales
        search = NearestNeighbors(n_neighbors=nb_neighbours).fit(scaled)
        distances, rows = search.kneighbors(scaled)
        # The first is the latent itself.
        third = distances[:, min(_NEAREST, nb_neighbours - 1)]
        belongs = distances <= _GAP * third[:, None]
        means, covariances = _moments(x[rows], belongs)
        covariances *= self.width**2
        diagonals = np.einsum("mii->mi", covariances)
        spread = (weights @ diagonals * scales**2).sum()
        floor = _FLOOR * x.var(axis=0).mean() + _SMALLEST_VARIANCE
        diagonal = np.arange(x.shape[1])
        covariances[:, diagonal, diagonal] += np.maximum(deviations**2, floor)
        pull = _keep_spread(means * scales, scaled - means * scales, spread)
        return ConditionalGaussianMixture(
            means + pull * (x - means),
            np.linalg.cholesky(covariances),
            weights,
            _REACH,
        )

    def _scales(self, deviations: np.ndarray) -> np.ndarray:
        """Scale of each column for distances: how sharply the posterior has it.

        What a decoder makes of a latent changes about as much for one deviation of the
        posterior in each dimension. Without posteriors, all count the same.
        """
        scales = np.ones(deviations.shape[1])
        typical = deviations[:, self.nb_numbers_ :].mean(axis=0)
        if typical.any():
            sharpest = typical[typical > 0].min()
            scales[self.nb_numbers_ :] = 1 / np.maximum(typical, sharpest)
            scales[: self.nb_numbers_] = _NUMBER_SCALE
        return scales


def _moments(near: np.ndarray, belongs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of the neighbours of each latent that belong to it.

    Parameters
    ----------
    near : ndarray of shape (m, k, d)
        Neighbours.
    belongs : ndarray of shape (m, k), bool
        Which of them count; one at least.

    Returns
    -------
    means : ndarray of shape (m, d)
        Their means.
    covariances : ndarray of shape (m, d, d)
        Their covariances.
    """
    counts = belongs.sum(axis=1)
    means = np.einsum("mk,mki->mi", belongs, near) / counts[:, None]
    away = (near - means[:, None]) * belongs[:, :, None]
    covariances = np.einsum("mki,mkj->mij", away, away)
    return means, covariances / np.maximum(counts - 1, 1)[:, None, None]


def _keep_spread(means: np.ndarray, away: np.ndarray, spread: float) -> float:
    """Find how far from the means centres stay, so that no variance is won or lost.

    Parameters
    ----------
    means : ndarray of shape (m, d)
        Means of the neighbours of each latent.
    away : ndarray of shape (m, d)
        What the latents are away from these.
    spread : float
        Variance that the kernels add, over all dimensions.

    Returns
    -------
    float
        Factor of `away`, from 0 to 1.
    """
    square = away.var(axis=0).sum()
    mixed = ((means - means.mean(axis=0)) * away).mean(axis=0).sum()
    if square <= 0:
        return 1.0
    # With a factor f, the variance beyond that of the means is f^2 square + 2 f mixed
    # + spread; that of the latents is square + 2 mixed.
    root = mixed**2 + square * (square + 2 * mixed - spread)
    return float(np.clip((np.sqrt(max(root, 0.0)) - mixed) / square, 0.0, 1.0))
