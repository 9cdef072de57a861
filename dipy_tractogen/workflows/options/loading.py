"""How the commands that work on bundles load them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from dipy_tractogen.utils.parameters import BOX_RULES, Parameters, parameter

from .parameters import defaults_of

_screening: ContextVar[dict | None] = ContextVar("screening", default=None)


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


def default_loading(given: dict | None = None) -> dict:
    """Return the defaults of `LoadingOptions`, for files without options of theirs.

    The rule of the box and the reference of a command hold for all that it reads.
    """
    found = defaults_of(LoadingOptions)
    for name in ("outside_box", "reference"):
        if given and given.get(name):
            found[name] = given[name]
    return found


@contextmanager
def noted_screening() -> Iterator[dict[str, dict]]:
    """Note what is dropped of the tractograms that are loaded in the body.

    Yields counts by the kind of input, as `ScreeningReport.to_dict` has them.
    """
    notes: dict[str, dict] = {}
    token = _screening.set(notes)
    try:
        yield notes
    finally:
        _screening.reset(token)


def load(files: list[Path], given: dict, *, kind: str = "input", **values):
    """Load bundles by the values of `LoadingOptions`, and note what is dropped of them.

    `kind` says what they are to the command; `values` are further arguments of
    `load_bundles`.
    """
    from dipy_tractogen.streamlines.io import load_bundles

    bundles = load_bundles(
        files,
        bundles_from=given["bundles_from"],
        reference=given["reference"],
        out_of_bounds=given["outside_box"],
        min_length=given["min_length"],
        **values,
    )
    notes = _screening.get()
    if notes is not None:
        notes[kind] = bundles.report.to_dict()
    return bundles
