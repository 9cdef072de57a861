"""Checks of options: of those that are declared, and of what a command says of its own.

Each raises a ValueError of one line: what was given, what is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math
from numbers import Real

from dipy_tractogen.parameters.model import (
    LARGEST_SEED,
    ReconstructionParameters,
    Sizes,
)
from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.messages import briefly
from dipy_tractogen.utils.parameters import SMALLEST

_LIMITS = (1e-9, 1e9)
# Of options that only one command has, for which other numbers are absurd: they
# overflow, or ask for more than any machine has.
_LIMITS_OF = {
    "kept_share": (1e-6, 1e9),
    "max_tries": (1, 10**6),
    "nb_bootstrap": (1, 10**6),
    "nb_pairs": (1, 10**7),
    "nb_steps": (1, 10_000),
    "nb_streamlines": (1, 10**12),
    "nb_subjects": (1, 10**5),
    "nb_trials": (1, 10**5),
    "seed": (1, LARGEST_SEED),
    "step": (1e-3, 1e9),
    "step_size": (0.01, 1e9),
    "values": (1e-9, 1e15),
}
_LIMITS_OF |= {
    name: (max(SMALLEST, one.limits[0]), one.limits[1])
    for each in (Sizes, ReconstructionParameters, FitParameters)
    for name, one in each.declared().items()
}


def check_options(given: Mapping[str, object], declared: Mapping = {}) -> None:
    """Check options before any work, in the words of the command line.

    Parameters
    ----------
    given : mapping of str to object
        Values of all options, by name.
    declared : mapping of str to Parameter
        Declarations of those that have one. Of other numbers only those are refused
        that no command can compute with; what else they may be is for the command.

    Raises
    ------
    ValueError
        If a value is not accepted.
    """
    for name, value in given.items():
        if name in declared:
            declared[name].check(value, option=True)
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, Real) and not isinstance(one, bool):
                _check_magnitude(name, one)


def _check_magnitude(name: str, value: Real) -> None:
    least, most = _LIMITS_OF.get(name, _LIMITS)
    # Compared as it is: a whole number of hundreds of digits has no float.
    if value == 0 or least <= abs(value) <= most:
        return
    limit = f"from {least:g} to" if abs(value) < least else "up to"
    raise ValueError(f"--{name} {briefly(value)}: give a number {limit} {most:.10g}.")


def check_choice(name: str, value: str, accepted: Iterable[str]) -> None:
    """Raise ValueError where the value of an option is not one of those accepted."""
    accepted = list(accepted)
    if value not in accepted:
        raise ValueError(f"--{name} {value}: accepted are {', '.join(accepted)}.")


def check_int(name: str, value: int, *, low: int = 1, high: int | None = None) -> None:
    """Raise ValueError where an option is no whole number in its range."""
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
    """Raise ValueError where an option is no finite number in its range."""
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
