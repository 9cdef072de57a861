"""How the commands that work on bundles load them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
import inspect
from pathlib import Path

from .arguments import check_choice, check_number

_screening: ContextVar[dict | None] = ContextVar("screening", default=None)


def input_parameters(input_files):
    """Name the tractograms that a training reads.

    Parameters
    ----------
    input_files : variable string or Path
        Tractograms, folders or globs (trk, tck, trx, vtk, vtp, fib, dpy). Files
        with the same name in several folders are one bundle. Streamlines that a file
        calls unassigned are left out; those of a file of that name are a bundle.
    """


def loading_parameters(
    bundles_from="auto", reference=None, outside_box="drop", min_length=0.0
):
    """Name the parameters of loading, with their defaults.

    Parameters
    ----------
    bundles_from : string, optional
        Where the names of the bundles come from: auto (TRX groups, or
        codes of a TRK that its JSON file names, or else the name of the file),
        stem, groups, or a key of data_per_streamline.
    reference : string or Path, optional
        Image or tractogram whose grid holds for all the input files.
    outside_box : string, optional
        Streamlines that leave the bounding box of the grid: drop, keep or error. It
        holds for all input files, and to drop more than a tenth is an error as well.
    min_length : float, optional
        Shorter streamlines are dropped, in mm.
    """


def box_parameters(outside_box="drop"):
    """Name the rule of the box for commands that read tractograms in passing.

    Parameters
    ----------
    outside_box : string, optional
        Streamlines that leave the bounding box of the grid: drop, keep or error. New
        ones that are dropped are replaced by others. It holds for all tractograms that
        are read as well, of which to drop more than a tenth is an error.
    """


def check_loading(given: dict) -> None:
    """Refuse impossible values, before any work.

    Parameters
    ----------
    given : dict
        Values of `loading_parameters`.

    Raises
    ------
    ValueError
        If one is out of its range.
    """
    check_box(given)
    check_number("min_length", given["min_length"], low=0)


def check_box(given: dict) -> None:
    """Refuse an unknown rule of the box, before any work.

    Parameters
    ----------
    given : dict
        Values of `box_parameters`, among others.

    Raises
    ------
    ValueError
        If it is not known.
    """
    check_choice("outside_box", given["outside_box"], ("drop", "keep", "error"))


def default_loading(given: dict | None = None) -> dict:
    """Return the defaults of `loading_parameters`, for files without options of theirs.

    Parameters
    ----------
    given : dict, optional
        Values of parameters of the command, of which the rule of the box and the
        reference hold for all that it reads.

    Returns
    -------
    dict
        Values by name.
    """
    parameters = inspect.signature(loading_parameters).parameters
    found = {name: each.default for name, each in parameters.items()}
    for name in ("outside_box", "reference"):
        if given and given.get(name):
            found[name] = given[name]
    return found


@contextmanager
def noted_screening() -> Iterator[dict[str, dict]]:
    """Note what is dropped of the tractograms that are loaded in the body.

    Yields
    ------
    dict of str to dict
        Grows by the counts of each kind of input, as `ScreeningReport.to_dict` has
        them.
    """
    notes: dict[str, dict] = {}
    token = _screening.set(notes)
    try:
        yield notes
    finally:
        _screening.reset(token)


def load(files: list[Path], given: dict, *, kind: str = "input", **values):
    """Load bundles as the command line says, and note what is dropped of them.

    Parameters
    ----------
    files : list of Path
        The tractograms.
    given : dict
        Values of `loading_parameters`.
    kind : str, optional
        What they are to the command, such as "reference".
    **values
        Further arguments of `load_bundles`: ``categorical``, ``continuous``,
        ``participants``, ``unassigned``, ``folder``, ``keep_data`` and
        ``show_progress``.

    Returns
    -------
    BundleSet
        The bundles.

    Raises
    ------
    ValueError, OSError
        As `load_bundles` does.
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
