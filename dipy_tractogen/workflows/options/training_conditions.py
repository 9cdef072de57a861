"""The conditions and regularisers of a training: parameters, and what they become."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dipy_tractogen.parameters.terms import AttributeParameters, LabelParameters
from dipy_tractogen.utils.parameters import Parameters, parameter


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
