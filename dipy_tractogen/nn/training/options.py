"""Options of a training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from ..checks import LARGEST_SEED, check_number, check_whole

MOST_IN_A_STEP = 10**7
"""Streamlines in a step."""

DEFAULT_STEPS = 6000
"""Steps of a training without a limit; a batch is not so large that fewer are made."""

# Passes over the data beyond which more of them do not make the batch larger.
_MOST_PASSES = 20

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
        Streamlines in a step; None for that of the backbone, or more where there are
        more than 150,000 streamlines; see `for_backbone`.
    learning_rate : float or None
        Of Adam at the start; it falls to a hundredth along a cosine. None for that of
        the backbone, or more with a larger batch.
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

    def for_backbone(self, backbone, nb_streamlines: int) -> TrainingOptions:
        """Return the options with a batch size and a learning rate.

        Those that are not given depend on the backbone, the other options and the
        number of streamlines, not on the machine. The batch is the backbone's own,
        doubled as long as `DEFAULT_STEPS` are left to the training: to twenty passes
        over the data or to `epochs` where those are fewer, and to what two cores see
        of them in `max_minutes`. The learning rate grows with the square root of the
        batch, up to that of the largest.

        Parameters
        ----------
        backbone : SpectralBackbone or ConvBackbone
            The network that is trained.
        nb_streamlines : int
            Training streamlines; 0 leaves both as the backbone has them.

        Returns
        -------
        TrainingOptions
            Complete options.
        """
        smallest, largest = backbone.batch_size, backbone.largest_batch_size
        batch_size = self.batch_size or self._batch_size(backbone, nb_streamlines)
        # A batch has no more streamlines than there are.
        counted = min(max(min(batch_size, nb_streamlines), smallest), largest)
        rate = self.learning_rate or backbone.learning_rate * sqrt(counted / smallest)
        return replace(self, batch_size=batch_size, learning_rate=rate)

    def _batch_size(self, backbone, nb_streamlines: int) -> int:
        seen = min(self.epochs or _MOST_PASSES, _MOST_PASSES) * nb_streamlines
        if self.max_minutes is not None:
            seen = min(seen, 60 * self.max_minutes * backbone.streamlines_per_s)
        size = backbone.batch_size
        while size < backbone.largest_batch_size and seen >= 2 * size * DEFAULT_STEPS:
            size *= 2
        return size
