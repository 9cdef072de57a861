"""Checks that DIPY's docstring grammar cannot express: choices and ranges.

Each raises a ValueError of one line: what was given, what is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math
from numbers import Real

from dipy_tractogen.utils.messages import briefly

_LEAST, _MOST = 1e-9, 1e9
# Of options for which other numbers are absurd: they overflow, underflow in single
# precision, or ask for more than any machine has.
_LEAST_OF = {
    "held_out": 1e-6,
    "huber_mm": 1e-3,
    "kept_share": 1e-6,
    "beta_ramp": 1e-6,
    "sigma_mm": 1e-3,
    "step": 1e-3,
    "step_size": 0.01,
}
_MOST_OF = {
    "batch_size": 10**7,
    "beta_cycles": 10_000,
    "clip_norm": 1e12,
    "discriminator_units": 65_536,
    "epsilon_std": 1e3,
    "huber_mm": 1e7,
    "kernel_size": 10_000,
    "latent_dim": 1_000,
    "learning_rate": 100,
    "max_minutes": 1e6,
    "max_tries": 10**6,
    "nb_bootstrap": 10**6,
    "nb_coefficients": 10_000,
    "nb_pairs": 10**7,
    "nb_points": 10_000,
    "nb_steps": 10_000,
    "nb_streamlines": 10**12,
    "nb_subjects": 10**5,
    "nb_trials": 10**5,
    "patience": 100,
    "seed": 2**32 - 1,
    "sigma_mm": 1e7,
    "values": 1e15,
    "weight_decay": 100,
}
# Infinity is a value of these: no limit.
_MAY_BE_INFINITE = {"log_var_limit"}


def check_magnitudes(given: Mapping[str, object]) -> None:
    """Refuse numbers that no command can compute with, before any work.

    What an option accepts within these limits is for its command to say.

    Parameters
    ----------
    given : mapping of str to object
        Values of all options, by name; those that are no numbers are passed over.

    Raises
    ------
    ValueError
        If a number is NaN, infinite, far too large, or too near to zero.
    """
    for name, value in given.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, Real) and not isinstance(one, bool):
                _check_magnitude(name, one)


def _check_magnitude(name: str, value: Real) -> None:
    least, most = _LEAST_OF.get(name, _LEAST), _MOST_OF.get(name, _MOST)
    # Compared as it is: a whole number of hundreds of digits has no float.
    if value == 0 or least <= abs(value) <= most:
        return
    if value == math.inf and name in _MAY_BE_INFINITE:
        return
    limit = f"from {least:g} to" if abs(value) < least else "up to"
    raise ValueError(f"--{name} {briefly(value)}: give a number {limit} {most:.10g}.")


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
