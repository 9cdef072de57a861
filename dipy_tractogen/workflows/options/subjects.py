"""Options of a generation for one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.parameters import Parameters, parameter

from .generation import Seeds
from .inputs import load_to_encode
from .loading import default_loading
from .spaces import to_model_space

logger = logging.getLogger("dipy_tractogen")


@dataclass
class SubjectOptions(Parameters):
    """The subject that streamlines are generated for."""

    like: Sequence[Path] | None = parameter(
        None,
        "Tractograms of a subject, such as its sparse bundles: streamlines are "
        "generated as the model expects of this subject. A bundle of a few streamlines "
        "is mostly the model's, one of thousands the subject's. Files or groups are "
        "named as the model's bundles (dipy_label_streamlines labels others).",
        essential=True,
    )


def check_subject(given: dict) -> None:
    """Raise ValueError where `SubjectOptions` do not go with others."""
    if not given["like"]:
        return
    if given["seed_streamlines"]:
        raise ValueError(
            f"--like {given['like'][0]} and --seed_streamlines are both given: leave "
            "out one."
        )
    if given["sampler"] in ("rejection", "prior"):
        raise ValueError(
            f"--sampler {given['sampler']} cannot be changed to a subject, --like: "
            "give manifold, gmm or kde."
        )


def load_subject(flow, model, given: dict, wanted: dict) -> Seeds | None:
    """Load the streamlines of a subject, and return its effect; None without any.

    `given` has the values of all options, and `wanted` what is asked for by
    --conditions: properties of subjects among it need not be in the files.
    """
    if not given["like"]:
        return None
    import numpy as np

    from dipy_tractogen.streamlines.conditions import Conditions

    known = model.record.density.conditions
    own = _own_conditions(known, wanted)
    bundles = load_to_encode(
        flow,
        model,
        flow.inputs(given["like"]),
        {**default_loading(given), "participants": given["participants"]},
        unassigned="drop",
        conditions=Conditions([one for one in known if one.name not in own]),
        kind="like",
    )
    values = {name: np.repeat(value, len(bundles)) for name, value in own.items()}
    moved, transform = to_model_space(flow, model, bundles, given, kind="like")
    effect = model.subject_of(moved, values)
    _log(effect, model.record.bundle_names)
    return Seeds(None, transform, bundles.reference if transform else None, effect)


def _own_conditions(known, wanted: dict) -> dict:
    """Return those of the conditions asked for that are of a subject."""
    from dipy_tractogen.streamlines.conditions import BUNDLE, COMPUTED

    found = {}
    for name, value in wanted.items():
        if name in (BUNDLE, *COMPUTED):
            continue
        if known[name].is_categorical and len(value) == 1:
            found[name] = value[0]
        elif isinstance(value, float):
            found[name] = value
    return found


def _log(effect, bundle_names: Sequence[str]) -> None:
    """Log what is different in a subject, by bundle."""
    parts = [
        f"{bundle_names[bundle]} {one.nb_streamlines} ({one.weight:.2f}, "
        f"{one.shift_mm:.1f} mm)"
        for bundle, one in effect.bundles.items()
    ]
    logger.info("Streamlines of the subject (weight, shift): %s", listed(parts))
    codes = enumerate(bundle_names)
    missing = [name for code, name in codes if code not in effect.bundles]
    if missing:
        logger.info("As the model has them, without the subject: %s", listed(missing))
