"""Options of a generation for one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.parameters import LARGEST_SEED, Parameters, parameter

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
    subject_seed: int | None = parameter(
        None,
        "Generate as of one subject that is drawn at random, as subjects of the "
        "training differ: this seed fixes who it is, --seed its streamlines.",
        within=f"[0, {LARGEST_SEED}]",
    )


def check_subject(given: dict) -> None:
    """Raise ValueError where `SubjectOptions` do not go with others."""
    asked = {
        "like": (given["like"] or [None])[0],
        "subject_seed": given["subject_seed"],
        "seed_streamlines": (given["seed_streamlines"] or [None])[0],
    }
    for first, second in combinations([n for n in asked if asked[n] is not None], 2):
        raise ValueError(
            f"--{first} {asked[first]} and --{second} {asked[second]} are both given: "
            "leave out one."
        )
    is_of_subject = given["like"] or given["subject_seed"] is not None
    if is_of_subject and given["sampler"] in ("rejection", "prior"):
        name = "like" if given["like"] else "subject_seed"
        raise ValueError(
            f"--sampler {given['sampler']} cannot be changed to a subject, --{name}: "
            "give manifold, gmm or kde."
        )


def load_subject(flow, model, given: dict, wanted: dict) -> Seeds | None:
    """Return the effect of a subject, drawn or by its streamlines; None without any.

    `given` has the values of all options, and `wanted` what is asked for by
    --conditions: properties of subjects among it need not be in the files.
    """
    if given["subject_seed"] is not None:
        return Seeds(like=model.draw_subject(given["subject_seed"]))
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
        default_loading(given) | {n: given[n] for n in ("participants", "maps")},
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
