"""Checks that DIPY's docstring grammar cannot express: choices and ranges.

Each raises a ValueError of one line: what was given, what is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
import math


def check_choice(name: str, value: str, accepted: Iterable[str]) -> None:
    """Refuse a value that is not one of those accepted.

    Parameters
    ----------
    name : str
        Name of the option.
    value : str
        What was given.
    accepted : iterable of str
        The choices.

    Raises
    ------
    ValueError
        If `value` is none of them.
    """
    accepted = list(accepted)
    if value not in accepted:
        raise ValueError(f"--{name} {value}: accepted are {', '.join(accepted)}.")


def check_int(name: str, value: int, *, low: int = 1, high: int | None = None) -> None:
    """Refuse a whole number out of its range.

    Parameters
    ----------
    name : str
        Name of the option.
    value : int
        What was given.
    low, high : int, optional
        Smallest and largest accepted value; `high` None means no limit.

    Raises
    ------
    ValueError
        If `value` is not a whole number between them.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        limit = f"of {low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"--{name} {value}: give a whole number {limit}.")


def check_number(
    name: str,
    value: float,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Refuse a number that is not finite or out of its range.

    Parameters
    ----------
    name : str
        Name of the option.
    value : float
        What was given.
    low, high : float, optional
        Smallest and largest accepted value.
    open_low, open_high : bool, optional
        Whether the limit itself is refused.

    Raises
    ------
    ValueError
        If `value` is NaN, infinite or outside.
    """
    number = isinstance(value, (int, float)) and math.isfinite(value)
    above = number and (value > low if open_low else value >= low)
    below = number and (value < high if open_high else value <= high)
    if above and below:
        return
    limits = []
    if math.isfinite(low):
        limits.append(f"{'more than' if open_low else 'at least'} {low:g}")
    if math.isfinite(high):
        limits.append(f"{'less than' if open_high else 'at most'} {high:g}")
    raise ValueError(
        f"--{name} {value}: give a number {' and '.join(limits) or 'that is finite'}."
    )
