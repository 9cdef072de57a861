"""Options of a training."""

from __future__ import annotations

from dataclasses import dataclass
import math
from numbers import Integral


@dataclass
class TrainingOptions:
    """Options of a training.

    Attributes
    ----------
    epochs : float or None
        Passes over the training streamlines; None for as many as make 6,000 steps
        where there is no limit of time, or as many as fit into it.
    max_minutes : float or None
        Limit of the time spent in optimisation steps, after loading and compiling.
    batch_size : int
        Streamlines in a step.
    learning_rate : float
        Of Adam at the start; it falls to a hundredth along a cosine.
    clip_norm : float
        Largest norm of the gradient of a step.
    patience : float
        Share of the whole training without a better held-out loss that ends it.
    seed : int
        Seed of the order of the streamlines and of the density of the latents.
    """

    epochs: float | None = None
    max_minutes: float | None = None
    batch_size: int = 256
    learning_rate: float = 2e-3
    clip_norm: float = 100.0
    patience: float = 0.3
    seed: int = 0

    def __post_init__(self):
        for name, low, high in (("batch_size", 1, None), ("seed", 0, 2**32 - 1)):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and value >= low
            if not whole or (high is not None and value > high):
                limit = f"of {low} or more" if high is None else f"from {low} to {high}"
                raise ValueError(f"{name}={value}: give a whole number {limit}.")
        for name in ("learning_rate", "clip_norm", "patience"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}={value}: give a number above 0.")
        for name in ("epochs", "max_minutes"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}={value}: give a number above 0, or None.")
