"""Parameters of a training."""

from __future__ import annotations

from dataclasses import dataclass

from dipy_tractogen.utils.parameters import POSITIVE, Parameters, parameter

from .model import seed


@dataclass
class FitParameters(Parameters):
    """Parameters of a training; see `TrainingOptions`."""

    epochs: float | None = parameter(
        None,
        "Passes over the training streamlines. Without it and without a limit of time, "
        "as many as make 6000 steps.",
        essential=True,
        within="(0, 1e9]",
    )
    max_minutes: float | None = parameter(
        None,
        "Limit of the time for optimisation steps, after loading and compiling.",
        unit="minutes",
        essential=True,
        within="(0, 1e6]",
    )
    batch_size: int | None = parameter(
        None,
        "Streamlines in an optimisation step; by default 128 for conv and 256 for "
        "spectral, which takes up to 4096 with more than 150000 streamlines.",
        within="[1, 1e7]",
    )
    learning_rate: float | None = parameter(
        None,
        "Learning rate of Adam at the start; it falls along a cosine. By default "
        "6.68e-4 for conv and 2e-3 for spectral, up to 8e-3 with a larger batch_size.",
        within="(0, 100]",
    )
    weight_decay: float | None = parameter(
        None,
        "Decay of the weights in each step, as a share of the learning rate; none by "
        "default.",
        within="(0, 100]",
    )
    clip_norm: float = parameter(
        100.0,
        "Largest norm of the gradient of a step; a larger one is scaled down to it.",
        within=POSITIVE,
    )
    patience: float = parameter(
        0.3,
        "Share of the whole training without a better held-out loss that ends it.",
        within="(0, 100]",
    )
    seed: int = seed(
        "Seed of the order of the streamlines and of the density of the latents."
    )
    balanced: bool = parameter(
        False,
        "Meet every bundle as often in the steps, whatever its number of streamlines; "
        "what is generated keeps the proportions of the data.",
    )
