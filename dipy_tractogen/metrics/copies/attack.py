"""A membership attack by what was generated, in a report of `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dipy_tractogen.sampling.stratified import shuffled_by_group
from dipy_tractogen.utils.progress import advance

from .. import cost
from ..c2st.sample import matched_rows
from ..comparison import OVERALL
from ..measures import MEMBERSHIP
from ..samples import StreamlineSet
from .membership import FALSE_POSITIVES, attack_power
from .novelty import nearest_distances

FEWEST = 100
"""Training streamlines, and held-out ones of each third, that an attack needs."""

_TINY_MM = 1e-3
_KEYS = ("auc", "true_positives")


def attack_generated(
    generated: StreamlineSet,
    real: StreamlineSet,
    training: StreamlineSet | None,
    *,
    seed: int,
) -> tuple[dict | None, list[str]]:
    """Tell streamlines of the training from held-out ones by generated ones.

    An attack ``closest`` scores a streamline by its distance to the closest generated
    one, in mm (MDF), and ``ratio`` by the logarithm of this distance over that to the
    closest of other real ones: a ratio of densities, of the generator and of the
    population :footcite:p:`vanBreugel2023`, for which some streamlines are rarer than
    others. Held-out streamlines are divided in three: a third has those that are told
    from as many of the training, another is the population. What the last third tells
    in place of the generated ones stands beside it: what no generator tells less than.

    Returns
    -------
    dict or None
        For ``generated`` and ``real`` what `attack_power` gives for each attack, and
        the numbers of ``members`` and ``others``. None without streamlines of the
        training, or with fewer than 100 of them or of each third.
    list of str
        Warnings.

    References
    ----------
    .. footbibliography::
    """
    order = shuffled_by_group(real.labels, np.random.default_rng(seed))
    others, population, third = (real.take(order[start::3]) for start in range(3))
    if training is None:
        return None, ["Without streamlines of the training there is no attack."]
    labels = [training.labels, others.labels]
    rows = matched_rows(labels, np.random.default_rng(seed))
    members, others = training.take(rows[0]), others.take(rows[1])
    if min(map(len, (members, others, population, third))) < FEWEST:
        return None, [
            f"Fewer than {FEWEST} streamlines of the training, or 3 x {FEWEST} held-out"
            " ones, can be compared, so there is no membership attack."
        ]
    both = [members.points, others.points]
    usual = [
        np.maximum(nearest_distances(x, population.points), _TINY_MM) for x in both
    ]
    found = {"members": len(members), "others": len(others)}
    for kind, source in (("generated", generated), ("real", third)):
        near = [np.maximum(nearest_distances(x, source.points), _TINY_MM) for x in both]
        advance(nb_attacked(members, others, source))
        found[kind] = {
            "closest": attack_power(*(-x for x in near)),
            "ratio": attack_power(*(np.log(y / x) for x, y in zip(near, usual))),
        }
    return found, []


def nb_attacked(members, others, source) -> float:
    """Return the time of an attack for a progress bar."""
    return cost.search(len(members) + len(others), len(source))


def add_to_entries(entries: Mapping, found: Mapping | None) -> None:
    """Add the measures `MEMBERSHIP` of the stronger attack to entries by label."""
    for label, entry in entries.items():
        for kind in ("generated", "real"):
            attacks = found[kind].values() if found and label is OVERALL else ()
            for measure, key in zip(MEMBERSHIP, _KEYS):
                entry[kind][measure] = max((one[key] for one in attacks), default=None)


def verdict(entry: Mapping) -> str:
    """Return a sentence on the attacks, of the entry of all streamlines."""
    area, share, of_real, share_of_real = (
        entry[kind][measure] for kind in ("generated", "real") for measure in MEMBERSHIP
    )
    return (
        f"Membership attack by generated streamlines: AUC {area:.2f} (real "
        f"{of_real:.2f}); {100 * share:.2g} % of the training are found where "
        f"{100 * FALSE_POSITIVES:g} % of others are taken for it (real "
        f"{100 * share_of_real:.2g} %)."
    )
