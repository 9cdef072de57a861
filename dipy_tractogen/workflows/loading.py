"""How the commands that work on bundles load them."""

from __future__ import annotations

import inspect
from pathlib import Path

from .arguments import check_choice, check_number


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
        Where the names of the bundles come from: auto (TRX groups, or else the
        name of the file), stem, groups, or a key of data_per_streamline.
    reference : string or Path, optional
        Image or tractogram whose grid holds for all the input files.
    outside_box : string, optional
        Streamlines that leave the bounding box of the grid: drop, keep or error. It
        holds for all input files, and to drop more than a tenth is an error as well.
    min_length : float, optional
        Shorter streamlines are dropped, in mm.
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
    check_choice("outside_box", given["outside_box"], ("drop", "keep", "error"))
    check_number("min_length", given["min_length"], low=0)


def default_loading() -> dict:
    """Give the defaults of `loading_parameters`, for files without options of theirs.

    Returns
    -------
    dict
        Values by name.
    """
    parameters = inspect.signature(loading_parameters).parameters
    return {name: each.default for name, each in parameters.items()}


def load(files: list[Path], given: dict, **values):
    """Load bundles as the command line says.

    Parameters
    ----------
    files : list of Path
        The tractograms.
    given : dict
        Values of `loading_parameters`.
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

    return load_bundles(
        files,
        bundles_from=given["bundles_from"],
        reference=given["reference"],
        out_of_bounds=given["outside_box"],
        min_length=given["min_length"],
        **values,
    )
