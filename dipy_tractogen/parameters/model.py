"""Parameters that all models have, and those of the backbones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING

from dipy_tractogen.streamlines.point_data.profile import check_profile_names
from dipy_tractogen.utils.parameters import (
    LARGEST_SEED,
    POSITIVE,
    Parameters,
    parameter,
)

if TYPE_CHECKING:
    from dipy_tractogen.streamlines.conditions import Conditions

MOST_POINTS = 10_000
"""Points of a streamline that a model may have."""

MOST_LATENTS = 1_000
"""Dimensions of a latent space, of which a density is fitted."""


def _nb_points(default: object):
    prose = "Points that a streamline is resampled to; for conv a multiple of 32."
    return parameter(default, prose, essential=True, within=f"[2, {MOST_POINTS}]")


def _latent_dim(default: object):
    prose = "Dimensions of the latent space, at most three a point."
    return parameter(default, prose, essential=True, within=f"[1, {MOST_LATENTS}]")


def seed(prose: str):
    """Declare a seed."""
    return parameter(0, prose, option=None, within=f"[0, {LARGEST_SEED}]")


@dataclass
class Sizes(Parameters):
    """Sizes of a model, which have no defaults of all models."""

    nb_points: int = _nb_points(MISSING)
    latent_dim: int = _latent_dim(MISSING)


@dataclass
class VAESizes(Sizes):
    """Sizes of a variational autoencoder."""

    nb_points: int = _nb_points(256)
    latent_dim: int = _latent_dim(16)


@dataclass
class AESizes(Sizes):
    """Sizes of an autoencoder, adversarial or not."""

    nb_points: int = _nb_points(256)
    latent_dim: int = _latent_dim(32)


@dataclass(kw_only=True)
class ReconstructionParameters(Parameters):
    """Parameters of the error of the reconstruction."""

    sigma_mm: float = parameter(
        1.0,
        "Point error that is accepted.",
        unit="mm",
        essential=True,
        within="[1e-3, 1e7]",
    )
    reduction: str = parameter(
        "effective",
        "How many independent points a streamline counts as in the likelihood: "
        "effective (8), sum (all) or mean (1).",
        choices=("effective", "sum", "mean"),
    )
    reconstruction: str = parameter(
        "squared",
        "How the distance of a point grows into its error: squared, absolute, or huber "
        "(squared up to huber_mm, absolute beyond).",
        choices=("squared", "absolute", "huber"),
    )
    huber_mm: float | None = parameter(
        None,
        "Where huber turns from squared to absolute.",
        unit="mm",
        by_default="sigma_mm",
        within="[1e-3, 1e7]",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.huber_mm is not None and self.reconstruction != "huber":
            raise ValueError(
                f"huber_mm={self.huber_mm} belongs to reconstruction='huber', which is "
                f"{self.reconstruction!r}: leave it out, or change that."
            )


@dataclass(kw_only=True)
class NetworkParameters(Parameters):
    """Parameters of a network that are no sizes of its latent space."""

    backbone: str = parameter(
        "spectral",
        "Network between a streamline and its latents: spectral (dense layers on "
        "cosine coefficients, fast) or conv (the published convolutions on the "
        "points).",
        choices=("spectral", "conv"),
        essential=True,
    )
    backbone_options: dict | None = parameter(
        None, "Further arguments of SpectralBackbone or ConvBackbone.", option=None
    )
    regularizers: Sequence = parameter(
        (),
        "Further terms of the loss, such as LabelRegularizer, AttributeRegularizer.",
        option=None,
    )
    conditions: Conditions | None = parameter(
        None,
        "What is known of the streamlines beside their points; by default the training "
        "finds it.",
        option=None,
    )
    seed: int = seed("Seed of the weights and of the latents drawn in training.")
    profiles: Sequence[str] = parameter(
        (),
        "Values along the streamlines, such as FA, that are learnt together with the "
        "shape: names in data_per_point.",
        option="values",
        unset=True,
        essential=True,
    )
    profile_sigmas: Sequence[float] | None = parameter(
        None,
        "Errors of those values that are accepted, each in the unit of its value; by "
        "default a quarter of the deviation over the training points.",
        option="value_sigmas",
        least_items=1,
        within=POSITIVE,
    )

    def __post_init__(self):
        super().__post_init__()
        self.profiles = check_profile_names(self.profiles)
        if self.profile_sigmas is None:
            return
        self.profile_sigmas = tuple(map(float, self.profile_sigmas))
        if len(self.profile_sigmas) != len(self.profiles):
            raise ValueError(
                f"{len(self.profile_sigmas)} accepted errors are given for "
                f"{len(self.profiles)} values along the streamlines: give one for each."
            )


OF_MODELS = (ReconstructionParameters, NetworkParameters)
"""Parameters of every model beside its sizes."""

_NORMALISED = parameter(
    False, "Normalise every hidden layer of the encoder over the batch."
)


@dataclass
class SpectralParameters(Parameters):
    """Parameters of the spectral backbone."""

    nb_coefficients: int | None = parameter(
        None,
        "Cosine coefficients that the spectral backbone keeps of each axis; by default "
        "24, or nb_points where those are fewer.",
        within=f"[1, {MOST_POINTS}]",
    )
    hidden_units: Sequence[int] = parameter(
        (512, 512),
        "Units of the encoder's dense layers; the decoder has them in reverse.",
        least_items=1,
        option=None,
        within="[1, 65536]",
    )
    activation: str = parameter(
        "silu", "Activation of the hidden layers, as Keras names it.", option=None
    )
    batch_normalisation: bool = _NORMALISED


@dataclass
class ConvParameters(Parameters):
    """Parameters of the convolutional backbone."""

    filters: Sequence[int] = parameter(
        (32, 64, 128, 256, 512, 1024),
        "Channels of the encoder's convolutions, all but the last of which halve the "
        "points; the decoder has them in reverse.",
        least_items=1,
        option=None,
        within="[1, 65536]",
    )
    kernel_size: int = parameter(
        3,
        "Taps of the convolutions of the conv backbone, an odd number.",
        unset=True,
        within=f"[1, {MOST_POINTS}]",
    )
    batch_normalisation: bool = _NORMALISED
