"""Streamlines that can be compared: those of common bundles, each in one set only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.utils.messages import listed

from .copies.novelty import same_streamlines
from .samples import StreamlineSet, matched_sizes

LEFT_OUT = -1
"""Label of streamlines of a bundle that is not compared."""

GENERATED_PER_TRAINING = 5
"""Generated streamlines that `repetition` needs for each of training."""


def own_labels(
    given: Mapping, labels: Mapping, bundle_names: Sequence[str]
) -> tuple[dict[str, np.ndarray | None], tuple[str, ...]]:
    """Return labels, by default those of each BundleSet, and names.

    Without `bundle_names`, they are those of all the sets in alphabetical order.
    """
    sets = {name: each for name, each in given.items() if isinstance(each, BundleSet)}
    names = tuple(bundle_names)
    if not names:
        names = tuple(sorted({one for each in sets.values() for one in each.counts()}))
    own = {name: each.labels_in(names) for name, each in sets.items()}
    known = {name: each for name, each in labels.items() if each is not None}
    return {**dict.fromkeys(labels), **own, **known}, names


def common_bundles(
    labels: Mapping[str, np.ndarray | None], bundle_names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray | None], dict[int, str], list[str]]:
    """Find the bundles that are both generated and real.

    `labels` are those of the ``"generated"``, ``"real"`` and, if given, ``"training"``
    streamlines. Returns them with `LEFT_OUT` in place of bundles that are not compared,
    or None where all streamlines are taken as one bundle; the names of the common
    bundles by label; and warnings of what is left out.
    """
    as_one = dict.fromkeys(labels)
    if any(each is None for each in labels.values()):
        return as_one, {}, []
    found = {name: _names_in(each, bundle_names) for name, each in labels.items()}
    common = found["generated"] & found["real"]
    trained = found.get("training", common)
    if not common & trained:
        shown = "; ".join(
            f"{name}: {listed(sorted(names))}" for name, names in found.items()
        )
        return (
            as_one,
            {},
            [f"No bundle has one name everywhere ({shown}): all are taken as one."],
        )
    warnings = [
        f"Bundles that are only {name} are left out: {listed(sorted(only))}."
        for name in ("generated", "real")
        if (only := found[name] - common)
    ]
    kept = np.array([name in common for name in bundle_names])
    codes = np.where(kept, np.arange(len(bundle_names)), LEFT_OUT)
    names = {code: name for code, name in enumerate(bundle_names) if name in common}
    return {name: codes[each] for name, each in labels.items()}, names, warnings


def leave_out_held_out(
    training: StreamlineSet | None, real: StreamlineSet
) -> tuple[StreamlineSet | None, int, list[str]]:
    """Drop the training streamlines that are held out as well.

    Returns the others, or None; the number that was dropped; and warnings if none is
    left.
    """
    if training is None:
        return None, 0, [_NO_TRAINING]
    shared = same_streamlines(training.points, real.points)
    nb_shared = int(shared.sum())
    if nb_shared == len(training):
        return (
            None,
            nb_shared,
            [f"All training streamlines are held out. {_NO_TRAINING}"],
        )
    return training.take(~shared), nb_shared, []


def warn_of_numbers(
    generated: StreamlineSet,
    real: StreamlineSet,
    training: StreamlineSet | None,
    names: Mapping[int, str],
    k: int,
) -> list[str]:
    """Return a warning for each measure that suffers from too few streamlines."""
    warnings = []
    known = real if training is None else training
    if len(generated) < GENERATED_PER_TRAINING * len(known):
        kind = "held-out" if training is None else "training"
        warnings.append(
            f"{len(generated)} generated streamlines for {len(known)} {kind} ones are "
            "too few to measure repetition reliably: generate "
            f"{GENERATED_PER_TRAINING * len(known):,} or more."
        )
    names = names or {0: "all streamlines"}
    sizes = matched_sizes(real, generated, training)
    halves = 2 if training is None else 1
    found = {
        "Without training streamlines there is no value of real ones for": [
            name for label, name in names.items() if label not in known.labels
        ],
        "Fewer streamlines are generated or trained on than held out, and no more of "
        "these are compared": [
            name
            for label, name in names.items()
            if sizes[label] < np.sum(real.labels == label) // halves
        ],
        f"Too few streamlines for {k} neighbours, so there is no precision, recall, "
        "density or coverage": [
            name for label, name in names.items() if sizes[label] <= k
        ],
    }
    warnings += [
        f"{text}: {listed(sorted(few))}." for text, few in found.items() if few
    ]
    return warnings


_NO_TRAINING = (
    "Without training streamlines there is no novelty, and real ones are compared half "
    "against half: give those that the model was trained on (--train_files)."
)


def _names_in(labels: np.ndarray, bundle_names: tuple[str, ...]) -> set[str]:
    labels = np.asarray(labels)
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(bundle_names):
        raise ValueError(
            f"Labels from {labels.min()} to {labels.max()} with {len(bundle_names)} "
            "bundle names: labels count from 0 and each has a name."
        )
    return {bundle_names[label] for label in np.unique(labels)}
