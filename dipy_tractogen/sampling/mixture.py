"""Density of the latents of each bundle as a Gaussian mixture."""

from __future__ import annotations

from collections.abc import Sequence
import warnings

from joblib import Parallel, delayed
import numpy as np
from threadpoolctl import threadpool_limits

# Full covariances need a few latents for each dimension of a component.
_LATENTS_PER_DIMENSION = 3
_FLOOR = 1e-3
_SMALLEST_VARIANCE = 1e-6


class LatentMixture:
    """Gaussian mixture with full covariances for each bundle's latents.

    A standard normal prior covers latents that no bundle uses; a density fitted to the
    latents of the training streamlines, bundle by bundle, does not
    :footcite:p:`Ghosh2020`, and lets an unconditional model generate by bundle.

    Parameters
    ----------
    max_components : int, optional
        Components of a bundle are 1, 2, 4 and so on up to this number, for as long as
        Akaike's information criterion gets better, which generated better here than
        the stricter Bayesian one; fewer where a bundle has few latents.
    seed : int, optional
        Seed of the fit.

    Attributes
    ----------
    bundle_names : tuple of str
        Names of the bundles, in the order of the labels.
    weights, means, factors : list of ndarray
        For each bundle: shares (k,) of its components, their means (k, a), and the
        lower Cholesky factors (k, a, a) of their covariances, over the a active
        dimensions.
    active : ndarray of shape (d,), bool
        Dimensions that the mixtures describe; the others are standard normal.

    References
    ----------
    .. footbibliography::
    """

    def __init__(self, max_components: int = 16, seed: int = 0):
        self.max_components = max_components
        self.seed = seed
        self.bundle_names: tuple[str, ...] = ()
        self.weights: list[np.ndarray] = []
        self.means: list[np.ndarray] = []
        self.factors: list[np.ndarray] = []
        self.active = np.zeros(0, dtype=bool)

    def fit(
        self,
        z: np.ndarray,
        labels: np.ndarray,
        bundle_names: Sequence[str],
        *,
        active: np.ndarray | None = None,
    ) -> LatentMixture:
        """Fit one mixture a bundle.

        Parameters
        ----------
        z : ndarray of shape (n, d)
            Latents.
        labels : ndarray of shape (n,)
            Bundle of each latent, an index into `bundle_names`.
        bundle_names : sequence of str
            Names of the bundles.
        active : ndarray of shape (d,), bool, optional
            Dimensions that say something of a streamline; all by default. The others
            are as the prior has them, and would only add noise to the fit.

        Returns
        -------
        LatentMixture
            Itself.

        Raises
        ------
        ValueError
            If a bundle has no latents or a latent is not finite.
        """
        from sklearn.exceptions import ConvergenceWarning

        z = np.asarray(z, dtype=float)
        if not np.isfinite(z).all():
            raise ValueError("Latents hold NaN or infinite values: train again.")
        self.bundle_names = tuple(bundle_names)
        self.active = np.ones(z.shape[1], bool) if active is None else np.array(active)
        z = z[:, self.active]
        bundles = [z[labels == label] for label in range(len(self.bundle_names))]
        for name, members in zip(self.bundle_names, bundles):
            if len(members) == 0:
                raise ValueError(f"Bundle {name} has no streamlines to learn from.")
        # A thread a bundle: the matrices are too small for threads of their own.
        with threadpool_limits(1), warnings.catch_warnings():
            # A fit that has not quite converged may still be the best.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fits = Parallel(n_jobs=-1, prefer="threads")(
                delayed(self._fit_bundle)(members) for members in bundles
            )
        self.weights, self.means, self.factors = (list(part) for part in zip(*fits))
        return self

    def _fit_bundle(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from sklearn.mixture import GaussianMixture

        nb_dims = z.shape[1]
        # A floor on the variances, relative to the spread of this bundle.
        floor = _FLOOR * np.var(z, axis=0).sum() / max(nb_dims, 1) + _SMALLEST_VARIANCE
        if len(z) < 2 or nb_dims == 0:
            return np.ones(1), z[:1], np.sqrt(floor) * np.eye(nb_dims)[None]
        room = max(1, len(z) // (_LATENTS_PER_DIMENSION * nb_dims))
        best, lowest = None, np.inf
        for power in range(min(self.max_components, room).bit_length()):
            mixture = GaussianMixture(2**power, reg_covar=floor, random_state=self.seed)
            criterion = mixture.fit(z).aic(z)
            if criterion > lowest:
                break
            best, lowest = mixture, criterion
        return best.weights_, best.means_, np.linalg.cholesky(best.covariances_)

    def sample(
        self,
        nb_samples: int,
        label: int,
        seed,
        known: tuple[Sequence[int], np.ndarray] | None = None,
    ) -> np.ndarray:
        """Draw latents of one bundle.

        Parameters
        ----------
        nb_samples : int
            Number of latents.
        label : int
            Bundle, an index into `bundle_names`.
        seed : int, sequence of int or numpy.random.Generator
            Fixes the draw.
        known : (sequence of int, ndarray of shape (nb_samples, k)), optional
            Active dimensions whose values are given, and the values; the others are
            drawn from their distribution given those.

        Returns
        -------
        ndarray of shape (nb_samples, d), float32
            Latents.
        """
        rng = np.random.default_rng(seed)
        if known is None:
            known = (), np.zeros((nb_samples, 0))
        places = self._places(known[0])
        parts = [
            _Component(*part, places)
            for part in zip(self.means[label], self.factors[label])
        ]
        with np.errstate(divide="ignore"):
            logs = np.log(self.weights[label])
        weights = logs + np.stack([part.log_density(known[1]) for part in parts], 1)
        # The largest of the logarithms with Gumbel noise is a draw from the weights.
        component = np.argmax(weights + rng.gumbel(size=weights.shape), axis=1)
        z = rng.standard_normal((nb_samples, len(self.active)))
        described = z[:, self.active]
        for k, part in enumerate(parts):
            members = component == k
            described[members] = part.complete(described[members], known[1][members])
        z[:, self.active] = described
        return z.astype(np.float32)

    def log_density(
        self, label: int, columns: Sequence[int], values: np.ndarray
    ) -> np.ndarray:
        """Give the logarithm of the density of some dimensions of one bundle.

        Parameters
        ----------
        label : int
            Bundle, an index into `bundle_names`.
        columns : sequence of int
            Active dimensions.
        values : ndarray of shape (n, k)
            Their values.

        Returns
        -------
        ndarray of shape (n,)
            In nats; zero for no dimensions.
        """
        places = self._places(columns)
        parts = zip(self.weights[label], self.means[label], self.factors[label])
        logs = [
            np.log(weight) + _Component(mean, factor, places).log_density(values)
            for weight, mean, factor in parts
        ]
        return np.logaddexp.reduce(logs, axis=0)

    def _places(self, columns: Sequence[int]) -> np.ndarray:
        """Find dimensions among those that the mixtures describe."""
        if not self.active[list(columns)].all():
            raise ValueError(f"Dimensions {list(columns)} are not all active.")
        return np.searchsorted(np.flatnonzero(self.active), list(columns))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Give the fitted parameters as named arrays, for a model's file.

        Returns
        -------
        dict of str to ndarray
            ``active``, and ``weights_0``, ``means_0``, ``factors_0`` for the first
            bundle, and so on.
        """
        parts = {"weights": self.weights, "means": self.means, "factors": self.factors}
        return {"active": self.active} | {
            f"{part}_{label}": array
            for part, arrays in parts.items()
            for label, array in enumerate(arrays)
        }

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, np.ndarray], bundle_names: Sequence[str]
    ) -> LatentMixture:
        """Make a fitted mixture again from `to_arrays`.

        Parameters
        ----------
        arrays : dict of str to ndarray
            As `to_arrays` gave them.
        bundle_names : sequence of str
            Names of the bundles, in the order of the labels.

        Returns
        -------
        LatentMixture
            Ready to sample.
        """
        mixture = cls()
        mixture.bundle_names = tuple(bundle_names)
        mixture.active = arrays["active"]
        for label in range(len(mixture.bundle_names)):
            mixture.weights.append(arrays[f"weights_{label}"])
            mixture.means.append(arrays[f"means_{label}"])
            mixture.factors.append(arrays[f"factors_{label}"])
        return mixture


class _Component:
    """A Gaussian some of whose dimensions are known."""

    def __init__(self, mean: np.ndarray, factor: np.ndarray, places: np.ndarray):
        free = np.setdiff1d(np.arange(len(mean)), places)
        covariance = factor @ factor.T
        inner = covariance[np.ix_(places, places)]
        cross = covariance[np.ix_(free, places)]
        self._places, self._free, self._mean = places, free, mean
        self._inner = np.linalg.cholesky(inner)
        self._gain = np.linalg.solve(inner, cross.T).T
        # The order of the dimensions matters to a factor.
        order = np.concatenate([places, free])
        whole = np.linalg.cholesky(covariance[np.ix_(order, order)])
        self._outer = whole[len(places) :, len(places) :]

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Of the known dimensions."""
        centred = np.linalg.solve(self._inner, (values - self._mean[self._places]).T)
        size = 0.5 * len(self._places) * np.log(2 * np.pi)
        size += np.log(np.diag(self._inner)).sum()
        return -0.5 * (centred**2).sum(axis=0) - size

    def complete(self, noise: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Turn standard normal noise into draws that have the known values."""
        drawn = np.empty_like(noise)
        drawn[:, self._places] = values
        centred = values - self._mean[self._places]
        drawn[:, self._free] = (
            self._mean[self._free]
            + centred @ self._gain.T
            + noise[:, self._free] @ self._outer.T
        )
        return drawn
