"""Parameters that a search may vary, and their ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import math

DEFAULT_BETAS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""From no divergence at all to one that collapses the posterior."""


@dataclass(frozen=True)
class SearchRange:
    """Kind and range of a parameter; with ``log`` ratios count, not differences."""

    whole: bool
    log: bool
    smallest: float
    largest: float


PARAMETERS = {
    "latent_dim": SearchRange(whole=True, log=True, smallest=1, largest=1_000),
    "nb_coefficients": SearchRange(whole=True, log=False, smallest=1, largest=10_000),
    "sigma_mm": SearchRange(whole=False, log=True, smallest=1e-3, largest=1e7),
    "learning_rate": SearchRange(whole=False, log=True, smallest=1e-9, largest=100),
    "free_bits": SearchRange(whole=False, log=False, smallest=0, largest=1e6),
}
"""Parameters that can be searched beside beta."""


def check_betas(betas: Iterable[float], minimum_beta: float = 0.0) -> list[float]:
    """Return the values of beta from `minimum_beta` on, ascending.

    Raises ValueError if a value is negative, not finite or given twice, or none is
    left.
    """
    betas = sorted(float(beta) for beta in betas)
    bad = [beta for beta in betas if not (math.isfinite(beta) and beta >= 0)]
    if bad:
        raise ValueError(f"--betas {bad[0]:g}: give numbers of at least 0.")
    if len(set(betas)) < len(betas):
        raise ValueError("--betas holds a number twice: give each once.")
    kept = [beta for beta in betas if beta >= minimum_beta]
    if not kept:
        raise ValueError(
            f"--betas holds none of at least {minimum_beta:g}, the --minimum_beta: "
            "give a larger one."
        )
    return kept


def parse_ranges(texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Read ranges such as ``latent_dim=8:32`` into lowest and highest value by name.

    Raises ValueError if a text cannot be read, a name is unknown or given twice, or a
    range is empty or beyond the limits of the parameter.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, low, high = _parse_range(text)
        if name in ranges:
            raise ValueError(f"--search names {name} twice: give one range.")
        ranges[name] = (low, high)
    return ranges


def _parse_range(text: str) -> tuple[str, float, float]:
    name, _, limits = text.partition("=")
    if name not in PARAMETERS:
        raise ValueError(f"--search {text}: accepted are {', '.join(PARAMETERS)}.")
    kind = PARAMETERS[name]
    try:
        low, high = (
            int(limit) if kind.whole else float(limit) for limit in limits.split(":")
        )
    except ValueError as error:
        number = "whole numbers" if kind.whole else "numbers"
        raise ValueError(f"--search {text}: give {name}=LOW:HIGH, {number}.") from error
    if not kind.smallest <= low < high <= kind.largest:
        raise ValueError(
            f"--search {text}: give a lower and a higher value, from "
            f"{kind.smallest:g} to {kind.largest:g}."
        )
    return name, low, high


def suggest(trial, betas: Sequence[float], ranges: dict) -> dict[str, float]:
    """Let a trial of Optuna choose its values, ``beta`` first."""
    chosen = {"beta": trial.suggest_categorical("beta", list(betas))}
    for name, (low, high) in ranges.items():
        kind = PARAMETERS[name]
        draw = trial.suggest_int if kind.whole else trial.suggest_float
        chosen[name] = draw(name, low, high, log=kind.log)
    return chosen
