"""Checks of what models and trainings are given."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import normalized_name
from dipy_tractogen.utils.schema import short_repr

MOST_POINTS = 10_000
"""Points of a streamline that a model may have."""

MOST_LATENTS = 1_000
"""Dimensions of a latent space, of which a density is fitted."""

MOST_UNITS = 65_536
"""Units, or channels, of a layer."""

LARGEST_SEED = 2**32 - 1
"""Largest seed that NumPy, Python and TensorFlow take."""

MOST_BETA = 1e9
"""Weight of a KL divergence."""

MM = (1e-3, 1e7)
"""Smallest and largest point error that may be accepted, in mm."""

SMALLEST, LARGEST = 1e-12, 1e12
"""Weights, distances and shares: beyond, single precision has no square of them."""


def check_bundles(
    points: np.ndarray | ArraySequence,
    labels: np.ndarray | None,
    bundle_names: Sequence[str] | None,
    nb_points: int,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Check points, labels and names against each other.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3) or ArraySequence
        Points in mm.
    labels : ndarray of shape (n,), optional
        Bundle of each.
    bundle_names : sequence of str, optional
        Names of the bundles.
    nb_points : int
        Points that the model takes.

    Returns
    -------
    labels : ndarray of shape (n,), int32
        The labels, zeros where none were given.
    bundle_names : tuple of str
        The names, made up where none were given.

    Raises
    ------
    ValueError
        If they do not fit together.
    """
    if isinstance(points, ArraySequence):
        if not len(points):
            raise ValueError("points hold no streamline: give one at least.")
    elif points.ndim != 3 or points.shape[1:] != (nb_points, 3) or not len(points):
        raise ValueError(
            f"points have shape {points.shape}; expected (n, {nb_points}, 3) with n "
            ">= 1: resample streamlines with dipy_tractogen.streamlines.geometry."
        )
    labels = np.zeros(len(points)) if labels is None else np.asarray(labels)
    if labels.shape != (len(points),):
        raise ValueError(
            f"labels have shape {labels.shape}; expected ({len(points)},), one index "
            "a streamline."
        )
    is_number = labels.dtype.kind in "biuf"
    if not is_number or (labels < 0).any() or (labels % 1 != 0).any():
        raise ValueError(
            f"labels hold {labels[0]!s} and others: give whole numbers from 0, "
            "indices into bundle_names."
        )
    labels = labels.astype(np.int32)
    if bundle_names is None:
        bundle_names = [f"bundle_{label}" for label in range(labels.max() + 1)]
    if labels.max() >= len(bundle_names):
        raise ValueError(
            f"labels go up to {labels.max()}, but there are {len(bundle_names)} "
            "bundle_names: give one name for each."
        )
    names = tuple(map(normalized_name, bundle_names))
    if len(set(names)) < len(names):
        raise ValueError(f"bundle_names={names}: give each name once.")
    return labels, names


def check_choice(name: str, value: str, accepted: tuple[str, ...]) -> None:
    """Refuse a value that is not one of those accepted.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : str
        What was given.
    accepted : tuple of str
        The choices.

    Raises
    ------
    ValueError
        If `value` is none of them.
    """
    if value not in accepted:
        raise ValueError(f"{name}={value!r}: accepted are {', '.join(accepted)}.")


def check_units(name: str, units: Sequence[int]) -> tuple[int, ...]:
    """Refuse numbers of units that no layers can have.

    Parameters
    ----------
    name : str
        Name of the parameter.
    units : sequence of int
        Units of each layer; may be empty.

    Returns
    -------
    tuple of int
        The numbers.

    Raises
    ------
    ValueError
        If one is not a whole number in its range.
    """
    if not isinstance(units, Sequence) or isinstance(units, str):
        raise ValueError(f"{name}={units!r}: give whole numbers, one for each layer.")
    for number in units:
        check_whole(name, number, 1, MOST_UNITS)
    return tuple(int(number) for number in units)


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """Refuse what is not a whole number in a range.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : int
        What was given.
    low, high : int
        Smallest and largest number that is accepted.

    Raises
    ------
    ValueError
        If it is out of its range, or no whole number.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not low <= value <= high:
        raise ValueError(
            f"{name}={short_repr(value)}: give a whole number from {low} to {high}."
        )


def check_number(
    name: str,
    value: float,
    *,
    above_zero: bool = False,
    low: float = 0.0,
    high: float = LARGEST,
) -> None:
    """Refuse a number that is negative, far too large or not finite.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : float
        What was given.
    above_zero : bool, optional
        Whether zero is refused, too, and what is hardly more.
    low, high : float, optional
        Smallest and largest number that is accepted.

    Raises
    ------
    ValueError
        If the number is out of its range.
    """
    low = SMALLEST if above_zero else low
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if is_number and low <= value <= high:
        return
    raise ValueError(
        f"{name}={short_repr(value)}: give a number from {low:g} to {high:g}."
    )
