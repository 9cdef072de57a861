"""Parameters that a search may vary, and their ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import math

from dipy_tractogen.parameters.model import (
    ReconstructionParameters,
    SpectralParameters,
    VAESizes,
)
from dipy_tractogen.parameters.terms import KLParameters
from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.parameters import SMALLEST

DEFAULT_BETAS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""From no divergence at all to one that collapses the posterior."""


_ORIGINS = {
    "latent_dim": VAESizes,
    "nb_coefficients": SpectralParameters,
    "sigma_mm": ReconstructionParameters,
    "learning_rate": FitParameters,
    "free_bits": KLParameters,
}
PARAMETERS = {name: origin.declared()[name] for name, origin in _ORIGINS.items()}
"""Parameters that can be searched beside beta."""

# Of these ratios count, not differences.
_BY_RATIO = {"latent_dim", "sigma_mm", "learning_rate"}
# Largest values, for each point of a streamline.
_PER_POINT = {"latent_dim": 3, "nb_coefficients": 1}


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


def parse_ranges(
    texts: Sequence[str], nb_points: int | None = None
) -> dict[str, tuple[float, float]]:
    """Read ranges such as ``latent_dim=8:32`` into lowest and highest value by name.

    Raises ValueError if a text cannot be read, a name is unknown or given twice, or a
    range is empty or beyond the limits of the parameter, for `nb_points` if given.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, low, high = _parse_range(text, nb_points)
        if name in ranges:
            raise ValueError(f"--search names {name} twice: give one range.")
        ranges[name] = (low, high)
    return ranges


def _parse_range(text: str, nb_points: int | None) -> tuple[str, float, float]:
    name, _, limits = text.partition("=")
    if name not in PARAMETERS:
        raise ValueError(f"--search {text}: accepted are {', '.join(PARAMETERS)}.")
    whole = PARAMETERS[name].kind == "int"
    try:
        low, high = map(int if whole else float, limits.split(":"))
    except ValueError as error:
        number = "whole numbers" if whole else "numbers"
        raise ValueError(f"--search {text}: give {name}=LOW:HIGH, {number}.") from error
    smallest, largest = PARAMETERS[name].limits
    if name in _BY_RATIO:
        smallest = max(smallest, SMALLEST)
    if nb_points and name in _PER_POINT:
        largest = _PER_POINT[name] * nb_points
    if not smallest <= low < high <= largest:
        raise ValueError(
            f"--search {text}: give a lower and a higher value, from "
            f"{smallest:g} to {largest:g}."
        )
    return name, low, high


def search_space(
    betas: Iterable[float] = DEFAULT_BETAS,
    minimum_beta: float = 0.0,
    search: Sequence[str] = (),
    nb_trials: int = 0,
    *,
    nb_points: int,
    latent_dim: int,
) -> dict:
    """Return ``betas``, ``ranges`` and ``nb_trials`` of a `BetaStudy`.

    Arguments are those of `sweep_beta`. Raises ValueError if one is not accepted.
    """
    most = _PER_POINT["latent_dim"] * nb_points
    if not 1 <= latent_dim <= most:
        raise ValueError(
            f"latent_dim={latent_dim}: give a whole number from 1 to {most}."
        )
    betas = check_betas(betas, minimum_beta)
    ranges = parse_ranges(search, nb_points)
    if nb_trials and not ranges:
        raise ValueError(
            "--nb_trials goes with --search: betas alone are tried once each."
        )
    nb_trials = nb_trials or (4 * len(betas) if ranges else len(betas))
    return {"betas": betas, "ranges": ranges, "nb_trials": nb_trials}


def suggest(trial, betas: Sequence[float], ranges: dict) -> dict[str, float]:
    """Let a trial of Optuna choose its values, ``beta`` first."""
    chosen = {"beta": trial.suggest_categorical("beta", list(betas))}
    for name, (low, high) in ranges.items():
        whole = PARAMETERS[name].kind == "int"
        draw = trial.suggest_int if whole else trial.suggest_float
        chosen[name] = draw(name, low, high, log=name in _BY_RATIO)
    return chosen
