"""Latents and attributes of streamlines: correlation, disentanglement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from dipy_tractogen.streamlines.geometry import arc_lengths, mean_curvature, tortuosity

ATTRIBUTE_UNITS = {
    **{"length": "mm", "curvature": "1/mm", "tortuosity": ""},
    **dict.fromkeys("xyz", "mm"),
}
"""Units of `streamline_attributes`."""

_NB_BINS = 20


def streamline_attributes(
    points: np.ndarray, streamlines=None
) -> dict[str, np.ndarray]:
    """Measure length, curvature, tortuosity and centre of streamlines.

    Lengths are measured along `streamlines`, the same with all their points, if given.
    Returns arrays (n,): ``length`` (mm), mean ``curvature`` (1/mm), ``tortuosity``, and
    the centre ``x``, ``y``, ``z`` (mm).
    """
    centre = points.mean(axis=1)
    size = arc_lengths(points if streamlines is None else streamlines)
    return {
        "length": size,
        "curvature": mean_curvature(points),
        "tortuosity": tortuosity(points, size),
        **dict(zip("xyz", centre.T)),
    }


def mutual_information(z: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Return the mutual information (d, k) of latents (n, d) and attributes (n, k).

    In nats, from histograms of twenty equal bins.
    """
    from sklearn.metrics import mutual_info_score

    z, attributes = _binned(z), _binned(attributes)
    return np.array([[mutual_info_score(a, d) for a in attributes.T] for d in z.T])


def rank_correlations(z: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Return Spearman's coefficients (d, k) of latents (n, d) and attributes (n, k).

    0 where one of the two is constant.
    """
    return _correlation(rankdata(z, axis=0), rankdata(attributes, axis=0))


def disentanglement(
    z: np.ndarray, attributes: Mapping[str, np.ndarray]
) -> dict[str, float | dict[str, float]]:
    r"""Measure how well single latent dimensions stand for single attributes.

    For each attribute: ``interpretability``, the :math:`R^2` of a line through the
    dimension that has most mutual information with it :footcite:p:`Adel2018`; ``scc``,
    the largest absolute Spearman correlation with a dimension; ``mig``, by how much the
    two most informative dimensions differ in mutual information, over the entropy of
    the attribute :footcite:p:`Chen2018`; ``sap``, by how much the two best
    :math:`R^2` of single dimensions differ :footcite:p:`Kumar2018`. For all together:
    ``modularity``, how far each dimension informs of one attribute only
    :footcite:p:`Ridgeway2018`. All are 1 at best and 0 at worst.

    Parameters
    ----------
    z : ndarray of shape (n, d)
        Latents of n streamlines.
    attributes : mapping of str to ndarray of shape (n,)
        Values by name. One that is the same for all is left out.

    Returns
    -------
    dict
        ``interpretability``, ``scc``, ``mig`` and ``sap`` by name of the attribute,
        and ``modularity``.

    Raises
    ------
    ValueError
        If there are fewer than three streamlines, or a value is not finite.

    References
    ----------
    .. footbibliography::
    """
    z = np.asarray(z, dtype=float)
    kept = {name: np.asarray(given, float) for name, given in attributes.items()}
    kept = {name: given for name, given in kept.items() if np.ptp(given) > 0}
    if len(z) < 3 or not all(np.isfinite(part).all() for part in (z, *kept.values())):
        raise ValueError(f"{len(z)} latents: give three or more, all finite.")
    values = np.stack(list(kept.values()), axis=1) if kept else np.zeros((len(z), 0))
    information = mutual_information(z, values)
    explained = _correlation(z, values) ** 2
    ranks = np.abs(rank_correlations(z, values))
    best = information.argmax(axis=0) if kept else np.zeros(0, int)
    entropy = np.array([_entropy(column) for column in _binned(values).T])
    by_attribute = {
        "interpretability": explained[best, np.arange(len(best))],
        "scc": ranks.max(axis=0, initial=0),
        "mig": _gap(information) / np.maximum(entropy, np.finfo(float).tiny),
        "sap": _gap(explained),
    }
    report: dict = {
        measure: dict(zip(kept, given.tolist()))
        for measure, given in by_attribute.items()
    }
    report["modularity"] = _modularity(information)
    return report


def _binned(values: np.ndarray) -> np.ndarray:
    """Put each column into twenty equal bins between its extremes."""
    low, high = values.min(axis=0), values.max(axis=0)
    width = np.where(high > low, high - low, 1)
    return np.minimum((values - low) / width * _NB_BINS, _NB_BINS - 1).astype(int)


def _entropy(bins: np.ndarray) -> float:
    share = np.bincount(bins) / len(bins)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def _correlation(z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Pearson correlation of each dimension with each attribute; 0 for constants."""
    z, values = (part - part.mean(axis=0) for part in (z, values))
    size = np.linalg.norm(z, axis=0)[:, None] * np.linalg.norm(values, axis=0)
    return np.divide(z.T @ values, size, out=np.zeros(size.shape), where=size > 0)


def _gap(scores: np.ndarray) -> np.ndarray:
    """Best less second best score; one dimension has no second."""
    ordered = np.sort(np.vstack([np.zeros_like(scores[:1]), scores]), axis=0)
    return ordered[-1] - ordered[-2]


def _modularity(information: np.ndarray) -> float:
    """Mean over the dimensions that carry information of any attribute."""
    nb_attributes = information.shape[1]
    squares = information**2
    largest = squares.max(axis=1, initial=0)
    others = squares.sum(axis=1) - largest
    informs = largest > 0
    if not informs.any():
        return 0.0
    if nb_attributes == 1:
        return 1.0
    deviation = others[informs] / (largest[informs] * (nb_attributes - 1))
    return float(np.mean(1 - deviation))


def latent_units(
    z_mean: np.ndarray,
    deviation: np.ndarray | None = None,
    prior: tuple[np.ndarray, float] | None = None,
) -> dict[str, np.ndarray]:
    r"""Describe each latent dimension over many streamlines.

    From means (n, d) of the latents, standard deviations (n, d) of their posteriors if
    the model has some, and mean (n, d) and standard deviation of a normal prior if the
    loss holds the divergence from it.

    Returns arrays (d,): ``variance`` of the means, which tells active dimensions
    :footcite:p:`Burda2016`; ``spread``, the standard deviation of the aggregate
    posterior, :math:`\sqrt{\operatorname{var} \mu + \overline{\sigma^2}}`; with
    `deviation` also ``deviation``, the root mean square of the posteriors' own; with
    `prior` also ``kl``, the mean divergence of the posterior from it, in nats.

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
