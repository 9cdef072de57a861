"""The options of every training, their checks, and what the commands make of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path

from dipy_tractogen.parameters.model import (
    LARGEST_SEED,
    ConvParameters,
    NetworkParameters,
    ReconstructionParameters,
    SpectralParameters,
)
from dipy_tractogen.parameters.terms import AttributeParameters, LabelParameters
from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.messages import briefly
from dipy_tractogen.utils.parameters import Parameters, parameter

from .arguments import check_int

_LONGEST_SPACE = 200


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
    space: str = parameter(
        "",
        "Name of the space that the streamlines are in, such as MNI152NLin2009cAsym, "
        "for the model's card.",
    )
    card: Path | None = parameter(
        None,
        "TOML file with texts for the model's card, such as licence, citation, "
        "intended_use and limitations; dipy_describe_model lists all, and adds them to "
        "a model that is trained.",
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


@dataclass
class ConditionOptions(Parameters):
    """What is known of streamlines beside their points."""

    categorical: Sequence[str] | None = parameter(
        None,
        "Names of further conditions that are categories, such as diagnosis: columns "
        "of the participants file, or keys of data_per_streamline; subject is the "
        "sub-<label> of the path. Every model knows the bundle.",
        essential=True,
    )
    continuous: Sequence[str] | None = parameter(
        None,
        "Names of further conditions that are numbers, such as age; curvature and "
        "tortuosity are computed. Every model knows the length.",
        essential=True,
    )
    participants: Path | None = parameter(
        None, "Table of the subjects, a participants.tsv as in BIDS.", essential=True
    )


@dataclass
class LabelWeight(Parameters):
    """Weight of the classifier of `LabelRegularizer`, which is 0 for none."""

    label_weight: float = parameter(
        0.0,
        "Weight, at first, of a classifier that reads the bundle from the latents, so "
        "that bundles come to lie apart; it falls to 0.001. 0 for none.",
        within="[0, 1e12]",
    )


@dataclass
class AttributeNames(Parameters):
    """Attributes of `AttributeRegularizer`, in the order of their dimensions."""

    attributes: Sequence[str] | None = parameter(
        None,
        "Continuous conditions that the first latent dimensions are tied to, in this "
        "order, such as length.",
    )


OF_CONDITIONS = (
    *(ConditionOptions, LabelWeight, LabelParameters),
    *(AttributeNames, AttributeParameters),
)
"""Options of conditions and regularisers."""


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
    if len(given["space"]) > _LONGEST_SPACE:
        raise ValueError(
            f"--space {briefly(given['space'])}: give a name of up to {_LONGEST_SPACE} "
            "characters."
        )
    if given["held_out"] > 0:
        tractogram_extension(given["out_held_out"])


def backbone_options(given: dict) -> dict:
    """Return the options of the backbone that a training was given."""
    backbones = {"spectral": SpectralParameters, "conv": ConvParameters}
    options = backbones[given["backbone"]].from_options(given)
    return {name: each for name, each in options.items() if each is not None}


def check_conditions(given: dict) -> None:
    """Raise ValueError where options have no effect, or do not go together."""
    for name in ("categorical", "continuous", "attributes"):
        _check_names(name, given[name] or ())
    if not given["label_weight"]:
        _refuse(given, LabelParameters.options(), "--label_weight above 0")
    if not given["attributes"]:
        _refuse(given, AttributeParameters.options(), "--attributes")
    if given["attribute_form"] != "sign":
        _refuse(given, ("attribute_delta",), "--attribute_form sign")
    if len(given["attributes"] or ()) > given["latent_dim"]:
        raise ValueError(
            f"--attributes {' '.join(given['attributes'])}: there are "
            f"{given['latent_dim']} latent dimensions; name fewer, or give a larger "
            "--latent_dim."
        )


def names_to_load(given: dict, needed: tuple[str, ...]) -> dict[str, list[str]]:
    """Return names of the conditions that are given, and of those that a model needs.

    They are under ``categorical`` and ``continuous``. Raises ValueError where one is
    needed as what it is not, or nothing is taken from a table of participants.
    """
    from dipy_tractogen.streamlines.conditions import BUNDLE, COMPUTED
    from dipy_tractogen.streamlines.values import SUBJECT

    names = {key: list(given[key] or ()) for key in ("categorical", "continuous")}
    labels = given["label_condition"] or (BUNDLE if given["label_weight"] else None)
    for name in needed:
        kind, other = "continuous", {*names["categorical"], BUNDLE, SUBJECT}
        if name == labels:
            kind, other = "categorical", {*names["continuous"], *COMPUTED}
        if name in other:
            is_one, needed_one = ("category", "number")[:: 1 if name != labels else -1]
            raise ValueError(
                f"{name} is a {is_one}, and a {needed_one} is needed: name another."
            )
        if name not in names[kind]:
            names[kind].append(name)
    looked_up = {*names["categorical"], *names["continuous"]}
    if given["participants"] and looked_up <= {BUNDLE, SUBJECT, *COMPUTED}:
        raise ValueError(
            f"--participants {given['participants']}: name the columns that are "
            "conditions, by --categorical or --continuous."
        )
    return names


def make_regularizers(given: dict) -> list:
    """Return the regularisers that are asked for: none, one or two."""
    from dipy_tractogen.nn import AttributeRegularizer, LabelRegularizer

    made = []
    if given["label_weight"]:
        options = LabelParameters.from_options(given)
        made.append(LabelRegularizer(given["label_weight"], **options))
    if given["attributes"]:
        places = {name: place for place, name in enumerate(given["attributes"])}
        options = AttributeParameters.from_options(given)
        made.append(AttributeRegularizer(places, **options))
    return made


def _check_names(option: str, names: Sequence[str]) -> None:
    if "" in names:
        raise ValueError(f"--{option}: give one or more names, or leave it out.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"--{option}: {twice[0]} is given twice; give each once.")


def _refuse(given: dict, names: Iterable[str], owner: str) -> None:
    """Refuse options that have no effect without another."""
    for name in names:
        if given[name] is not None:
            raise ValueError(
                f"--{name} {given[name]} goes with {owner}: leave it out, or give that."
            )
