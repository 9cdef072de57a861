"""Options of a training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .checks import LARGEST_SEED, check_number, check_whole

MOST_IN_A_STEP = 10**7
"""Streamlines in a step."""

MOST = {
    "epochs": 1e9,
    "max_minutes": 1e6,
    "learning_rate": 100.0,
    "weight_decay": 100.0,
    "clip_norm": 1e12,
    "patience": 100.0,
}
"""Largest numbers of other options, by name."""


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
            check_whole("batch_size", self.batch_size, 1, MOST_IN_A_STEP)
        check_whole("seed", self.seed, 0, LARGEST_SEED)
        for name, high in MOST.items():
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, above_zero=True, high=high)

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
