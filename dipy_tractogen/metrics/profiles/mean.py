"""Profiles of values along streamlines, and their mean in a bundle."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.point_data.values import resample_point_data

NB_NODES = 100
"""Nodes of a profile, as of :footcite:t:`Yeatman2012`."""

WEIGHTS = ("equal", "gaussian")
"""How streamlines count in a mean profile."""


def streamline_profiles(
    streamlines, values: np.ndarray, nb_nodes: int = NB_NODES
) -> np.ndarray:
    """Return the values of streamlines at nodes of equal arc length.

    Parameters
    ----------
    streamlines : ArraySequence, ndarray of shape (n, p, 3) or BundleSet
        Streamlines of two points or more, in mm, or what else `as_streamlines` takes.
    values : ndarray of shape (nb_points_in_all,) or (nb_points_in_all, 1)
        One value a point, in the order of the points, as of ``data_per_point``.
    nb_nodes : int, optional
        Nodes from the start of a streamline to its end, both included; 2 or more.

    Returns
    -------
    ndarray of shape (n, nb_nodes)
        Interpolated linearly, float32; NaN next to a point without a value.

    Raises
    ------
    ValueError
        If there is not one value a point, or fewer than two nodes or points.
    """
    sequence = to_sequence(streamlines)
    nb_points = int(np.sum(sequence._lengths))
    values = np.asarray(values)
    if values.shape not in ((nb_points,), (nb_points, 1)):
        raise ValueError(
            f"values of the shape {values.shape} are given for {nb_points} points of "
            f"{len(sequence)} streamlines: give one for each point."
        )
    if nb_nodes < 2:
        raise ValueError(f"nb_nodes={nb_nodes}: give 2 or more.")
    if not len(sequence):
        return np.zeros((0, nb_nodes), np.float32)
    if np.min(sequence._lengths) < 2:
        raise ValueError(
            "A streamline has fewer than two points, and no profile: load it with "
            "load_bundles, which drops and counts such streamlines."
        )
    data = {"": values.reshape(-1, 1).astype(np.float32)}
    return resample_point_data(data, sequence, nb_nodes)[""].reshape(-1, nb_nodes)


def gaussian_weights(points: np.ndarray) -> np.ndarray:
    """Return weights of streamlines (n, p, 3) at their nodes, as pyAFQ has them.

    They are the inverse of the Mahalanobis distance from the mean streamline at each
    node :footcite:p:`Yeatman2012`, of the upper triangle of the covariance, as of
    ``dipy.stats.analysis.gaussian_weights``. They sum to 1 at each node, (n, p).

    References
    ----------
    .. footbibliography::
    """
    points = np.asarray(points, dtype=float)
    if len(points) == 1:
        return np.ones(points.shape[:2])
    away = points - points.mean(axis=0)
    covariance = np.triu(np.einsum("npi,npj->pij", away, away) / len(points))
    # Where all streamlines are in one place none is nearer than another.
    alike = np.abs(covariance).max(axis=(1, 2)) <= 1e-8
    covariance[alike] = np.eye(3)
    solved = np.einsum("pij,npj->npi", np.linalg.inv(covariance), away)
    distances = np.sqrt(np.einsum("npi,npi->np", away, solved))
    distances[:, alike] = 1
    weights = 1 / distances
    return weights / weights.sum(axis=0)


def bundle_profile(
    streamlines,
    values: np.ndarray,
    nb_nodes: int = NB_NODES,
    *,
    weights: str | np.ndarray = "equal",
) -> np.ndarray:
    """Return the mean profile of a bundle whose streamlines run in one direction.

    Parameters
    ----------
    streamlines : ArraySequence, ndarray of shape (n, p, 3) or BundleSet
        Streamlines of one bundle, all from its start to its end, as `load_bundles`
        returns them; in mm.
    values : ndarray of shape (nb_points_in_all,) or (nb_points_in_all, 1)
        One value a point, in the order of the points.
    nb_nodes : int, optional
        Nodes of the profile, at equal arc length.
    weights : {"equal", "gaussian"} or ndarray of shape (n, nb_nodes), optional
        How much each streamline counts at each node: all alike, as pyAFQ has it
        (`gaussian_weights`), or by given weights, which need not sum to 1.

    Returns
    -------
    ndarray of shape (nb_nodes,)
        Mean over the streamlines that have a value at the node, NaN if none has.

    Raises
    ------
    ValueError
        If the values do not fit, or the weights are none of those.
    """
    profiles = streamline_profiles(streamlines, values, nb_nodes)
    if isinstance(weights, str):
        if weights not in WEIGHTS:
            raise ValueError(f"weights={weights!r}: give {' or '.join(WEIGHTS)}.")
        if weights == "gaussian":
            weights = gaussian_weights(resample(streamlines, nb_nodes))
        else:
            weights = np.ones_like(profiles)
    weights = np.asarray(weights, dtype=float)
    if weights.shape != profiles.shape:
        raise ValueError(
            f"weights of the shape {weights.shape} are given for profiles of the shape "
            f"{profiles.shape}: give one a streamline and node."
        )
    known = np.isfinite(profiles)
    weights = np.where(known, weights, 0)
    total = weights.sum(axis=0)
    summed = (weights * np.where(known, profiles, 0)).sum(axis=0)
    return np.divide(summed, total, out=np.full(nb_nodes, np.nan), where=total > 0)
