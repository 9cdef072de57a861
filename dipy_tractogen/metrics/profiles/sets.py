"""Sets of streamlines with values at their points, as they are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nibabel.streamlines import ArraySequence
import numpy as np
from scipy.interpolate import make_interp_spline

from dipy_tractogen.streamlines.array_sequence import take
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.point_data.values import take_point_data
from dipy_tractogen.streamlines.spectrum import (
    NB_POINTS,
    against_bundle,
    finer_streamlines,
    profile_features,
    shape_features,
)
from dipy_tractogen.utils.messages import listed

from .mean import NB_NODES, streamline_profiles
from .pairing import Features


@dataclass(frozen=True)
class ValuedSet:
    """Streamlines with values (nb_points_in_all, 1) of their points, by name."""

    streamlines: ArraySequence
    values: dict[str, np.ndarray]

    def take(self, rows: np.ndarray) -> ValuedSet:
        """Return some of the streamlines."""
        lengths = self.streamlines._lengths
        return ValuedSet(
            take(self.streamlines, rows), take_point_data(self.values, lengths, rows)
        )

    def profiles(self, nb_nodes: int) -> dict[str, np.ndarray]:
        """Return the profiles (n, nb_nodes) of each value."""
        return {
            name: streamline_profiles(self.streamlines, each, nb_nodes)
            for name, each in self.values.items()
        }


def valued_sets(given: Mapping, names: Sequence[str]) -> dict[str, ValuedSet]:
    """Return the sets of `given` by name with the values of `names`.

    Raises ValueError if a set has no such value at its points, or several at each.
    """
    found = {}
    for kind, each in given.items():
        data = each.data_per_point if isinstance(each, BundleSet) else {}
        single = [name for name, values in data.items() if values.shape[1] == 1]
        missing = [name for name in names if name not in single]
        if missing:
            has = f"have {listed(single)}" if single else "have none"
            raise ValueError(
                f"values={listed(missing)}: the points of the {kind} streamlines "
                f"{has}; give values that all sets have, one number a point."
            )
        values = {name: data[name] for name in dict.fromkeys(names)}
        found[kind] = ValuedSet(to_sequence(each), values)
    return found


def oriented_profiles(
    sets: Sequence[ValuedSet], labels: Sequence[np.ndarray]
) -> list[dict[str, np.ndarray]]:
    """Return the profiles (n, 100) of sets, all in one direction of each bundle."""
    points = [resample(each.streamlines, NB_POINTS) for each in sets]
    turned = against_bundle(np.concatenate(points), np.concatenate(labels))
    turned = np.split(turned, np.cumsum([len(each) for each in points])[:-1])
    return [
        {
            name: _reversed(profiles, backwards)
            for name, profiles in each.profiles(NB_NODES).items()
        }
        for each, backwards in zip(sets, turned)
    ]


def comparable_features(
    sets: Sequence[ValuedSet], labels: Sequence[np.ndarray]
) -> list[Features]:
    """Return features of shape and profiles, without detail that another set lacks.

    Values are divided by their deviation in all sets. Streamlines with a point without
    a value are left out.
    """
    finer, _ = finer_streamlines([each.streamlines for each in sets])
    points = [resample(each.streamlines, NB_POINTS) for each in sets]
    profiles = [_comparable_profiles(*each) for each in zip(sets, finer)]
    ends = np.cumsum([len(each) for each in points])[:-1]
    turned = against_bundle(np.concatenate(points), np.concatenate(labels))
    values = {
        name: np.concatenate([each[name] for each in profiles]) for name in profiles[0]
    }
    known = np.all([np.isfinite(each).all(axis=1) for each in values.values()], axis=0)
    features = []
    for each in values.values():
        deviation = each[known].std() if known.any() else 0
        scaled = _reversed(each, turned) / (deviation if deviation > 0 else 1)
        features.append(profile_features(np.where(known[:, None], scaled, 0)))
    shape = np.concatenate(points)
    shape[turned] = shape[turned, ::-1]
    whole = zip(
        *(
            np.split(each, ends)
            for each in (
                shape_features(shape),
                np.hstack(features),
                np.concatenate(labels),
                known,
            )
        )
    )
    return [
        Features(shape[rows], profile[rows], own[rows])
        for shape, profile, own, rows in whole
    ]


def _comparable_profiles(
    one: ValuedSet, finer: list[tuple[int, np.ndarray]]
) -> dict[str, np.ndarray]:
    profiles = one.profiles(NB_POINTS)
    nodes = np.linspace(0, 1, NB_POINTS)
    for count, rows in finer:
        along = np.linspace(0, 1, count)
        for name, coarse in one.take(rows).profiles(count).items():
            line = make_interp_spline(along, coarse, k=1, axis=1, check_finite=False)
            profiles[name][rows] = line(nodes)
    return profiles


def _reversed(profiles: np.ndarray, backwards: np.ndarray) -> np.ndarray:
    return np.where(backwards[:, None], profiles[:, ::-1], profiles)
