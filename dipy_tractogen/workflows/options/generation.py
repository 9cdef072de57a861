"""Options of a generation: where latents come from, and what is plausible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.parameters import POSITIVE, Parameters, parameter

from .arguments import check_exclusive, check_needs
from .inputs import load_to_encode
from .loading import default_loading, load
from .spaces import check_spaces, is_moved, to_model_space

if TYPE_CHECKING:
    from dipy_tractogen.sampling.latents import LatentPosteriors
    from dipy_tractogen.sampling.subject import SubjectEffect
    from dipy_tractogen.streamlines.reference import Reference
    from dipy_tractogen.streamlines.spaces.transform import Transform

logger = logging.getLogger("dipy_tractogen")

# What is of no use without something else, and which of it.
_NEEDS = {
    "atlas_share": ("atlas_streamlines",),
    "participants": ("seed_streamlines", "like"),
    "min_inside": ("mask",),
    "end_region": ("start_region",),
    "peaks": ("max_angle",),
    "max_angle": ("peaks",),
    "train_files": ("min_novelty", "max_novelty"),
    "min_novelty": ("train_files",),
    "max_novelty": ("train_files",),
    "maps": ("seed_streamlines", "like"),
    "register": ("seed_streamlines", "like"),
    "transform": ("seed_streamlines", "like"),
}


@dataclass
class SamplerOptions(Parameters):
    """Where the latents of a generation come from."""

    sampler: str = parameter(
        "manifold",
        "What draws latents: manifold (kernels that follow the latents of the "
        "training), gmm (Gaussian mixtures), kde (one kernel for a whole bundle), "
        "rejection (from kde, proposed by gmm) or prior (the model's own). A shared "
        "model has gmm in place of manifold.",
        essential=True,
        choices=("manifold", "gmm", "kde", "rejection", "prior"),
    )
    seed_streamlines: Sequence[Path] | None = parameter(
        None,
        "Tractograms whose streamlines the new ones are to be like, in place of those "
        "of the training: such as the sparse bundles of a subject. Files or groups are "
        "named as the model's bundles; only these bundles are generated.",
    )
    atlas_streamlines: Sequence[Path] | None = parameter(
        None,
        "Tractograms of an atlas, which is mixed with --seed_streamlines. --maps are "
        "not for them: they have the values that the model reads.",
    )
    atlas_share: float | None = parameter(
        None,
        "Share of the atlas in the mix, from 0 to 1; half by default.",
        within="[0, 1]",
    )
    participants: Path | None = parameter(
        None,
        "Table of the subjects of these tractograms, a participants.tsv as in BIDS, "
        "for a model that was trained with conditions of theirs; without it these are "
        "looked up in data_per_streamline.",
    )


@dataclass
class PlausibilityOptions(Parameters):
    """Which streamlines are plausible."""

    min_length: float | None = parameter(
        None,
        "Shorter streamlines are replaced by others.",
        unit="mm",
        essential=True,
        within="[0, 1e12]",
    )
    max_length: float | None = parameter(
        None,
        "Longer streamlines are replaced by others.",
        unit="mm",
        essential=True,
        within=POSITIVE,
    )
    max_winding: float | None = parameter(
        None,
        "Streamlines that turn farther about their centroid are replaced, in "
        "degrees: 180 is a straight one, 360 a loop.",
        within=POSITIVE,
    )
    min_radius: float | None = parameter(
        None,
        "Streamlines with a smaller radius of curvature, over steps of 5 mm, "
        "are replaced.",
        unit="mm",
        within=POSITIVE,
    )
    mask: Path | None = parameter(
        None, "Image; streamlines that are not inside are replaced.", essential=True
    )
    min_inside: float | None = parameter(
        None,
        "Share of the points of a streamline that has to be in the mask, by default 1.",
        within="(0, 1]",
    )
    start_region: Path | None = parameter(
        None,
        "Image of a region that an end of each streamline has to be in; both "
        "ends without --end_region.",
    )
    end_region: Path | None = parameter(
        None, "Image of a region that the other end has to be in."
    )
    peaks: Path | None = parameter(
        None,
        "Peaks of diffusion: a pam5 of DIPY, or an image with three numbers for "
        "each peak, along the axes of the image.",
    )
    max_angle: float | None = parameter(
        None,
        "Streamlines whose mean angle to the nearest peak of their voxels is "
        "larger are replaced.",
        unit="degrees",
        within="(0, 90]",
    )
    train_files: Sequence[Path] | None = parameter(
        None, "Tractograms that the model was trained on, for the novelty."
    )
    min_novelty: float | None = parameter(
        None,
        "Streamlines nearer to one of training are replaced, in mm (MDF).",
        within="[0, 1e12]",
    )
    max_novelty: float | None = parameter(
        None,
        "Streamlines farther from all of training are replaced, in mm (MDF).",
        within=POSITIVE,
    )
    max_tries: int = parameter(
        20,
        "Streamlines drawn for each plausible one, at most. What is found is "
        "written; where some are missing the exit code is 1.",
        within="[1, 1e6]",
    )


def check_generation(given: dict) -> None:
    """Raise ValueError where an option is of no use, or a range is empty."""
    check_exclusive(given, "nb_points", "step_size")
    if given["sampler"] == "prior" and given["seed_streamlines"]:
        raise ValueError(
            "--seed_streamlines are of no use with --sampler prior, which reads no "
            "streamlines: leave out one."
        )
    check_needs(given, _NEEDS)
    check_spaces(given)
    if given["atlas_streamlines"] and not given["seed_streamlines"]:
        raise ValueError(
            "--atlas_streamlines are mixed with --seed_streamlines: give these, too; "
            "or give the atlas as --seed_streamlines alone."
        )
    for kind in ("length", "novelty"):
        low, high = given[f"min_{kind}"], given[f"max_{kind}"]
        if low is not None and high is not None and high < low:
            raise ValueError(
                f"--max_{kind} {high}: give a number at least {low:g}, --min_{kind}."
            )


def make_plausibility(flow, given: dict):
    """Read the files, and return the criteria that are asked for, or None."""
    from dipy_tractogen.sampling import plausibility as kinds
    from dipy_tractogen.streamlines.volume import load_mask, load_peaks

    asked = {name: value for name, value in given.items() if value is not None}
    criteria: list = []
    if {"min_length", "max_length"} & asked.keys():
        criteria.append(kinds.LengthRange(*_range(asked, "length")))
    if "max_winding" in asked:
        criteria.append(kinds.LargestWinding(asked["max_winding"]))
    if "min_radius" in asked:
        criteria.append(kinds.SmallestRadius(asked["min_radius"]))
    if "mask" in asked:
        mask = load_mask(asked["mask"])
        criteria.append(kinds.InsideMask(mask, asked.get("min_inside", 1.0)))
    if "start_region" in asked:
        names = ("start_region", "end_region")
        regions = [load_mask(asked[name]) for name in names if name in asked]
        criteria.append(kinds.EndsInRegions(*regions))
    if "peaks" in asked:
        criteria.append(
            kinds.AlongPeaks(load_peaks(asked["peaks"]), asked["max_angle"])
        )
    if "train_files" in asked:
        from dipy_tractogen.metrics.copies.novelty import NoveltyRange

        files, loading = flow.inputs(asked["train_files"]), _training_loading(given)
        training = load(flow, files, loading, kind="train_files").streamlines
        criteria.append(NoveltyRange(training, *_range(asked, "novelty")))
    return kinds.Plausibility(criteria) if criteria else None


def _range(asked: dict, kind: str) -> tuple[float, float]:
    return asked.get(f"min_{kind}", 0.0), asked.get(f"max_{kind}", float("inf"))


@dataclass(frozen=True)
class Seeds:
    """What new streamlines are to be like, and the space that they are for.

    `latents` are those of streamlines of a subject, and of an atlas, and `like` is the
    effect of a subject; `transform` is from the space of the subject, of the grid
    `reference`, to that of the model. What there is not is None.
    """

    latents: LatentPosteriors | None = None
    transform: Transform | None = None
    reference: Reference | None = None
    like: SubjectEffect | None = None


def load_seeds(flow, model, given: dict) -> Seeds:
    """Encode the streamlines that new ones are to be like, if some are given.

    `given` has the values of `SamplerOptions`, `BoxOptions` and `SpaceOptions`.
    """
    if not given["seed_streamlines"]:
        return Seeds()
    loading = default_loading(given)
    own = {**loading, "maps": given["maps"]}
    own = _load_seeds(flow, model, given, "seed_streamlines", own)
    options = {"kind": "seed_streamlines"}
    moved, transform = to_model_space(flow, model, own, given, **options)
    latents = model.seeds_of(moved)
    if given["atlas_streamlines"]:
        loading = _training_loading(given)
        atlas = _load_seeds(flow, model, given, "atlas_streamlines", loading)
        share = 0.5 if given["atlas_share"] is None else given["atlas_share"]
        others = model.seeds_of(atlas)
        latents = latents.mixed_with(others, share)
    return Seeds(latents, transform, own.reference if transform else None)


def _load_seeds(flow, model, given: dict, name: str, loading: dict):
    """Load tractograms whose bundles the model knows."""
    bundles = load_to_encode(
        flow,
        model,
        flow.inputs(given[name]),
        {**loading, "participants": given["participants"]},
        unassigned="drop",
        conditions=model.record.density.conditions,
        kind=name,
    )
    noun = name.removesuffix("s").replace("_", " ")
    logger.info("Read %s", format_count(len(bundles), noun))
    return bundles


def _training_loading(given: dict) -> dict:
    """Return how tractograms in the space of the model are loaded."""
    loading = default_loading(given)
    # The grid that is given is that of the subject.
    return {**loading, "reference": None} if is_moved(given) else loading
