"""Sampler that draws from a kernel density by rejection."""

from __future__ import annotations

from dataclasses import dataclass
import logging
import threading

import numpy as np

from .base import LatentSampler
from .gaussian_mixture import ConditionalGaussianMixture
from .gmm import MixtureSampler
from .kde import KernelSampler

logger = logging.getLogger("dipy_tractogen")

# The ratio of the densities is bounded by this quantile over draws from the target.
_BOUND_QUANTILE = 0.95
_NB_PROBES = 4000
_MOST_COPIES = 64
_MOST_PROPOSALS = 65536
_MOST_ROUNDS = 50
# Streamlines are drawn in threads; a lock in the sampler could not be pickled.
_LOCK = threading.Lock()


class RejectionSampler(LatentSampler):
    """Draws from a kernel density, proposed by a Gaussian mixture.

    The scheme of GESTA :footcite:p:`Legarreta2023`: latents that a mixture proposes are
    accepted in proportion to the ratio of the kernel density to the mixture, which is
    fitted to draws from it. The bound of the ratio is its 95 % quantile over these.

    Parameters
    ----------
    bandwidth : {"cross_validation", "silverman"} or float, optional
        As of `KernelSampler`.
    max_components : int, optional
        As of `MixtureSampler`.
    seed : int, optional
        Seed of the fit.

    Attributes
    ----------
    acceptance_rate_ : float
        Share of the proposals of all draws so far that were accepted; NaN before the
        first.

    References
    ----------
    .. footbibliography::
    """

    def __init__(
        self, *, bandwidth="cross_validation", max_components: int = 16, seed: int = 0
    ):
        super().__init__(seed=seed)
        self.bandwidth = bandwidth
        self.max_components = max_components

    @property
    def acceptance_rate_(self) -> float:
        """Share of the proposals that were accepted."""
        strata = self.strata_.values()
        proposed = sum(stratum.nb_proposed for stratum in strata)
        if not proposed:
            return float("nan")
        return sum(stratum.nb_accepted for stratum in strata) / proposed

    def _samplers(self) -> tuple[KernelSampler, MixtureSampler]:
        return (
            KernelSampler(bandwidth=self.bandwidth, seed=self.seed),
            MixtureSampler(max_components=self.max_components, seed=self.seed),
        )

    def _check_parameters(self) -> None:
        for sampler in self._samplers():
            sampler._check_parameters()

    def fit_stratum(self, x, deviations, weights, rng) -> _Rejection:
        """Fit target and proposal; see `LatentSampler.fit_stratum`."""
        kernels, mixture = self._samplers()
        target = kernels.fit_stratum(x, deviations, weights, rng)
        probes = target.draw(_NB_PROBES, (), np.zeros((_NB_PROBES, 0)), rng)
        # Fitted to the target and not to the latents: where a target is wider than its
        # proposal, almost nothing would be accepted.
        equal = np.full(_NB_PROBES, 1 / _NB_PROBES)
        proposal = mixture.fit_stratum(probes, np.zeros_like(probes), equal, rng)
        bound = np.quantile(_log_ratio(target, proposal, probes), _BOUND_QUANTILE)
        return _Rejection(target, proposal, float(bound))


@dataclass
class _Rejection:
    """Draws from a target, proposed by another density."""

    target: ConditionalGaussianMixture
    proposal: ConditionalGaussianMixture
    log_bound: float
    nb_proposed: int = 0
    nb_accepted: int = 0

    def draw(self, nb_draws, columns, values, rng) -> np.ndarray:
        """Draw vectors of which some columns are given, as a mixture does."""
        drawn = np.empty((nb_draws, self.proposal.centres.shape[1]))
        missing = np.arange(nb_draws)
        copies = 4
        for _ in range(_MOST_ROUNDS):
            if not len(missing):
                return drawn
            # As many proposals for each at once as are probably needed.
            copies = min(copies, max(1, _MOST_PROPOSALS // len(missing)))
            rows = np.repeat(missing, copies)
            proposed = self.proposal.draw(len(rows), columns, values[rows], rng)
            log_ratio = _log_ratio(self.target, self.proposal, proposed)
            accepted = np.log(rng.random(len(rows))) < log_ratio - self.log_bound
            with _LOCK:
                self.nb_proposed += len(rows)
                self.nb_accepted += int(accepted.sum())
            drawn[rows[accepted]] = proposed[accepted]
            missing = np.setdiff1d(missing, rows[accepted])
            copies = min(2 * copies, _MOST_COPIES)
        if len(missing):
            logger.warning(
                "%d of %d latents were not accepted in %d rounds of the rejection "
                "sampler, and are drawn from its target itself",
                len(missing),
                nb_draws,
                _MOST_ROUNDS,
            )
            drawn[missing] = self.target.draw(
                len(missing), columns, values[missing], rng
            )
        return drawn


def _log_ratio(target, proposal, x: np.ndarray) -> np.ndarray:
    columns = np.arange(x.shape[1])
    return target.log_density(x, columns) - proposal.log_density(x, columns)
