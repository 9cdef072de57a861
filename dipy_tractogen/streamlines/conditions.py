"""Properties that a model knows of streamlines: bundle, length, age, diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import listed

from .array_sequence import equal_counts
from .condition import Condition, finite_numbers
from .conversion import to_sequence
from .geometry import arc_lengths, lengths, mean_curvature, tortuosity

BUNDLE = "bundle"
"""The condition that every streamline has."""

LENGTH = "length"
"""The condition that is measured along the points, in mm."""

COMPUTED: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    LENGTH: (lengths, "mm"),
    "curvature": (mean_curvature, "1/mm"),
    "tortuosity": (tortuosity, ""),
}
"""Conditions that are computed from points at equal distances, with their units."""

# What places and points of a streamline tell.
_OF_POINTS = (BUNDLE, *COMPUTED)


def requested_name(name: str) -> str:
    """Return the name in files of a requested number, such as "asked_length"."""
    return f"asked_{name}"


class Conditions:
    """The properties that a model knows of its streamlines, as numbers.

    Parameters
    ----------
    entries : iterable of Condition or dict
        The properties. Those with categories come first, in the order given.

    Attributes
    ----------
    categorical, continuous : tuple of Condition
        Properties that are one of several categories, and numbers.

    Raises
    ------
    ValueError
        If two have the same name.
    """

    def __init__(self, entries: Iterable[Condition | dict]):
        entries = [
            one if isinstance(one, Condition) else Condition.from_plain(one)
            for one in entries
        ]
        names = [one.name for one in entries]
        if len(set(names)) < len(names):
            raise ValueError(f"Conditions {listed(names)}: give each name once.")
        self.categorical = tuple(one for one in entries if one.is_categorical)
        self.continuous = tuple(one for one in entries if not one.is_categorical)

    @classmethod
    def of(
        cls,
        values: Mapping[str, np.ndarray],
        *,
        categories: Mapping[str, tuple[str, ...]] | None = None,
        units: Mapping[str, str] | None = None,
    ) -> Conditions:
        """Describe the values of training streamlines.

        Parameters
        ----------
        values : mapping of str to ndarray of shape (n,)
            Text for categories, finite numbers otherwise, by the name of the property.
        categories : mapping of str to tuple of str, optional
            Order of the categories of some; alphabetical without it.
        units : mapping of str to str, optional
            Units of some; those of `COMPUTED` are known.

        Returns
        -------
        Conditions
            The properties.

        Raises
        ------
        ValueError
            If there is no value, a text is empty, or a number is not finite.
        """
        units = {
            **{name: unit for name, (_, unit) in COMPUTED.items()},
            **(units or {}),
        }
        order = categories or {}
        return cls(
            Condition.of(
                name,
                given,
                categories=order.get(name, ()),
                unit=units.get(name, ""),
            )
            for name, given in values.items()
        )

    def __iter__(self):
        return iter((*self.categorical, *self.continuous))

    def __eq__(self, other):
        return isinstance(other, Conditions) and self.to_plain() == other.to_plain()

    __hash__ = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the properties."""
        return tuple(one.name for one in self)

    @property
    def width(self) -> int:
        """Number of columns of `encode`."""
        return sum(one.width for one in self)

    @property
    def given_width(self) -> int:
        """Number of columns of `given_matrix`."""
        return sum(one.width for one in self if one.name not in _OF_POINTS)

    def __getitem__(self, name: str) -> Condition:
        for one in self:
            if one.name == name:
                return one
        raise ValueError(
            f"{name} is no condition of the model; it has {listed(self.names)}."
        )

    def columns(self, name: str) -> slice:
        """Return the columns of a property in `encode`; ValueError if there is none."""
        start = 0
        for one in self:
            if one.name == name:
                return slice(start, start + one.width)
            start += one.width
        return self[name]

    def codes(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the indices of categories by name, (n, nb_categorical), int32.

        Raises ValueError if a property is missing or a category unknown.
        """
        columns = [one.codes(_value(values, one.name)) for one in self.categorical]
        return np.stack(columns, axis=1)

    def standardised(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return numbers at mean 0 and deviation 1, (n, nb_continuous), float64.

        Raises ValueError if a property is missing, or a number is not finite.
        """
        columns = [
            (finite_numbers(one.name, _value(values, one.name)) - one.mean)
            / one.deviation
            for one in self.continuous
        ]
        return np.stack(columns, axis=1)

    def restored(self, standardised: np.ndarray) -> dict[str, np.ndarray]:
        """Return numbers (n,) by name from `standardised` ones."""
        return {
            one.name: column * one.deviation + one.mean
            for one, column in zip(self.continuous, standardised.T)
        }

    def matrix(self, codes: np.ndarray, standardised: np.ndarray) -> np.ndarray:
        """Return what a network reads, (n, width), float32: ones, then numbers.

        There is a one for each category. `codes` and `standardised` are what the
        methods of these names return.
        """
        blocks = [
            np.eye(one.width, dtype=np.float32)[column]
            for one, column in zip(self.categorical, codes.T)
        ]
        return np.concatenate([*blocks, standardised.astype(np.float32)], axis=1)

    def given_matrix(self, codes: np.ndarray, standardised: np.ndarray) -> np.ndarray:
        """Return the columns (n, q) of `matrix` of properties such as age and sex.

        They are those of all but the bundle and what is in `COMPUTED`.
        """
        kept = [np.full(one.width, one.name not in _OF_POINTS) for one in self]
        return self.matrix(codes, standardised)[:, np.concatenate(kept)]

    def decoded(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return codes, int32, and standardised numbers of a `matrix`."""
        codes = [
            matrix[:, self.columns(one.name)].argmax(axis=1) for one in self.categorical
        ]
        numbers = matrix[:, matrix.shape[1] - len(self.continuous) :]
        return np.stack(codes, axis=1).astype(np.int32), numbers

    def encode(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return what a network reads of the values of streamlines.

        Parameters
        ----------
        values : mapping of str to ndarray of shape (n,)
            Text or numbers by the name of the property.

        Returns
        -------
        ndarray of shape (n, width), float32
            A one for each category, then the standardised numbers.

        Raises
        ------
        ValueError
            If a property is missing, a category unknown or a number not finite, or if
            there are more values of one than of another.
        """
        sizes = {one.name: len(_value(values, one.name)) for one in self}
        if len(set(sizes.values())) > 1:
            raise ValueError(
                "The numbers of values differ ("
                f"{listed(f'{size} of {name}' for name, size in sizes.items())}): "
                "give one for each streamline."
            )
        return self.matrix(self.codes(values), self.standardised(values))

    def to_plain(self) -> list[dict]:
        """Return the properties as plain values, for a file."""
        return [{**asdict(one), "categories": list(one.categories)} for one in self]


def _value(values: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in values:
        raise ValueError(
            f"The values of {name} are missing, which the model was trained on: give "
            "one for each streamline."
        )
    if np.ndim(values[name]) != 1:
        raise ValueError(
            f"The values of {name} have shape {np.shape(values[name])}: give one for "
            "each streamline."
        )
    return values[name]


def measured_values(
    streamlines: ArraySequence | np.ndarray, names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Return length (mm), curvature (1/mm) and tortuosity along all points, each (n,).

    Of `names` only those in `conditions.COMPUTED` are computed. Points of a streamline
    are at equal distances; the curvature of two points is zero.
    """
    names = [name for name in names if name in COMPUTED]
    if isinstance(streamlines, np.ndarray):
        return {name: _measured(streamlines, name) for name in names}
    sequence = to_sequence(streamlines)
    found = {name: np.zeros(len(sequence)) for name in names}
    others = [name for name in names if name != LENGTH]
    if LENGTH in found:
        found[LENGTH] = arc_lengths(sequence)
    if others:
        # Streamlines with the same number of points are one array.
        for rows, places in equal_counts(sequence._lengths, sequence._offsets):
            for name in others:
                found[name][rows] = _measured(sequence._data[places], name)
    return found


def _measured(points: np.ndarray, name: str) -> np.ndarray:
    """Compute a property of streamlines with one number of points."""
    if name == "curvature" and points.shape[1] < 3:
        return np.zeros(len(points))
    return COMPUTED[name][0](points)
