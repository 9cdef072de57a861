"""Which latents a generation starts from: sampler, and streamlines to be like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import check_choice, format_count
from dipy_tractogen.utils.parameters import Parameters, parameter

from ..inputs import load_to_encode
from .arguments import check_needs
from .loading import default_loading

logger = logging.getLogger("dipy_tractogen")

_NEEDS = {"atlas_share": ("atlas_streamlines",), "participants": ("seed_streamlines",)}


@dataclass
class SamplerOptions(Parameters):
    """Where the latents of a generation come from."""

    sampler: str = parameter(
        "manifold",
        "What draws latents: manifold (kernels that follow the latents of the "
        "training), gmm (Gaussian mixtures), kde (one kernel for a whole bundle), "
        "rejection (from kde, proposed by gmm) or prior (the model's own).",
        essential=True,
    )
    seed_streamlines: Sequence[Path] | None = parameter(
        None,
        "Tractograms whose streamlines the new ones are to be like, in place of those "
        "of the training: such as the sparse bundles of a subject. Files or groups are "
        "named as the model's bundles; only these bundles are generated.",
    )
    atlas_streamlines: Sequence[Path] | None = parameter(
        None, "Tractograms of an atlas, which is mixed with --seed_streamlines."
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


def check_sampler(given: dict) -> None:
    """Raise ValueError where there is no such sampler, or an option has no effect."""
    from dipy_tractogen.sampling.samplers.registry import SAMPLERS

    check_choice("sampler", given["sampler"], SAMPLERS)
    if given["sampler"] == "prior" and given["seed_streamlines"]:
        raise ValueError(
            "--seed_streamlines are of no use with --sampler prior, which looks at no "
            "streamline: leave out one."
        )
    check_needs(given, _NEEDS)
    if given["atlas_streamlines"] and not given["seed_streamlines"]:
        raise ValueError(
            "--atlas_streamlines are mixed with --seed_streamlines: give these, too; "
            "or give the atlas as --seed_streamlines alone."
        )


def choose_sampler(model, given: dict):
    """Return the sampler, not fitted; "prior" for that of the model."""
    from dipy_tractogen.sampling.samplers.registry import make_sampler

    if given["sampler"] == "prior":
        return "prior"
    return make_sampler(given["sampler"], seed=model.record.density.seed)


def report_sampler(sampler) -> None:
    """Log the share of proposals that a sampler accepted, if it makes any."""
    if hasattr(sampler, "acceptance_rate_"):
        rate = 100 * sampler.acceptance_rate_
        logger.info("The sampler accepted %.2g %% of its proposals", rate)


def load_seeds(flow, model, given: dict):
    """Encode the streamlines that new ones are to be like; None where none are given.

    `given` has the values of `SamplerOptions` and `BoxOptions`.
    """
    if not given["seed_streamlines"]:
        return None
    seeds = _encoded(flow, model, given, "seed_streamlines")
    if not given["atlas_streamlines"]:
        return seeds
    atlas = _encoded(flow, model, given, "atlas_streamlines")
    share = 0.5 if given["atlas_share"] is None else given["atlas_share"]
    return seeds.mixed_with(atlas, share)


def _encoded(flow, model, given: dict, name: str):
    """Load and encode tractograms whose bundles the model knows."""
    bundles = load_to_encode(
        model,
        flow.inputs(given[name]),
        {**default_loading(given), "participants": given["participants"]},
        unassigned="drop",
        conditions=model.record.density.conditions,
        kind=name,
        show_progress=flow.show_progress,
    )
    noun = name.removesuffix("s").replace("_", " ")
    logger.info("Read %s", format_count(len(bundles), noun))
    return model.seeds_of(bundles.streamlines, bundles.known_values())
