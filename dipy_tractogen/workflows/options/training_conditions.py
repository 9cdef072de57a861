"""The conditions and regularisers of a training: parameters, and what they become."""

from __future__ import annotations

from .arguments import check_choice, check_number

_OF_LABELS = ("label_schedule", "label_length", "label_condition")
_OF_ATTRIBUTES = ("attribute_weight", "attribute_form", "attribute_delta")


def condition_parameters(categorical=None, continuous=None, participants=None):
    """Name the parameters that say what is known of streamlines.

    Parameters
    ----------
    categorical : variable string, optional
        Names of further conditions that are categories, such as diagnosis: columns
        of the participants file, or keys of data_per_streamline; subject is the
        sub-<label> of the path. Every model knows the bundle.
    continuous : variable string, optional
        Names of further conditions that are numbers, such as age; curvature and
        tortuosity are computed. Every model knows the length.
    participants : string or Path, optional
        Table of the subjects, a participants.tsv as in BIDS.
    """


def regularizer_parameters(
    label_weight=0.0,
    label_schedule=None,
    label_length=None,
    label_condition=None,
    attributes=None,
    attribute_weight=None,
    attribute_form=None,
    attribute_delta=None,
):
    """Name the parameters of the regularisers.

    Parameters
    ----------
    label_weight : float, optional
        Weight, at first, of a classifier that reads the bundle from the latents, so
        that bundles come to lie apart; it falls to 0.001. 0 for none.
    label_schedule : string, optional
        How that weight falls: sigmoid (the default) or cosine.
    label_length : float, optional
        Share of the training after which a sigmoid is half way down, a cosine at its
        end; by default 0.5.
    label_condition : string, optional
        Categorical condition that the classifier reads; by default bundle.
    attributes : variable string, optional
        Continuous conditions that the first latent dimensions are tied to, in this
        order, such as length.
    attribute_weight : float, optional
        Weight of the term that ties them; by default 100.
    attribute_form : string, optional
        What the dimensions have of the attributes: sign (the order) or difference
        (the distances, the default).
    attribute_delta : float, optional
        Steepness of sign; by default 1.
    """


def check_conditions(given: dict, latent_dim: int) -> None:
    """Refuse what cannot be, or would have no effect, before any work.

    Parameters
    ----------
    given : dict
        Values of `condition_parameters` and `regularizer_parameters`.
    latent_dim : int
        Dimensions of the latent space.

    Raises
    ------
    ValueError
        If a value is out of its range, or two do not go together.
    """
    for name in ("categorical", "continuous", "attributes"):
        _check_names(name, given[name])
    check_number("label_weight", given["label_weight"], low=0)
    if not given["label_weight"]:
        _refuse(given, _OF_LABELS, "--label_weight above 0")
    if not given["attributes"]:
        _refuse(given, _OF_ATTRIBUTES, "--attributes")
    for name in ("label_length", "attribute_weight", "attribute_delta"):
        if given[name] is not None:
            check_number(name, given[name], low=0, open_low=True)
    choices = {
        "label_schedule": ("sigmoid", "cosine"),
        "attribute_form": ("sign", "difference"),
    }
    for name, accepted in choices.items():
        if given[name] is not None:
            check_choice(name, given[name], accepted)
    if given["attribute_form"] != "sign":
        _refuse(given, ("attribute_delta",), "--attribute_form sign")
    if len(given["attributes"] or ()) > latent_dim:
        raise ValueError(
            f"--attributes {' '.join(given['attributes'])}: there are "
            f"{latent_dim} latent dimensions; name fewer, or give a larger "
            "--latent_dim."
        )


def names_to_load(given: dict, needed: tuple[str, ...]) -> dict[str, list[str]]:
    """Find the conditions of a training, asked for or needed by its model.

    Parameters
    ----------
    given : dict
        Values of `condition_parameters` and `regularizer_parameters`.
    needed : tuple of str
        Conditions that the model cannot do without.

    Returns
    -------
    dict of str to list of str
        Names under ``categorical`` and ``continuous``.

    Raises
    ------
    ValueError
        If one is needed as what it is not, or nothing is taken from a table of
        participants.
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
    """Make the regularisers that are asked for.

    Parameters
    ----------
    given : dict
        Values of `regularizer_parameters`.

    Returns
    -------
    list of Regularizer
        None, one or two; what is not given has the default of its class.
    """
    from dipy_tractogen.nn import AttributeRegularizer, LabelRegularizer

    made = []
    if given["label_weight"]:
        made.append(
            LabelRegularizer(given["label_weight"], **_given(given, _OF_LABELS))
        )
    if given["attributes"]:
        places = {name: place for place, name in enumerate(given["attributes"])}
        made.append(AttributeRegularizer(places, **_given(given, _OF_ATTRIBUTES)))
    return made


def _given(given: dict, names: tuple[str, ...]) -> dict:
    """Take what is not left to its default, without the prefix of the names."""
    return {
        name.split("_", 1)[1]: given[name] for name in names if given[name] is not None
    }


def _check_names(option: str, names: list[str] | None) -> None:
    if names is None:
        return
    if not names or "" in names:
        raise ValueError(f"--{option}: give one or more names, or leave it out.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"--{option}: {twice[0]} is given twice; give each once.")


def _refuse(given: dict, names: tuple[str, ...], owner: str) -> None:
    """Refuse options that have no effect without another."""
    for name in names:
        if given[name] is not None:
            raise ValueError(
                f"--{name} {given[name]} goes with {owner}: leave it out, or give that."
            )
