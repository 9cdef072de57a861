"""Arithmetic with streamlines, done on their latents: mixtures, means, traversals."""

from __future__ import annotations

from collections.abc import Mapping
import logging

import numpy as np

from dipy_tractogen.sampling.arithmetic import (
    PATHS,
    linear_path,
    match,
    nearest,
)
from dipy_tractogen.utils.messages import check_choice, listed

from .encoding import with_values
from .profiles import as_columns, decoded_values

logger = logging.getLogger("dipy_tractogen")

# Points of a streamline by which partners are matched.
_NB_PLACES = 16
# Fewest streamlines of each side that pairs are chosen among: of few, none are near.
_NB_CANDIDATES = 1000


def interpolate(
    model,
    first,
    second,
    nb_steps: int = 5,
    *,
    path: str = "linear",
    first_values: Mapping[str, np.ndarray] | None = None,
    second_values: Mapping[str, np.ndarray] | None = None,
    return_data_per_point: bool = False,
) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
    """Mix pairs of streamlines, step by step from one to the other.

    Parameters
    ----------
    first, second : ndarray of shape (n, p, 3) or ArraySequence
        The pairs, in RASMM mm; `pair` finds some that lie near each other. For a model
        with values along the streamlines, a BundleSet that has them.
    nb_steps : int, optional
        Steps of each mixture, both ends included.
    path : {"linear", "spherical"}, optional
        Way from latents to latents (`linear_path`, `spherical_path`); conditions
        always go straight.
    first_values, second_values : mapping of str to ndarray of shape (n,), optional
        Conditions of each, as `encode` takes them.
    return_data_per_point : bool, optional
        Return the values along the mixtures as well.

    Returns
    -------
    points : ndarray of shape (n, nb_steps, nb_points, 3), float32
        Points in RASMM mm. The ends are the reconstructions of the pair. A warning
        tells of pairs whose bundles the model learnt in opposite directions, so
        that a streamline turns round on its way.
    data_per_point : dict of str to ndarray of shape (n, nb_steps, nb_points)
        Values along them, by name. Only with `return_data_per_point`.

    Raises
    ------
    ValueError
        If there are not as many of both, a choice is unknown, or a condition is
        missing.
    """
    check_choice("path", path, PATHS)
    if nb_steps < 2:
        raise ValueError(f"nb_steps={nb_steps}: give 2 or more, the ends included.")
    first, first_values = with_values(model, first, first_values)
    second, second_values = with_values(model, second, second_values)
    if len(first) != len(second):
        raise ValueError(
            f"{len(first)} streamlines and {len(second)} to mix them with: give as "
            "many."
        )
    z, matrix = _read(model, first, first_values)
    other_z, other_matrix = _read(model, second, second_values)
    shares = np.linspace(0, 1, nb_steps, dtype=np.float32)
    mixed = PATHS[path](z, other_z, shares).reshape(-1, model.latent_dim)
    if matrix is not None:
        width = matrix.shape[1]
        matrix = linear_path(matrix, other_matrix, shares).reshape(-1, width)
    points, data = decoded_values(model, mixed, matrix)
    points = points.reshape(len(z), nb_steps, model.nb_points, 3)
    _warn_opposed(points[:, 0], points[:, -1])
    data = {name: each.reshape(points.shape[:3]) for name, each in data.items()}
    return (points, data) if return_data_per_point else points


def pair(
    model,
    first,
    second,
    nb_pairs: int,
    *,
    first_values: Mapping[str, np.ndarray] | None = None,
    second_values: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Pair streamlines of two bundles so that those of a pair lie near each other.

    Streamlines are drawn at random from both sides and matched by the distances of
    their points (`match`), each as the model reconstructs it.

    Parameters
    ----------
    first, second : ndarray of shape (n, p, 3) or ArraySequence
        The two bundles, in RASMM mm.
    nb_pairs : int
        Number of pairs, at most the streamlines of the smaller bundle.
    first_values, second_values : mapping of str to ndarray of shape (n,), optional
        Conditions of each, as `encode` takes them.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    first_rows, second_rows : ndarray of shape (nb_pairs,), int
        Indices of the streamlines of each pair.

    Raises
    ------
    ValueError
        If there are fewer streamlines, or a condition is missing.
    """
    first, first_values = with_values(model, first, first_values)
    second, second_values = with_values(model, second, second_values)
    smaller = min(len(first), len(second))
    if not 1 <= nb_pairs <= smaller:
        raise ValueError(
            f"nb_pairs={nb_pairs}: give 1 to {smaller}, the streamlines of the "
            "smaller bundle."
        )
    rng = np.random.default_rng(seed)
    nb_candidates = min(smaller, max(nb_pairs, _NB_CANDIDATES))
    rows, places = [], []
    for side, values in ((first, first_values), (second, second_values)):
        chosen = rng.permutation(len(side))[:nb_candidates]
        known = {name: np.asarray(v)[chosen] for name, v in values.items()}
        points = model.coder.decode(*_read(model, side[chosen], known))
        along = np.linspace(0, model.nb_points - 1, _NB_PLACES).astype(int)
        rows.append(chosen)
        places.append(points[:, along].reshape(nb_candidates, -1))
    partners = match(*places)
    return rows[0][:nb_pairs], rows[1][partners[:nb_pairs]]


def mean_streamline(
    model,
    streamlines,
    values: Mapping[str, np.ndarray] | None = None,
    *,
    weights: np.ndarray | None = None,
    return_data_per_point: bool = False,
) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
    """Decode the mean of the latents of streamlines.

    The mean of their points is shorter than they are, and smoother; this is a
    streamline that the model takes for one of them.

    Parameters
    ----------
    streamlines : ndarray of shape (n, p, 3) or ArraySequence
        Streamlines of a bundle, in RASMM mm; a BundleSet brings its values.
    values : mapping of str to ndarray of shape (n,), optional
        Conditions of each, as `encode` takes them.
    weights : ndarray of shape (n,), optional
        How much each counts; the same for all by default.
    return_data_per_point : bool, optional
        Return the values along it as well.

    Returns
    -------
    points : ndarray of shape (nb_points, 3), float32
        Points in RASMM mm.
    data_per_point : dict of str to ndarray of shape (nb_points,)
        Values along it, by name. Only with `return_data_per_point`.

    Raises
    ------
    ValueError
        If there is none, the weights do not fit or are not positive in all, or a
        condition is missing.
    """
    streamlines, values = with_values(model, streamlines, values)
    if not len(streamlines):
        raise ValueError("There is no streamline to average: give one or more.")
    z, matrix = _read(model, streamlines, values)
    weights = np.ones(len(z)) if weights is None else np.asarray(weights, float)
    if weights.shape != (len(z),) or not (
        np.isfinite(weights).all() and weights.min() >= 0 and weights.sum() > 0
    ):
        raise ValueError(
            f"weights of shape {weights.shape} for {len(z)} streamlines: give a "
            "number of 0 or more for each, not 0 for all."
        )

    def mean(rows):
        return np.average(rows, axis=0, weights=weights)[None].astype(np.float32)

    matrix = None if matrix is None else mean(matrix)
    points, data = decoded_values(model, mean(z), matrix)
    data = {name: each[0] for name, each in data.items()}
    return (points[0], data) if return_data_per_point else points[0]


def neighbours(
    model,
    streamlines,
    among,
    nb_neighbours: int = 5,
    *,
    values: Mapping[str, np.ndarray] | None = None,
    among_values: Mapping[str, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the streamlines whose latents are nearest.

    Where the networks read conditions, latents hold the remaining variation: the
    neighbours then are of the same categories, such as the bundle, and their
    standardised numbers count beside the latents.

    Parameters
    ----------
    streamlines : ndarray of shape (n, p, 3) or ArraySequence
        Streamlines whose neighbours are looked for, in RASMM mm.
    among : ndarray of shape (m, p, 3) or ArraySequence
        Streamlines to look among.
    nb_neighbours : int, optional
        Number of neighbours of each.
    values, among_values : mapping of str to ndarray of shape (n,), optional
        Conditions of each, as `encode` takes them.

    Returns
    -------
    distances : ndarray of shape (n, nb_neighbours)
        Distances of the latents, ascending.
    indices : ndarray of shape (n, nb_neighbours), int
        Indices into `among`.

    Raises
    ------
    ValueError
        If there are fewer streamlines to look among, of the same categories where
        they count, or a condition is missing.
    """
    places, groups = _places(model, streamlines, values)
    others, other_groups = _places(model, among, among_values)
    distances = np.zeros((len(places), nb_neighbours))
    indices = np.zeros((len(places), nb_neighbours), dtype=np.intp)
    for group in np.unique(groups, axis=0):
        own = (groups == group).all(axis=1)
        candidates = np.flatnonzero((other_groups == group).all(axis=1))
        distances[own], found = nearest(places[own], others[candidates], nb_neighbours)
        indices[own] = candidates[found]
    return distances, indices


def traverse(
    model,
    streamlines,
    along: int | str,
    places: np.ndarray,
    values: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Decode streamlines with a latent dimension, or a number, set to several values.

    `along` is the latent dimension, such as 3 or "z3", or the name of a continuous
    condition that the decoder reads, and `places` (s,) are its values, of a condition
    in its unit. Other latents and conditions stay those of the streamlines. Returns
    points (n, s, nb_points, 3) in RASMM mm, in the direction that the model learnt.
    Raises ValueError if there is no such dimension, or the decoder reads no such
    number, or a condition is missing.
    """
    along = traversed_axis(model, along)
    places = np.asarray(places, dtype=np.float32)
    z, matrix = _read(model, streamlines, values)
    nb_streamlines, nb_places = len(z), len(places)
    z = z.repeat(nb_places, axis=0)
    if matrix is not None:
        matrix = matrix.repeat(nb_places, axis=0)
    if isinstance(along, str):
        one = model.conditions[along]
        changed, column = matrix, model.conditions.columns(along).start
        places = (places - one.mean) / one.deviation
    else:
        changed, column = z, along
    changed[:, column] = np.tile(places, nb_streamlines)
    decoded = model.coder.decode(z, matrix)
    return decoded.reshape(nb_streamlines, nb_places, model.nb_points, 3)


def _read(model, streamlines, values) -> tuple[np.ndarray, np.ndarray | None]:
    """Return latents, and the conditions as the networks read them."""
    streamlines, values = with_values(model, streamlines, values)
    columns = as_columns(model, streamlines)
    matrix = model.condition_matrix(columns[..., :3], values)
    channels = model.known_profiles().channels(columns)
    return model.coder.encode(channels, matrix)["z_mean"], matrix


def _places(model, streamlines, values) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates for distances, and the categories that neighbours share."""
    z, matrix = _read(model, streamlines, values)
    if matrix is None:
        return z, np.zeros((len(z), 1), dtype=np.int32)
    codes, numbers = model.conditions.decoded(matrix)
    return np.concatenate([z, numbers], axis=1), codes


def traversed_axis(model, along: int | str, *, option: str = "along") -> int | str:
    """Return the number of a latent dimension, or the name of a condition.

    `along` is a dimension, such as 3 or "z3", or a number that the decoder reads.
    Raises ValueError, with `option` as the name of the argument, for anything else.
    """
    numbers = []
    if model.conditions_in_decoder and isinstance(along, str):
        model.check_layers()
        numbers = [one.name for one in model.conditions.continuous]
    if along in numbers:
        return along
    for dimension in range(model.latent_dim):
        if along in (dimension, f"z{dimension}"):
            return dimension
    accepted = listed([f"z0 to z{model.latent_dim - 1}", *numbers])
    raise ValueError(f"{option}={along!r}: accepted for this model are {accepted}.")


def _warn_opposed(first: np.ndarray, second: np.ndarray) -> None:
    """Warn of pairs that would lie nearer to each other if one were turned round."""
    distances, turned = (
        np.linalg.norm(first - other, axis=-1).mean(axis=1)
        for other in (second, second[:, ::-1])
    )
    nb_opposed = int((turned < distances).sum())
    if nb_opposed:
        logger.warning(
            "%d of %d pairs are of bundles that the model learnt in opposite "
            "directions: on the way from one to the other the streamline turns round",
            nb_opposed,
            len(first),
        )
