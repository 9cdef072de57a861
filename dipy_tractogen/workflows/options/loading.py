"""How the commands that work on bundles load them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dipy_tractogen.utils.parameters import BOX_RULES, Parameters, parameter

from .parameters import defaults_of


@dataclass
class BoxOptions(Parameters):
    """The rule of the box, for commands that read tractograms in passing."""

    outside_box: str = parameter(
        "drop",
        "Streamlines that leave the bounding box of the grid: drop, keep or error. New "
        "ones that are dropped are replaced by others. It holds for all tractograms "
        "that are read as well, of which to drop more than a tenth is an error.",
        choices=BOX_RULES,
    )


@dataclass
class LoadingOptions(Parameters):
    """How the commands that work on bundles load them."""

    bundles_from: str = parameter(
        "auto",
        "Where the names of the bundles come from: auto (TRX groups, or codes of a TRK "
        "that its JSON file names, or else the name of the file), stem, groups, or a "
        "key of data_per_streamline.",
    )
    reference: Path | None = parameter(
        None, "Image or tractogram whose grid holds for all the input files."
    )
    outside_box: str = parameter(
        "drop",
        "Streamlines that leave the bounding box of the grid: drop, keep or error. It "
        "holds for all input files, and to drop more than a tenth is an error as well.",
        choices=BOX_RULES,
    )
    min_length: float = parameter(
        0.0, "Shorter streamlines are dropped.", unit="mm", within="[0, 1e12]"
    )


@dataclass
class MapOptions(Parameters):
    """Images of values that are sampled at the points."""

    maps: Sequence[str] | None = parameter(
        None,
        "Images that are sampled at the points of the tractograms that are read, as "
        "NAME=FILE, such as FA=fa.nii.gz MD=md.nii.gz; the values go into "
        "data_per_point. They are of the space of the streamlines, on any grid. For "
        "several subjects, a glob in quotes that finds the images of all: each "
        "tractogram takes the one with its sub- and ses- labels.",
    )


def maps_of(given: dict) -> dict[str, str]:
    """Return the argument ``maps`` of `load_bundles`, from values of `MapOptions`."""
    from dipy_tractogen.streamlines.point_data.maps import parse_maps

    try:
        return parse_maps(given.get("maps"))
    except ValueError as error:
        raise ValueError(f"--maps {error}") from None


def digests_of_maps(given: dict) -> dict[str, dict]:
    """Return the digests of the images of `MapOptions` as ``maps``, if there are any.

    Raises ValueError or OSError where there is no such image.
    """
    from dipy_tractogen.streamlines.point_data.maps import map_files
    from dipy_tractogen.utils.files import file_digest

    found = {
        name: [file_digest(file) for file in map_files(name, each)]
        for name, each in maps_of(given).items()
    }
    return {"maps": found} if found else {}


def default_loading(given: dict | None = None) -> dict:
    """Return the defaults of `LoadingOptions`, for files without options of theirs.

    The rule of the box and the reference of a command hold for all that it reads.
    """
    found = defaults_of(LoadingOptions)
    for name in ("outside_box", "reference"):
        if given and given.get(name):
            found[name] = given[name]
    return found


def load(flow, files: list[Path], given: dict, *, kind: str = "input", **values):
    """Load bundles by the values of `LoadingOptions`, and note what is dropped of them.

    That is for the ``screening`` of the workflow `flow`, where `kind` says what the
    bundles are to it; `values` are further arguments of `load_bundles`. Images of
    `MapOptions` are sampled. ValueError is raised for images that nothing is for.
    """
    from dipy_tractogen.streamlines.io import load_bundles

    if given.get("maps") and "maps" not in values:
        if not (values.get("values") or values.get("keep_data")):
            raise ValueError(
                f"--maps {' '.join(given['maps'])}: nothing along the streamlines is "
                "read; leave it out, or name values or a model that reads some."
            )
        values["maps"] = maps_of(given)
    bundles = load_bundles(
        files,
        bundles_from=given["bundles_from"],
        reference=given["reference"],
        out_of_bounds=given["outside_box"],
        min_length=given["min_length"],
        show_progress=flow.show_progress,
        **values,
    )
    flow.screening[kind] = bundles.report.to_dict()
    return bundles
