"""Norms of the subjects of a model, and scores of a subject against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
import logging

import numpy as np

from dipy_tractogen.norms.norms import FEWEST_SUBJECTS, Key, learn_norms
from dipy_tractogen.norms.scoring import Score, outside, score
from dipy_tractogen.norms.summary import (
    FEWEST_STREAMLINES,
    NB_NODES,
    PROFILE,
    Summary,
    summarise,
)
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.orientation import (
    odd_coefficients,
    reverse,
    reverse_streamlines,
    stored_reversed,
)
from dipy_tractogen.streamlines.point_data.maps import maps_of_images
from dipy_tractogen.streamlines.point_data.values import resample_point_data
from dipy_tractogen.utils.messages import format_count, listed

from ..encoding import conditions_to_load

logger = logging.getLogger("dipy_tractogen")

_NB_ORIENTED = 64


@dataclass
class Subject:
    """A subject to learn from, or to score.

    Attributes
    ----------
    bundles : BundleSet
        Its streamlines, with ``data_per_point`` for profiles.
    conditions : dict of str to str or float
        What is known of it, by name.
    name : str
        Shown in messages.
    """

    bundles: BundleSet
    conditions: dict[str, str | float] = field(default_factory=dict)
    name: str = "the subject"


def read_conditions(model) -> list[str]:
    """Return the conditions of subjects that the networks of a model read."""
    if not model.conditions_in_networks:
        return []
    names = conditions_to_load(model.conditions)
    return [*names["categorical"], *names["continuous"]]


def fit_norms(
    model,
    subjects: Iterable[Subject],
    conditions: Sequence[str] = (),
    *,
    values: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
    reference_group: Mapping[str, str] | None = None,
) -> None:
    """Learn what is usual among subjects, and keep it in the record of a model.

    Norms are of the bundles of the model: the mean profile of each value, the shape,
    and the mean of the latents, given the conditions of a subject. Subjects are the
    sample; see `NormativeModel`.

    Parameters
    ----------
    model : StreamlineModel
        A trained model.
    subjects : iterable of Subject
        The subjects, each taken once; 20 or more for norms that can be relied on.
    conditions : sequence of str, optional
        Names of what tells subjects apart, such as age and sex; each subject has all.
    values : sequence of str, optional
        Names of ``data_per_point`` of which there are to be profiles.
    units : mapping of str to str, optional
        Units of conditions.
    reference_group : mapping of str to str, optional
        What the subjects have in common, to be said with scores.

    Raises
    ------
    ValueError
        If a subject lacks a value, or nothing can be learned: with one subject, say.
    """
    known, summaries = [], []
    for subject in subjects:
        found, said = summarise_subject(model, subject, values)
        for text in said:
            logger.warning("%s: %s", subject.name, text)
        known.append([_condition(subject, name) for name in conditions])
        summaries.append(found)
    columns = {
        name: np.array([row[i] for row in known]) for i, name in enumerate(conditions)
    }
    _check_number(len(summaries), columns)
    norms, left_out = learn_norms(
        columns, summaries, units=units, reference_group=dict(reference_group or {})
    )
    for reason in dict.fromkeys(left_out.values()):
        names = [_described(key) for key, why in left_out.items() if why == reason]
        logger.warning("There are no norms of %s: %s", listed(names), reason)
    model.record.norms = norms


def score_subject(model, subject: Subject) -> tuple[dict[Key, Score], list[str]]:
    """Score a subject against the norms of a model.

    Parameters
    ----------
    model : StreamlineModel
        A model with norms, from `fit_norms`.
    subject : Subject
        The subject, with the conditions of the norms.

    Returns
    -------
    scores : dict of Key to Score
        By bundle, kind and name of the value.
    said : list of str
        What is not scored, and why, and what is to be known of the scores.

    Raises
    ------
    ValueError
        If the model has no norms, the subject lacks a condition or a value, a number is
        far out of the range of the training subjects, or nothing of the subject can be
        scored.
    """
    norms = model.record.norms
    if norms is None:
        raise ValueError("the model has no norms: learn some by dipy_fit_norms.")
    for name in norms.design.conditions.names:
        _condition(subject, name)
    said = outside(norms, subject.conditions)
    if norms.nb_subjects < FEWEST_SUBJECTS:
        said.append(few_subjects(norms.nb_subjects))
    own = {"bundle_names": norms.bundles, "owner": "the norms have"}
    summaries, lacking = summarise_subject(model, subject, norms.values, **own)
    scores = score(norms, subject.conditions, summaries)
    if not scores:
        raise ValueError(
            f"{subject.name} has no bundle of the norms with {FEWEST_STREAMLINES} "
            f"streamlines; they are of {listed(norms.bundles)}."
        )
    return scores, [*said, *lacking]


def few_subjects(nb_subjects: int) -> str:
    """Return what is said of norms of few subjects."""
    return (
        f"The norms are of {format_count(nb_subjects, 'subject')}: with fewer than "
        f"{FEWEST_SUBJECTS}, what is usual is hardly known"
    )


def summarise_subject(
    model,
    subject: Subject,
    values: Sequence[str],
    *,
    bundle_names: Sequence[str] | None = None,
    owner: str = "the model has",
) -> tuple[dict[Key, Summary], list[str]]:
    """Return what norms need to know of each bundle of a subject, and what is lacking.

    Streamlines are taken in the direction of the bundle of the model. Bundles of fewer
    than five streamlines are left out, and others than `bundle_names`, by default those
    of the model; `owner` says in messages whose bundles they are.
    """
    bundles, found = subject.bundles, {}
    missing = [name for name in values if name not in bundles.data_per_point]
    if missing:
        raise ValueError(
            f"{subject.name} has no values of {listed(missing)} at its points: give "
            f"tractograms that have them, or images ({maps_of_images(missing)})."
        )
    known = model.record.bundle_names
    names = known if bundle_names is None else bundle_names
    kept, said = _with_enough(bundles.counts(), names, owner)
    if not kept:
        return found, said
    codes = [bundles.bundle_names.index(name) for name in kept]
    bundles = bundles.select(np.isin(bundles.labels, codes))
    given = {
        one: np.full(len(bundles), _condition(subject, one))
        for one in read_conditions(model)
    }
    latents = model.encode(bundles, given)
    for name, code in zip(kept, codes):
        rows = bundles.labels == code
        direction = np.array(model.record.directions)[[known.index(name)]]
        streamlines, profiles = _oriented(bundles.select(rows), direction, values)
        own = summarise(streamlines, profiles, latents[rows])
        found |= {(name, *key): each for key, each in own.items()}
        said += _lacking(name, own, values)
    return found, said


def _with_enough(
    counts: Mapping[str, int], names: Sequence[str], owner: str
) -> tuple[list[str], list[str]]:
    """Return which of some bundles have enough streamlines, and what is left out."""
    said = []
    few = [name for name in names if counts.get(name, 0) < FEWEST_STREAMLINES]
    if few:
        said.append(
            f"{listed(f'{name} ({counts.get(name, 0)})' for name in few)} left out: "
            f"fewer than {FEWEST_STREAMLINES} streamlines"
        )
    others = [name for name in counts if counts[name] and name not in names]
    if others:
        said.append(f"{listed(others)} left out: {owner} no such bundle")
    return [name for name in names if name not in few], said


def _oriented(bundle: BundleSet, direction: np.ndarray, values) -> tuple:
    """Return streamlines and profiles by name, in the direction of a bundle."""
    odd = odd_coefficients(resample(bundle.streamlines, _NB_ORIENTED))
    turned = stored_reversed(odd, np.zeros(len(bundle), dtype=int), direction)
    data = {value: bundle.data_per_point[value] for value in values}
    profiles = {}
    for value, each in resample_point_data(data, bundle.streamlines, NB_NODES).items():
        profiles[value] = reverse(each.reshape(len(bundle), NB_NODES), turned)
    return reverse_streamlines(bundle.streamlines, turned), profiles


def _lacking(name: str, found: Mapping, values: Sequence[str]) -> list[str]:
    """Return what is said of values that are missing in a bundle."""
    said = []
    for one in values:
        if (PROFILE, one) not in found:
            said.append(f"{name}: {one} is missing at too many points to be scored")
            continue
        count = int(np.isnan(found[PROFILE, one].mean).sum())
        if count:
            said.append(f"{name}: {one} is missing at {count} of {NB_NODES} nodes")
    return said


def _condition(subject: Subject, name: str) -> str | float:
    """Return a condition of a subject; ValueError if it is not known."""
    if subject.conditions.get(name) is None:
        raise ValueError(
            f"{subject.name} has no {name}: give it in --conditions or --participants."
        )
    return subject.conditions[name]


def _check_number(nb_subjects: int, columns: Mapping) -> None:
    """Raise ValueError for one subject, and warn of few."""
    if nb_subjects < 2:
        raise ValueError(
            f"{format_count(nb_subjects, 'subject')}: norms need several, as what is "
            f"usual is how subjects differ: give {FEWEST_SUBJECTS} or more, of all "
            "ages that are to be scored."
        )
    if nb_subjects < FEWEST_SUBJECTS:
        logger.warning("%s", few_subjects(nb_subjects))


def _described(key: Key) -> str:
    bundle, kind, name = key
    return f"{name or kind} of {bundle}"
