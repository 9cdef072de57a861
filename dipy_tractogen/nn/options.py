"""Options of a training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

from .checks import check_number


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
    batch_size : int or None
        Streamlines in a step; None for that of the backbone.
    learning_rate : float or None
        Of Adam at the start; it falls to a hundredth along a cosine. None for that of
        the backbone.
    weight_decay : float or None
        Share of the learning rate by which weights shrink in a step, apart from their
        gradients; None for none.
    clip_norm : float
        Largest norm of the gradient of a step.
    patience : float
        Share of the whole training without a better held-out loss that ends it.
    seed : int
        Seed of the order of the streamlines and of the density of the latents.
    balanced : bool
        Whether every bundle is met as often in the steps, whatever its number of
        streamlines. What is generated keeps the proportions of the data.
    """

    epochs: float | None = None
    max_minutes: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    clip_norm: float = 100.0
    patience: float = 0.3
    seed: int = 0
    balanced: bool = False

    def __post_init__(self):
        if self.batch_size is not None:
            _check_whole("batch_size", self.batch_size, 1)
        _check_whole("seed", self.seed, 0, 2**32 - 1)
        for name in ("clip_norm", "patience"):
            check_number(name, getattr(self, name), above_zero=True)
        for name in ("epochs", "max_minutes", "learning_rate", "weight_decay"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above_zero=True)

    def for_backbone(self, backbone) -> TrainingOptions:
        """Fill in what the backbone decides.

        Parameters
        ----------
        backbone : SpectralBackbone or ConvBackbone
            The network that is trained.

        Returns
        -------
        TrainingOptions
            Options with a batch size and a learning rate.
        """
        return replace(
            self,
            batch_size=self.batch_size or backbone.batch_size,
            learning_rate=self.learning_rate or backbone.learning_rate,
        )


def _check_whole(name: str, value, low: int, high: int | None = None) -> None:
    whole = isinstance(value, Integral) and value >= low
    if not whole or (high is not None and value > high):
        limit = f"of {low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}={value}: give a whole number {limit}.")
