"""Sampler with a Gaussian kernel at each latent, with the shape of its neighbours."""

from __future__ import annotations

import numpy as np

from .base import LatentSampler
from .gaussian_mixture import ConditionalGaussianMixture

# Neighbours of a latent, over the square root of the number of latents.
_NEIGHBOURS = 1.5
_FEWEST_NEIGHBOURS = 5
# Neighbours at more than so many times the distance of the third are of another
# cluster: a kernel over both would fill the gap between them.
_GAP = 2.0
_NEAREST = 3
# Deviation of a kernel over that of the neighbours.
_WIDTH = 0.7
# Numbers such as the length count as so many deviations of a latent's posterior.
_NUMBER_SCALE = 15.0
# Factor of the deviations where kernels are chosen for given numbers. The regression of
# latents on numbers corrects the difference; with fewer kernels, the streamlines of one
# length would be those of a few neighbourhoods.
_REACH = 2.0
_FEWEST_VALUES = 10
# Smallest variance of a kernel, over that of the latents.
_FLOOR = 1e-6
_SMALLEST_VARIANCE = 1e-9


class ManifoldSampler(LatentSampler):
    r"""Kernels that follow latents on a thin, curved manifold.

    The kernel at a latent :math:`x_i` has the covariance :math:`C_i` of its nearest
    neighbours, scaled, as manifold Parzen windows have :footcite:p:`Vincent2003`, and
    that of the posterior. As any kernel it would widen the distribution; so its centre
    is moved towards the mean :math:`m_i` of the neighbours until the local covariance
    is kept, a local form of the smoothed bootstrap with shrinkage
    :footcite:p:`Silverman1987`:

    .. math:: z \sim N(m_i + \sqrt{1 - w^2} (x_i - m_i), \; w^2 C_i + \sigma_i^2)

    A global kernel of that width would blur bundles that are thin and curved; a mixture
    of a few components does not have their shape; and latents drawn again from their
    posteriors repeat the training streamlines. Neighbours across a gap do not count.

    Parameters
    ----------
    width : float, optional
        Deviation :math:`w` of a kernel over that of the neighbours, between 0 and 1;
        0.7 times as large for a single subject, if the training knew subjects.
    neighbours : float, optional
        Number of neighbours of a latent, over the square root of the number of latents
        of its stratum; five at least.
    curved : bool, optional
        Whether latents may follow requested numbers in a curve, such as that of FA over
        age: the local regression that means of draws are set to is quadratic, and of
        the latents themselves. Where a number has fewer than ten values in a stratum it
        is linear.
    seed : int, optional
        Not used; all samplers have it.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self,
        *,
        width: float = _WIDTH,
        neighbours: float = _NEIGHBOURS,
        curved: bool = False,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.width = width
        self.neighbours = neighbours
        self.curved = curved

    def _check_parameters(self) -> None:
        if not 0 < self.width < 1:
            raise ValueError(f"width={self.width}: give a number between 0 and 1.")
        if not self.neighbours > 0:
            raise ValueError(f"neighbours={self.neighbours}: give a positive number.")

    def fit_stratum(self, x, deviations, weights, rng) -> ConditionalGaussianMixture:
        """Fit a kernel at each latent; see `LatentSampler.fit_stratum`."""
        from sklearn.neighbors import NearestNeighbors

        nb_neighbours = round(self.neighbours * np.sqrt(len(x)))
        nb_neighbours = min(max(nb_neighbours, _FEWEST_NEIGHBOURS), len(x))
        scales = self._scales(deviations)
        scaled = x * scales
        search = NearestNeighbors(n_neighbors=nb_neighbours).fit(scaled)
        distances, rows = search.kneighbors(scaled)
        # The first neighbour is the latent itself.
        third = distances[:, min(_NEAREST, nb_neighbours - 1)]
        belongs = distances <= _GAP * third[:, None]
        means, covariances = _moments(x[rows], belongs)
        covariances *= self.width**2
        diagonals = np.einsum("mii->mi", covariances)
        added = (weights @ diagonals * scales**2).sum()
        floor = _FLOOR * x.var(axis=0).mean() + _SMALLEST_VARIANCE
        diagonal = np.arange(x.shape[1])
        covariances[:, diagonal, diagonal] += np.maximum(deviations**2, floor)
        shrinkage = _shrinkage(means * scales, scaled - means * scales, added)
        return ConditionalGaussianMixture(
            means + shrinkage * (x - means),
            np.linalg.cholesky(covariances),
            weights,
            _REACH,
            bent=x if self.curved and self._has_many(x) else None,
        )

    def _has_many(self, x: np.ndarray) -> bool:
        """Return whether each number has enough values for a quadratic regression."""
        numbers = x[:, : self.nb_numbers_].T
        return all(len(np.unique(each)) >= _FEWEST_VALUES for each in numbers)

    def _scales(self, deviations: np.ndarray) -> np.ndarray:
        """Return scales (q + d,) of the columns in distances, by their posteriors.

        One deviation of the posterior changes a decoded streamline about as much in
        each dimension. Without posteriors, all scales are equal.
        """
        scales = np.ones(deviations.shape[1])
        typical = deviations[:, self.nb_numbers_ :].mean(axis=0)
        if typical.any():
            sharpest = typical[typical > 0].min()
            scales[self.nb_numbers_ :] = 1 / np.maximum(typical, sharpest)
            scales[: self.nb_numbers_] = _NUMBER_SCALE
        return scales


def _moments(near: np.ndarray, belongs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute means (m, d) and covariances (m, d, d) of neighbours (m, k, d).

    Only those that belong (m, k) to the cluster of the latent count.
    """
    counts = belongs.sum(axis=1)
    means = np.einsum("mk,mki->mi", belongs, near) / counts[:, None]
    away = (near - means[:, None]) * belongs[:, :, None]
    covariances = np.einsum("mki,mkj->mij", away, away)
    return means, covariances / np.maximum(counts - 1, 1)[:, None, None]


def _shrinkage(means: np.ndarray, away: np.ndarray, added: float) -> float:
    """Compute the factor of offsets (m, d) from means that keeps the total variance.

    `added` is the variance that the kernels add, over all dimensions.
    """
    square = away.var(axis=0).sum()
    mixed = ((means - means.mean(axis=0)) * away).mean(axis=0).sum()
    if square <= 0:
        return 1.0
    # With a factor f, the variance beyond that of the means is f^2 square + 2 f mixed
    # + added; that of the latents is square + 2 mixed.
    root = mixed**2 + square * (square + 2 * mixed - added)
    return float(np.clip((np.sqrt(max(root, 0.0)) - mixed) / square, 0.0, 1.0))
