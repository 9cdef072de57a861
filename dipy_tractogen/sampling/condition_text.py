"""Conditions and proportions of bundles as text, such as ``length=80:140``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math

# Of shares beyond, the smaller one is none of any number of streamlines.
_SMALLEST_SHARE = 1e-9


def split_conditions(texts: Iterable[str]) -> dict[str, str]:
    """Split texts ``NAME=VALUE`` into names and values.

    Raises ValueError where a text has another form, or a name comes twice.
    """
    requested: dict[str, str] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise ValueError(
                f"{text}: give NAME=VALUE, NAME=LOW:HIGH or NAME=A,B, such as "
                "length=80:140."
            )
        if name in requested:
            raise ValueError(f"{text}: {name} is given twice.")
        requested[name] = value
    return requested


def parse_conditions(requested: Mapping[str, str], conditions) -> dict:
    """Return categories, a number or a range (low, high) by the name of a condition.

    `requested` is the text of `split_conditions`. Raises ValueError if a name is
    unknown, or a number cannot be read.
    """
    return {
        name: _split(text, conditions[name].categories)
        if conditions[name].is_categorical
        else _numbers(name, text)
        for name, text in requested.items()
    }


def parse_proportions(texts: Iterable[str]) -> dict[str, float]:
    """Return the shares of bundles from texts ``BUNDLE=SHARE``.

    Raises ValueError where a text has another form, or a bundle comes twice.
    """
    shares: dict[str, float] = {}
    for text in texts:
        # A name may hold the sign itself.
        name, _, number = (part.strip() for part in text.rpartition("="))
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if not (name and _SMALLEST_SHARE <= share <= 1 / _SMALLEST_SHARE):
            raise ValueError(
                f"{text}: give BUNDLE=SHARE with a positive number, such as AF_L=2 "
                "CST_R=1."
            )
        if name in shares:
            raise ValueError(f"{text}: {name} is given twice.")
        shares[name] = share
    return shares


def _split(text: str, categories: tuple[str, ...]) -> list[str]:
    """Split a text at the commas that are not in the name of a category."""
    parts = text.split(",")
    names = []
    while parts:
        # The longest name that there is, or else what comes before the first comma.
        for end in range(len(parts), 0, -1):
            name = ",".join(parts[:end]).strip()
            if name in categories or end == 1:
                break
        names.append(name)
        parts = parts[end:]
    return names


def _numbers(name: str, text: str) -> float | tuple[float, float]:
    try:
        numbers = [float(part) for part in text.split(":")]
        if len(numbers) == 1:
            return numbers[0]
        low, high = numbers
        return low, high
    except ValueError:
        raise ValueError(
            f"{name}={text}: give a number or a range, LOW:HIGH."
        ) from None
