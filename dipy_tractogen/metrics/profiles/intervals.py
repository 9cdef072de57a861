"""Confidence intervals of the measures of profiles, as of the other measures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..bootstrap import Bootstrap, add_change, percentile_interval
from ..measures import Estimate
from ..samples import StreamlineSet
from .distances import PROFILE_MEASURES

SIDES = {"generated": "generated", "baseline": "real"}
"""Sides of a report by the part of the samples that is compared with the reference."""


class ProfileIntervals:
    """Confidence intervals of the measures of profiles.

    `pools` are the sets that the parts of samples are drawn from.
    """

    def __init__(self, pools: Mapping[str, StreamlineSet], nb_draws: int):
        self._names = {kind: kind for kind in pools}
        if pools["baseline"] is pools["reference"]:
            # Without training both are halves of one set.
            self._names["baseline"] = "reference"
        used = dict.fromkeys(self._names.values())
        self._bootstrap = Bootstrap({name: pools[name].labels for name in used})
        self._nb_draws = nb_draws

    def add(
        self,
        label: int,
        value: str,
        estimates: Mapping[str, Mapping[str, Estimate | None]],
        rows: Mapping[str, np.ndarray],
    ) -> None:
        """Add the influences of the streamlines, at `rows` of their sets, in a draw."""
        for kind, side in SIDES.items():
            for name, one in estimates[side].items():
                if one is None:
                    continue
                for part, parts in (
                    (kind, one.candidates),
                    ("reference", one.reference),
                ):
                    where, key = self._names[part], (side, value, name)
                    parts = parts / self._nb_draws
                    self._bootstrap.add(label, key, where, rows[part], parts)

    def add_to(
        self, values: dict, names: Mapping[int, str], nb_resamples: int, seed: int
    ) -> None:
        """Add ``intervals`` to the entries of each value, by bundle and overall."""
        changes = self._bootstrap.changes(nb_resamples, seed)
        for value, entry in values.items():
            of_bundles = {}
            for label, name in names.items():
                of_bundles[name] = {
                    key: change
                    for (own, key), change in changes.items()
                    if own == label and key[1] == value
                }
                entry["bundles"][name]["intervals"] = _limits(
                    entry["bundles"][name], value, of_bundles[name]
                )
            keys = {key for each in of_bundles.values() for key in each}
            # As the measures overall are means of those of the bundles.
            means = {
                key: np.mean([e[key] for e in of_bundles.values() if key in e], axis=0)
                for key in keys
            }
            entry["overall"]["intervals"] = _limits(entry["overall"], value, means)


def _limits(entry: Mapping, value: str, changes: Mapping) -> dict[str, dict]:
    """Return the limits of the measures of an entry, by side; None without any."""

    def limits(side: str, name: str) -> list[float] | None:
        found, change = entry[side][name], changes.get((side, value, name))
        if found is None or change is None:
            return None
        return percentile_interval(add_change(found, change, is_share=False))

    return {
        side: {name: limits(side, name) for name in PROFILE_MEASURES}
        for side in SIDES.values()
    }
