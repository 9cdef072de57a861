"""Gaussian mixtures, of a few components or of one at each latent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax

from dipy_tractogen.utils.moved import renamed

# Numbers of an array that is computed at once: 16 MB.
_CHUNK = 2**21


@dataclass
class ConditionalGaussianMixture:
    """Gaussian mixture that can be drawn from given some columns.

    Attributes
    ----------
    centres : ndarray of shape (m, d)
        Means of the components.
    factors : ndarray of shape (m, d, d) or (1, d, d)
        Lower Cholesky factors of their covariances; one if all have the same.
    weights : ndarray of shape (m,)
        Their weights, which add up to one.
    reach : float
        Factor of the deviations where a component is chosen for given values. One draws
        from the mixture itself; more chooses from more components. The mean of those
        draws is set to that of a local linear regression :footcite:p:`Fan1992`: near
        the limits of the values, most components that are chosen are on one side.
    bent : ndarray of shape (m, d), optional
        Vectors of which the local regression is quadratic, in place of one of the
        mixture that is linear. Centres that were moved towards their neighbours lie
        within a curve, and a line cuts it.

    References
    ----------
    .. footbibliography::
    """

    centres: np.ndarray
    factors: np.ndarray
    weights: np.ndarray
    reach: float = 1.0
    bent: np.ndarray | None = None

    def draw(
        self,
        nb_draws: int,
        columns: Sequence[int],
        values: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw vectors (nb_draws, d) of which some columns are given.

        Parameters
        ----------
        nb_draws : int
            Number of vectors.
        columns : sequence of int
            The k columns that are given.
        values : ndarray of shape (nb_draws, k)
            Their values.
        rng : numpy.random.Generator
            Source of the draw.
        """
        component = self._choose(nb_draws, columns, values, rng)
        noise = rng.standard_normal((nb_draws, self.centres.shape[1]))
        if len(self.factors) == 1:
            drawn = noise @ self.factors[0].T
        else:
            drawn = np.einsum("nij,nj->ni", self.factors[component], noise)
        drawn += self.centres[component]
        if len(columns):
            # The difference of a draw from the given values moves the other columns
            # by their regression on the given ones: a draw given the values.
            missing = values - drawn[:, columns]
            gains = self._gains(columns)
            gains = gains[component if len(gains) > 1 else np.zeros_like(component)]
            drawn += np.einsum("nij,nj->ni", gains, missing)
            if self.reach != 1:
                drawn += self._corrections(columns, values)
            drawn[:, columns] = values
        return drawn

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean (d,) and the covariance (d, d) of the mixture."""
        mean = self.weights @ self.centres
        away = (self.centres - mean) * np.sqrt(self.weights)[:, None]
        weights = self.weights if len(self.factors) > 1 else np.ones(1)
        roots = np.sqrt(weights)[:, None, None] * self.factors
        # Side by side, the factors are one of the mean of the covariances.
        roots = roots.transpose(1, 0, 2).reshape(len(mean), -1)
        return mean, away.T @ away + roots @ roots.T

    def mapped(
        self, matrix: np.ndarray, offset: np.ndarray
    ) -> ConditionalGaussianMixture:
        """Return the mixture of ``matrix @ x + offset`` for vectors x (d,) of this."""
        return replace(
            self,
            centres=self.centres @ matrix.T + offset,
            factors=np.matmul(matrix, self.factors),
            bent=None if self.bent is None else self.bent @ matrix.T + offset,
        )

    def log_density(self, x: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        """Compute the log density of some columns x (n, k), in nats."""
        parts = self._log_parts(columns, x)
        return np.concatenate([logsumexp(part, axis=1) for part in parts])

    def _choose(self, nb_draws, columns, values, rng) -> np.ndarray:
        """Draw a component for each vector, given the values."""
        if not len(columns):
            return rng.choice(len(self.weights), size=nb_draws, p=self.weights)
        if (values == values[:1]).all():
            logs = next(self._log_parts(columns, values[:1], self.reach))[0]
            share = np.exp(logs - logsumexp(logs))
            return rng.choice(len(share), size=nb_draws, p=share / share.sum())
        # The argmax of logarithms with Gumbel noise is a draw from the categories.
        parts = self._log_parts(columns, values, self.reach)
        return np.concatenate(
            [np.argmax(logs + rng.gumbel(size=logs.shape), axis=1) for logs in parts]
        )

    def _corrections(self, columns: Sequence[int], values: np.ndarray) -> np.ndarray:
        """Return the means of a local regression minus those of draws: (n or 1, d).

        Components count in the regression as they are chosen for the values (n, k).
        """
        if (values == values[:1]).all():
            values = values[:1]
        x, given = self.centres, self.centres[:, columns]
        shape = (len(x), x.shape[1], len(columns))
        gains = np.broadcast_to(self._gains(columns), shape)
        within = np.matmul(gains, self._covariances(columns))
        products = x[:, :, None] * given[:, None]
        found, first = [], 0
        for logs in self._log_parts(columns, values, self.reach):
            shares = softmax(logs, axis=1)
            mean, middle = shares @ x, shares @ given
            part = values[first : first + len(logs)]
            first += len(logs)
            drawn = np.einsum("nik,nk->ni", _averages(shares, gains), part)
            drawn -= shares @ np.einsum("mik,mk->mi", gains, given)
            if self.bent is not None:
                curve = _quadratic(self.bent, columns, part, shares)
                found.append(curve - mean - drawn)
                continue
            # Of all that is chosen: of one component alone, they are its covariances.
            moments = _averages(shares, products) - mean[:, :, None] * middle[:, None]
            moments += _averages(shares, within)
            slopes = np.linalg.solve(moments[:, columns], moments.transpose(0, 2, 1))
            line = np.einsum("nki,nk->ni", slopes, part - middle)
            found.append(line - drawn)
        return np.concatenate(found)

    def _log_parts(
        self, columns: Sequence[int], values: np.ndarray, reach: float = 1.0
    ) -> Iterator[np.ndarray]:
        """Compute log weight plus log density of each component, in chunks of rows."""
        inner = reach * np.linalg.cholesky(self._covariances(columns))
        whitening = np.linalg.inv(inner)
        with np.errstate(divide="ignore"):
            logs = np.log(self.weights)
        logs = logs - np.log(np.diagonal(inner, axis1=1, axis2=2)).sum(axis=1)
        logs = logs - 0.5 * len(columns) * np.log(2 * np.pi)
        centres = self.centres[:, columns]
        size = max(1, _CHUNK // (centres.size or 1))
        for start in range(0, len(values), size):
            part = values[start : start + size]
            if len(whitening) == 1:
                white = whitening[0].T
                squares = cdist(part @ white, centres @ white, "sqeuclidean")
            else:
                centred = part[:, None] - centres
                squares = np.einsum("nmk,mjk->nmj", centred, whitening) ** 2
                squares = squares.sum(axis=2)
            yield logs - 0.5 * squares

    def _covariances(self, columns: Sequence[int]) -> np.ndarray:
        rows = self.factors[:, columns]
        return np.matmul(rows, rows.transpose(0, 2, 1))

    def _gains(self, columns: Sequence[int]) -> np.ndarray:
        """Return the regression coefficients of all columns on the given ones."""
        cross = np.matmul(self.factors, self.factors[:, columns].transpose(0, 2, 1))
        inner = self._covariances(columns)
        return np.linalg.solve(inner, cross.transpose(0, 2, 1)).transpose(0, 2, 1)


def _averages(shares: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Return averages (n, d, k) of matrices (m, d, k) by shares (n, m)."""
    flat = shares @ matrices.reshape(len(matrices), -1)
    return flat.reshape(-1, *matrices.shape[1:])


def _quadratic(x, columns, values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the local regression (n, d) of x (m, d) on columns, at values (n, k).

    It is quadratic in each column, by least squares with the weights `shares` (n, m).
    """
    away = x[:, columns] - values[:, None]
    design = np.concatenate([np.ones((*shares.shape, 1)), away, away**2], axis=2)
    weighted = (shares[:, :, None] * design).transpose(0, 2, 1)
    # Columns that do not vary have no part.
    inverse = np.linalg.pinv(weighted @ design, hermitian=True)
    return (inverse[:, :1] @ (weighted @ x))[:, 0]


__getattr__ = renamed(__name__, {"NormalMixture": "ConditionalGaussianMixture"})
