"""Norms of the bundles of subjects, as a model's file has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dipy_tractogen.utils.messages import format_count

from .design import Design
from .normative import NormativeModel
from .summary import FEWEST_STREAMLINES, PROFILE, Summary

FEWEST_SUBJECTS = 20
"""Subjects of fewer of which norms warn."""
NB_COMPONENTS = 16
"""Components of a profile."""

Key = tuple[str, str, str]
"""Bundle, one of `summary.KINDS`, and the name of the value of a profile."""


@dataclass
class Norms:
    """What is usual among the subjects of a reference group.

    Attributes
    ----------
    design : Design
        Conditions that tell subjects apart, with their ranges.
    models : dict of Key to NormativeModel
        What is usual of the profiles, the shape and the mean latents of each bundle.
    units : dict of str to str
        Units of the values of profiles, where they are known.
    reference_group : dict of str to str
        Category of the subjects that norms were learned from, by the name of the
        condition; empty for all subjects.
    nb_subjects : int
        Number of these subjects.
    """

    design: Design
    models: dict[Key, NormativeModel]
    units: dict[str, str] = field(default_factory=dict)
    reference_group: dict[str, str] = field(default_factory=dict)
    nb_subjects: int = 0

    @property
    def values(self) -> list[str]:
        """Names of the values of profiles."""
        names = (name for _, kind, name in self.models if kind == PROFILE)
        return list(dict.fromkeys(names))

    @property
    def bundles(self) -> list[str]:
        """Names of the bundles."""
        return list(dict.fromkeys(bundle for bundle, _, _ in self.models))

    def describe(self) -> str:
        """Return in a line whose norms these are."""
        group = ", ".join(
            f"{name} {each}" for name, each in self.reference_group.items()
        )
        conditions = ", ".join(self.design.conditions.names) or "no condition"
        return (
            f"norms of {format_count(self.nb_subjects, 'subject')} of "
            f"{group or 'all groups'}, by {conditions}"
        )


def learn_norms(
    conditions: Mapping[str, np.ndarray],
    summaries: Sequence[Mapping[tuple[str, str, str], Summary]],
    *,
    units: Mapping[str, str] | None = None,
    **described,
) -> tuple[Norms, dict[Key, str]]:
    """Learn what is usual among subjects.

    Parameters
    ----------
    conditions : mapping of str to ndarray of shape (n,)
        Text or numbers of the subjects by name, none missing.
    summaries : sequence of n mappings of Key to Summary
        What each subject has.
    units : mapping of str to str, optional
        Units of conditions.
    **described : dict
        Further attributes of `Norms`.

    Returns
    -------
    norms : Norms
        Norms of what enough subjects have.
    left_out : dict of Key to str
        Why there are none of the rest.

    Raises
    ------
    ValueError
        If nothing can be learned.
    """
    design = Design.of(conditions, units=units)
    matrix = design.matrix(conditions, len(summaries))
    models, left_out = {}, {}
    for key in dict.fromkeys(key for one in summaries for key in one):
        rows = [row for row, one in enumerate(summaries) if key in one]
        own = [summaries[row][key] for row in rows]
        try:
            models[key] = _learn(matrix[rows], design.groups, own, key[1])
        except ValueError as error:
            left_out[key] = str(error).rstrip(".")
    if not models:
        reasons = list(dict.fromkeys(left_out.values()))
        raise ValueError(
            reasons[0]
            if reasons
            else f"no bundle of a subject has {FEWEST_STREAMLINES} streamlines"
        )
    return Norms(design, models, nb_subjects=len(summaries), **described), left_out


def _learn(matrix, groups, summaries: Sequence[Summary], kind: str) -> NormativeModel:
    """Fit a model to the summaries of subjects with a design (n, p)."""
    counts = np.array([one.nb_streamlines for one in summaries])
    weights = np.maximum(counts - 1, 1)
    covariances = np.stack([one.covariance for one in summaries])
    means = np.stack([one.mean for one in summaries])
    components = min(NB_COMPONENTS, means.shape[1]) if kind == PROFILE else None
    return NormativeModel(components).fit(
        matrix,
        means,
        groups=groups,
        nb_streamlines=counts,
        within=np.average(covariances, axis=0, weights=weights),
    )
