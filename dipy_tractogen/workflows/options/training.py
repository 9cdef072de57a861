"""The options that every training has, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path

from dipy_tractogen.parameters.model import (
    LARGEST_SEED,
    ConvParameters,
    NetworkParameters,
    ReconstructionParameters,
    SpectralParameters,
)
from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.parameters import Parameters, parameter

from .arguments import check_int


@dataclass
class InputOptions(Parameters):
    """The tractograms that a training reads."""

    input_files: Sequence[Path] = parameter(
        MISSING,
        "Tractograms, folders or globs (trk, tck, trx, vtk, vtp, fib, dpy). Files with "
        "the same name in several folders are one bundle. Streamlines that a file "
        "calls unassigned are left out; those of a file of that name are a bundle.",
    )


@dataclass
class TrainingRunOptions(Parameters):
    """What a training has on the command line beside its model and its steps."""

    held_out: float = parameter(
        0.1,
        "Share of every bundle that is not trained on, from 0 to less than 1.",
        essential=True,
        within="[0, 1)",
    )
    seed: int = parameter(
        0,
        "Fixes the split, the weights and the order of the streamlines.",
        essential=True,
        within=f"[0, {LARGEST_SEED}]",
    )
    resume: bool = parameter(
        False,
        "Go on with a training that was broken off, from its last checkpoint; start "
        "one where there is none.",
        essential=True,
    )
    tensorboard: Path | None = parameter(
        None,
        "Folder for event files that TensorBoard shows; none are written by default.",
    )
    out_dir: Path = parameter("", "Output folder.")
    out_model: str = parameter("model.keras", "Model file; its name ends in .keras.")
    out_history: str = parameter(
        "history.csv", "Table of the losses during the training."
    )
    out_held_out: str = parameter(
        "held_out.trx", "Tractogram of the streamlines that were held out."
    )


OF_TRAININGS = (
    *(NetworkParameters, SpectralParameters, ConvParameters, ReconstructionParameters),
    *(FitParameters, TrainingRunOptions),
)
"""Options of every training, beside those of its model and of loading."""


def check_training(given: dict) -> None:
    """Raise ValueError where options of a training do not go together."""
    from dipy_tractogen.utils.files import tractogram_extension

    for name, high in (
        ("nb_coefficients", given["nb_points"]),
        ("latent_dim", 3 * given["nb_points"]),
    ):
        if given[name] is not None:
            check_int(name, given[name], high=high)
    for name, backbone in (("nb_coefficients", "spectral"), ("kernel_size", "conv")):
        if given[name] is not None and given["backbone"] != backbone:
            raise ValueError(
                f"--{name} belongs to the {backbone} backbone: leave it out, or give "
                f"--backbone {backbone}."
            )
    if Path(given["out_model"]).suffix != ".keras":
        raise ValueError(
            f"--out_model {given['out_model']}: give a name ending in .keras."
        )
    if given["held_out"] > 0:
        tractogram_extension(given["out_held_out"])


def backbone_options(given: dict) -> dict:
    """Return the options of the backbone that a training was given."""
    backbones = {"spectral": SpectralParameters, "conv": ConvParameters}
    options = backbones[given["backbone"]].from_options(given)
    return {name: each for name, each in options.items() if each is not None}
