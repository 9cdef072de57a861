"""Learning what is near to reference streamlines, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import logging
from typing import TYPE_CHECKING

from .encoding import encoded_blocks, load_to_encode
from .latent_reference import LatentReference, latents_and_errors

if TYPE_CHECKING:
    import numpy as np

    from dipy_tractogen.streamlines.location import Location

logger = logging.getLogger("dipy_tractogen")

_DECODED_POINTS = 32


@dataclass
class Examples:
    """What thresholds are learnt from.

    Attributes
    ----------
    z : ndarray of shape (n, latent_dim)
        Latents.
    error_mm : ndarray of shape (n,)
        Point errors.
    labels : ndarray of shape (n,), int
        Bundle of each, -1 for none.
    groups : ndarray of shape (n,), int
        The same for a streamline and for what was made of it.
    kinds : ndarray of shape (n,), int
        What is wrong with those that were made, as an index into
        `streamlines.invalid.KINDS`; -1 for the others.
    """

    z: np.ndarray
    error_mm: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    kinds: np.ndarray


def learn(
    flow, model, given: dict, fit: Callable
) -> tuple[LatentReference, Examples, dict]:
    """Encode reference streamlines and others, and learn what is near.

    Parameters
    ----------
    flow : TractogenFlow
        The command.
    model : StreamlineModel
        The model.
    given : dict
        Values of `reference_parameters` and `loading_parameters`.
    fit : callable
        Takes coordinates, labels and groups of n examples, and the options of a
        `NearestLatents` by name; gives one that is fitted.

    Returns
    -------
    reference : LatentReference
        What was learnt.
    examples : Examples
        What from.
    report : dict
        Thresholds in mm, and shares of held-out examples that are near enough, or
        found not to be.

    Raises
    ------
    ValueError, OSError
        If a file cannot be read, or there is too little to learn from.
    """
    from dipy_tractogen.segment.metric import LatentMetric

    examples, names, place = _examples(flow, model, given)
    known = examples.labels >= 0
    metric = LatentMetric.of(
        lambda z: model.decode(z, nb_points=_DECODED_POINTS),
        examples.z[known],
        seed=given["seed"],
    )
    estimator = fit(
        metric.coordinates(examples.z, examples.error_mm),
        examples.labels,
        examples.groups,
        **{name: given[name] for name in ("criterion", "kept_share", "seed")},
    )
    logger.info(
        "Learnt from %d reference streamlines of %d bundles and %d others%s",
        known.sum(),
        len(names),
        (~known).sum(),
        ", made of them" if (examples.kinds >= 0).any() else "",
    )
    reference = LatentReference(estimator, metric, names, place)
    return reference, examples, _report(reference, examples)


def _report(reference: LatentReference, examples: Examples) -> dict:
    """Say what was learnt, and what it finds among examples of other folds."""
    from dipy_tractogen.streamlines.simulation.invalid import KINDS

    near = reference.estimator.held_out_relative_ <= 1
    thresholds = map(float, reference.estimator.thresholds_)
    report = {
        "thresholds_mm": dict(zip(reference.bundle_names, thresholds)),
        "held_out_near": {
            name: _share(near[examples.labels == label])
            for label, name in enumerate(reference.bundle_names)
        },
    }
    if (examples.kinds >= 0).any():
        report["held_out_found"] = found = {
            name: _share(~near[examples.kinds == kind])
            for kind, name in enumerate(KINDS)
            if (examples.kinds == kind).any()
        }
        shares = ", ".join(f"{name} {share:.3f}" for name, share in found.items())
        logger.info("Held-out invalid ones that are found: %s", shares)
    return report


def _share(marks) -> float:
    return float(marks.mean())


def _examples(flow, model, given: dict) -> tuple[Examples, tuple[str, ...], Location]:
    """Load, or make, and encode all examples; say where those of bundles are."""
    import numpy as np

    from dipy_tractogen.segment.neighbours import NONE
    from dipy_tractogen.streamlines.duplicates import (
        describe_duplicates,
        first_occurrences,
    )
    from dipy_tractogen.streamlines.location import Location
    from dipy_tractogen.streamlines.naming import UNASSIGNED
    from dipy_tractogen.utils.files import expand_inputs

    shown = {"show_progress": flow.show_progress}
    files = expand_inputs(given["reference_files"])
    bundles = load_to_encode(model, files, given, kind="reference", **shown)
    names = tuple(name for name in bundles.bundle_names if name != UNASSIGNED)
    if not names:
        raise ValueError(
            "--reference_files: all streamlines are unassigned; give some of bundles."
        )
    codes = [names.index(n) if n in names else NONE for n in bundles.bundle_names]
    labels = np.array(codes)[bundles.labels]
    # A copy in another fold would make every reference as near as can be.
    groups, nothing = first_occurrences(bundles.streamlines), np.full(len(labels), NONE)
    for found in describe_duplicates(
        {"reference": (bundles.streamlines, bundles.labels)}
    ):
        logger.warning("%s; they count as one", found)
    make = not given["invalid_files"] and bool((labels != NONE).all())
    seed = given["seed"] if make else None
    real, made = _encode(flow, model, bundles, "reference", seed)
    parts = [(*real, labels, groups, nothing)]
    if make:
        z, error, kinds = made
        parts.append((z, error, nothing, groups, kinds))
    elif given["invalid_files"]:
        files = expand_inputs(given["invalid_files"])
        invalid = load_to_encode(model, files, given, kind="invalid", **shown)
        real, _ = _encode(flow, model, invalid, "invalid streamlines")
        nothing = np.full(len(invalid), NONE)
        groups = len(labels) + np.arange(len(invalid))
        parts.append((*real, nothing, groups, nothing))
    place = Location.of(bundles.select(labels != NONE).streamlines)
    return Examples(*(np.concatenate(each) for each in zip(*parts))), names, place


def _encode(flow, model, bundles, what: str, seed: int | None = None):
    """Encode streamlines, and what is made of each where a seed is given."""
    import numpy as np

    from dipy_tractogen.streamlines.simulation.invalid import make_invalid

    real, made = [], []
    for rows, points, outputs in encoded_blocks(
        model,
        bundles,
        description=f"Encoding {what}",
        show_progress=flow.show_progress,
    ):
        real.append(latents_and_errors(points, outputs))
        if seed is not None:
            invalid, kinds = make_invalid(points, seed=[seed, rows.start])
            outputs = model.encode_and_decode(invalid)
            made.append((*latents_and_errors(invalid, outputs), kinds))
    joined = [[np.concatenate(each) for each in zip(*parts)] for parts in (real, made)]
    return tuple(joined)
