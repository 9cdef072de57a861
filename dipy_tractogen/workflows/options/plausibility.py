"""The parameters that say which streamlines are plausible, and their criteria."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dipy_tractogen.utils.parameters import POSITIVE, Parameters, parameter

from .arguments import check_needs
from .loading import default_loading, load

# What is of no use without something else, and which of it.
_NEEDS = {
    "min_inside": ("mask",),
    "end_region": ("start_region",),
    "peaks": ("max_angle",),
    "max_angle": ("peaks",),
    "train_files": ("min_novelty", "max_novelty"),
    "min_novelty": ("train_files",),
    "max_novelty": ("train_files",),
}


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


def check_plausibility(given: dict) -> None:
    """Raise ValueError where an option is of no use, or a range is empty."""
    check_needs(given, _NEEDS)
    for kind in ("length", "novelty"):
        low, high = given[f"min_{kind}"], given[f"max_{kind}"]
        if low is not None and high is not None and high < low:
            raise ValueError(
                f"--max_{kind} {high}: give a number at least {low:g}, --min_{kind}."
            )


def make_plausibility(given: dict):
    """Read the files, and return the criteria that are asked for, or None."""
    from dipy_tractogen.sampling.plausibility import Plausibility

    makers = (_of_shape, _of_images, _of_novelty)
    criteria = [criterion for make in makers for criterion in make(given)]
    return Plausibility(criteria) if criteria else None


def _of_shape(given: dict) -> list:
    from dipy_tractogen.sampling.plausibility import (
        LargestWinding,
        LengthRange,
        SmallestRadius,
    )

    criteria: list = []
    if _asks(given, "min_length", "max_length"):
        criteria.append(LengthRange(*_range(given, "length")))
    if _asks(given, "max_winding"):
        criteria.append(LargestWinding(given["max_winding"]))
    if _asks(given, "min_radius"):
        criteria.append(SmallestRadius(given["min_radius"]))
    return criteria


def _of_images(given: dict) -> list:
    from dipy_tractogen.sampling.plausibility import (
        AlongPeaks,
        EndsInRegions,
        InsideMask,
    )
    from dipy_tractogen.streamlines.volume import load_mask, load_peaks

    criteria: list = []
    if _asks(given, "mask"):
        share = 1.0 if given["min_inside"] is None else given["min_inside"]
        criteria.append(InsideMask(load_mask(given["mask"]), share))
    if _asks(given, "start_region"):
        names = ("start_region", "end_region")
        regions = [load_mask(given[name]) for name in names if _asks(given, name)]
        criteria.append(EndsInRegions(*regions))
    if _asks(given, "peaks"):
        criteria.append(AlongPeaks(load_peaks(given["peaks"]), given["max_angle"]))
    return criteria


def _of_novelty(given: dict) -> list:
    if not _asks(given, "train_files"):
        return []
    from dipy_tractogen.metrics.novelty import NoveltyRange

    training = load(given["train_files"], default_loading(given), kind="train_files")
    return [NoveltyRange(training.streamlines, *_range(given, "novelty"))]


def _asks(given: dict, *names: str) -> bool:
    return any(given[name] is not None for name in names)


def _range(given: dict, kind: str) -> tuple[float, float]:
    low, high = given[f"min_{kind}"], given[f"max_{kind}"]
    return 0.0 if low is None else low, float("inf") if high is None else high
