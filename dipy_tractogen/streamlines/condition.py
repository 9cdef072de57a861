"""A property of streamlines: one of several categories, or a number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dipy_tractogen.utils.messages import format_number, listed, normalized_name
from dipy_tractogen.utils.schema import list_of, number, record, text

# Texts that are sorted at once: they take far more memory than numbers.
_BLOCK = 65536
# Larger than any property of a streamline.
_LARGEST = 1e30

_NUMBER = number(-_LARGEST, _LARGEST)
PLAIN_CONDITION = record(
    {"name": text(1000, least=1)},
    {
        "categories": list_of(text(1000), most=100_000),
        "mean": _NUMBER,
        "deviation": number(1e-30, _LARGEST),
        "low": _NUMBER,
        "high": _NUMBER,
        "unit": text(1000),
    },
    others=False,
)
"""What `Conditions.to_plain` gives of a property."""


@dataclass(frozen=True)
class Condition:
    """A property of streamlines: one of several categories, or a number.

    Attributes
    ----------
    name : str
        Name of the property.
    categories : tuple of str
        Names of the categories; empty for a number.
    mean, deviation : float
        Of a number, over the training streamlines.
    low, high : float
        Smallest and largest number in the training.
    unit : str
        Unit of a number, where it is known.
    """

    name: str
    categories: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    low: float = 0.0
    high: float = 0.0
    unit: str = ""

    def __post_init__(self):
        categories = tuple(map(normalized_name, self.categories))
        object.__setattr__(self, "categories", categories)

    @classmethod
    def of(
        cls,
        name: str,
        values: np.ndarray,
        *,
        categories: tuple[str, ...] = (),
        unit: str = "",
    ) -> Condition:
        """Describe the values (n,) of training streamlines; see `Conditions.of`.

        `categories` is the order of the categories, alphabetical without it.
        """
        values = np.asarray(values)
        if not values.size:
            raise ValueError(f"There is no value of {name}: give one or more.")
        if _is_text(values):
            found = _categories(name, values)
            return cls(name, categories or found)
        numbers = finite_numbers(name, values)
        low, high = float(numbers.min()), float(numbers.max())
        deviation = float(numbers.std())
        # Equal numbers, but for rounding, are not scaled.
        if deviation <= 1e-9 * max(abs(low), abs(high), 1.0):
            deviation = 1.0
        return cls(name, (), float(numbers.mean()), deviation, low, high, unit)

    @classmethod
    def from_plain(cls, plain: dict) -> Condition:
        """Return the property of plain values, those of `Conditions.to_plain`."""
        PLAIN_CONDITION(plain, "")
        return cls(**plain)

    @property
    def is_categorical(self) -> bool:
        """Whether the property is one of several categories."""
        return bool(self.categories)

    @property
    def width(self) -> int:
        """Number of columns that stand for the property."""
        return len(self.categories) or 1

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.categories)}

    def code(self, value: str) -> int:
        """Return the index of a category; ValueError if there is none of the name."""
        value = normalized_name(value)
        if value not in self._code_of:
            raise ValueError(
                f"{self.name} {value} is not in the model; it has "
                f"{listed(self.categories)}."
            )
        return self._code_of[value]

    def codes(self, texts: np.ndarray) -> np.ndarray:
        """Return the index of each category, (n,), int32; see `code`."""
        texts = np.asarray(texts)
        codes = np.empty(len(texts), dtype=np.int32)
        for start in range(0, len(texts), _BLOCK):
            rows = slice(start, start + _BLOCK)
            found, inverse = np.unique(texts[rows].astype(str), return_inverse=True)
            known = np.array([self.code(str(text)) for text in found], dtype=np.int32)
            codes[rows] = known[inverse]
        return codes

    def describe(self) -> str:
        """Return in a line the categories, or the range with its unit."""
        if self.is_categorical:
            return f"{self.name}: {', '.join(self.categories)}"
        unit = f" {self.unit}" if self.unit else ""
        low, high = format_number(self.low), format_number(self.high)
        return f"{self.name}: {low} to {high}{unit}"


def finite_numbers(name: str, values: np.ndarray) -> np.ndarray:
    """Return values as float64; ValueError if one is no finite number."""
    try:
        numbers = np.asarray(values).astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} holds values that are no numbers ({error}): give numbers only, or "
            "text only where it is a category."
        ) from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds NaN or infinite values: leave those out.")
    return numbers


def _is_text(values: np.ndarray) -> bool:
    if values.dtype.kind == "O":
        return all(isinstance(one, str) for one in values.flat)
    return values.dtype.kind in "UT"


def _categories(name: str, texts: np.ndarray) -> tuple[str, ...]:
    known: set[str] = set()
    for start in range(0, len(texts), _BLOCK):
        some = np.unique(texts[start : start + _BLOCK].astype(str))
        known.update(map(normalized_name, some.tolist()))
    found = tuple(sorted(known))
    if not all(text.strip() for text in found):
        raise ValueError(f"{name} holds empty text: leave those streamlines out.")
    return found
