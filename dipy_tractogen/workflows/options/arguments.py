"""Checks of options, before any work.

Each raises a ValueError of one line: what was given, what is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import logging
from numbers import Real
from pathlib import Path
import shutil

from dipy_tractogen.parameters.model import MOST_POINTS
from dipy_tractogen.utils.messages import briefly
from dipy_tractogen.utils.parameters import (
    BOX_RULES,
    LARGEST_SEED,
    Parameters,
    parameter,
)

logger = logging.getLogger("dipy_tractogen")

_LEAST, _MOST = 1e-9, 1e9
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
# Outputs of a size that is logged before they are made.
_LARGE_BYTES = 10**9


def _within(interval: str):
    return parameter(0, "", within=interval)


@dataclass
class OwnOptions(Parameters):
    """What options that commands document themselves may be, by their names.

    Other numbers overflow, or ask for more than any machine has.
    """

    bundles: Sequence[str] | None = parameter(None, "")
    conditions: Sequence[str] | None = parameter(None, "")
    proportions: Sequence[str] | None = parameter(None, "")
    require: Sequence[str] | None = parameter(None, "")
    background: str = parameter("", "", choices=("white", "black"))
    dtype: str = parameter("", "", choices=("float32", "float16"))
    held_out: float = _within("(0, 1)")
    max_streamlines: int | None = _within("[1, 1e9]")
    minimum_beta: float = _within("[0, 1e9]")
    nb_bootstrap: int = _within("[0, 1e6]")
    nb_deviations: float = _within("(0, 100]")
    nb_pairs: int = _within("[1, 1e7]")
    nb_points: int | None = _within(f"[2, {MOST_POINTS}]")
    nb_steps: int = _within("[1, 1e4]")
    nb_streamlines: int = _within("[1, 1e12]")
    nb_subjects: int = _within("[1, 1e5]")
    nb_trials: int = _within("[0, 1e5]")
    outside_box: str = parameter("", "", choices=BOX_RULES)
    seed: int = _within(f"[0, {LARGEST_SEED}]")
    step: float = _within("[1e-3, 1e9]")
    step_size: float | None = _within("[0.01, 1e9]")
    tolerance_mm: float = _within("[0, 1e9]")
    voxel_size: float | None = _within("[0.1, 100]")


_OWN = OwnOptions.options()


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
        if name in declared or name in _OWN:
            (declared.get(name) or _OWN[name]).check(value, option=True)
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, Real) and not isinstance(one, bool):
                _check_magnitude(name, one)


def _check_magnitude(name: str, value: Real) -> None:
    most = 1e15 if name == "values" else _MOST
    # Compared as it is: a whole number of hundreds of digits has no float.
    if value == 0 or _LEAST <= abs(value) <= most:
        return
    limit = f"from {_LEAST:g} to" if abs(value) < _LEAST else "up to"
    raise ValueError(f"--{name} {briefly(value)}: give a number {limit} {most:.10g}.")


def check_exclusive(given: Mapping[str, object], first: str, second: str) -> None:
    """Raise ValueError where two options that exclude each other are both given."""
    if given[first] is not None and given[second] is not None:
        one, other = (f"--{name} {_typed(given[name])}" for name in (first, second))
        raise ValueError(f"{one} and {other} are both given: leave out one.")


def _typed(value: object) -> str:
    """Return the value of an option as it was typed."""
    return " ".join(map(str, value if isinstance(value, (list, tuple)) else [value]))


def check_needs(
    given: Mapping[str, object], needs: Mapping[str, Sequence[str]]
) -> None:
    """Raise ValueError where an option is given without any of those that it needs."""
    for name, needed in needs.items():
        if given[name] is not None and all(given[one] is None for one in needed):
            raise ValueError(
                f"--{name} is of no use without --{' or --'.join(needed)}: give both, "
                "or leave it out."
            )


def check_int(name: str, value: int, *, low: int = 1, high: int | None = None) -> None:
    """Raise ValueError where an option is no whole number in its range."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        limit = f"of {low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"--{name} {value}: give a whole number {limit}.")


def check_room(folder: str | Path, what: str, nb_bytes: int) -> None:
    """Check that a disk has room for outputs of about `nb_bytes`.

    `what` is the option that asks for them; the folder need not exist yet.
    """
    place = Path(folder or ".").absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if nb_bytes > free:
        raise ValueError(
            f"{what}: some {_size(nb_bytes)} are to be written to {place}, where there "
            f"is room for {_size(free)}: ask for fewer, or give another --out_dir."
        )
    if nb_bytes >= _LARGE_BYTES:
        logger.info("Some %s are going to be written", _size(nb_bytes))


def _size(nb_bytes: int) -> str:
    """Return a number of bytes with a unit."""
    power = min((len(str(nb_bytes)) - 1) // 3, len(_UNITS) - 1)
    number = nb_bytes / 1000**power if nb_bytes < 10**300 else float("inf")
    return f"{number:,.3g} {_UNITS[power]}"
