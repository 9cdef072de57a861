"""Pictures of tractogram files: side by side, by bundle, or by values of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import os
from pathlib import Path

from dipy_tractogen.streamlines.conditions import COMPUTED
from dipy_tractogen.utils.files import expand_inputs
from dipy_tractogen.utils.messages import check_choice

from . import display, figures, grid
from . import interactive as window
from .cameras import VIEW_CHOICES
from .layout import check_size
from .loading import colour_options, load_panels
from .multiples import percentile_values, rows_by_bundle, rows_by_value

logger = logging.getLogger("dipy_tractogen")

Files = str | os.PathLike | Sequence[str | os.PathLike]


def render_tractograms(
    input_files: Files,
    path: str | Path,
    *,
    compare_with: Files | None = None,
    titles: Sequence[str] | None = None,
    panels: str = "file",
    values: Sequence[float] | None = None,
    color_by: str = "bundle",
    view: Sequence[str] = ("auto",),
    mask: str | Path | None = None,
    size: Sequence[int] | None = None,
    max_streamlines: int | None = None,
    background: str = "white",
    interactive: bool = False,
    bundles_from: str = "auto",
    reference: str | Path | None = None,
    outside_box: str = "keep",
    maps: Mapping[str, str | Path] | None = None,
    seed: int = 0,
    force: bool = False,
) -> Path:
    """Render tractograms into a PNG, and beside them those that they are compared with.

    Parameters
    ----------
    input_files, compare_with : str, Path or sequence of these
        Tractograms of the first and the second panel: files, folders or globs.
    path : str or Path
        The PNG file.
    titles : sequence of str, optional
        Title of each panel; by default the name of the file or of the folder.
    panels : str, optional
        "file", a panel for the input files and one for the others; "bundle", a row for
        each bundle; or the name of a number of each streamline, such as "length", with
        a column for each of the `values`.
    values : sequence of float, optional
        Numbers of the columns, ascending; by default three percentiles.
    color_by : str, optional
        "bundle", "direction", or a key of ``data_per_streamline`` or
        ``data_per_point``.
    view : sequence of str, optional
        Sides that the panels are seen from, as for `render_bundles`.
    mask : str or Path, optional
        Image that is not zero in the brain, whose surface is drawn.
    size : sequence of int, optional
        Width and height in pixels; by default what the content needs.
    max_streamlines : int, optional
        Number of streamlines drawn in a panel, about; by default 3000, or 150 in each
        picture of a bundle.
    background : str, optional
        "white" or "black".
    interactive : bool, optional
        Open a window as well, and wait until it is closed.
    bundles_from, reference, outside_box : optional
        As for `load_bundles`; streamlines that leave the box are kept by default.
    maps : mapping of str to str or Path, optional
        Images of values by name, to colour by, as for `load_bundles`.
    seed : int, optional
        Seed of the choice of streamlines.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If an argument is not accepted, or has no effect on a picture of this kind.
    OSError
        If a file cannot be read or written, or rendering is impossible here.
    """
    inputs, titles = titled_inputs(input_files, compare_with, titles)
    view = list(view)
    for name in view:
        check_choice("view", name, VIEW_CHOICES)
    check_size(size)
    if maps and color_by not in maps:
        raise ValueError(
            f"maps={dict(maps)}: their values are colours, and color_by={color_by!r} "
            f"is none of them: give color_by={next(iter(maps))!r}, or leave them out."
        )
    of_panels = {"color_by": color_by, "size": tuple(size or ())}
    of_panels.update(background=background, interactive=interactive)
    _check_without_effect(panels, values, view, of_panels)
    for files in inputs:
        expand_inputs(files)
    # First, because rendering may start a display that nobody sees.
    if interactive:
        display.require_screen()
    display.require_rendering()
    loading = {
        "bundles_from": bundles_from,
        "reference": reference,
        "out_of_bounds": outside_box,
        "maps": maps,
    }
    options = {"mask": mask, "seed": seed}
    if max_streamlines is not None:
        options["max_streamlines"] = max_streamlines
    if panels != "file":
        rows, columns = _load_rows(inputs, titles, panels, values, **loading)
        title = "" if panels == "bundle" else panels.replace("_", " ")
        options.update(column_titles=columns, title=title, view=view[0])
        return grid.plot_grid(rows, path, force=force, **options)
    loaded = load_panels(inputs, titles, color_by=color_by, **loading)
    options |= colour_options(color_by)
    size = tuple(size) if size else None
    more = {"views": view, "size": size, "background": background}
    path = figures.render_bundles(loaded, path, force=force, **more, **options)
    if interactive:
        logger.info("Close the window to go on")
        options.pop("value_name", None)
        colour = figures.BACKGROUNDS[background]
        window.show_bundles(loaded, view=view[0], background=colour, **options)
    return path


def titled_inputs(
    input_files: Files, compare_with: Files | None, titles: Sequence[str] | None
) -> tuple[list[list], list[str | None]]:
    """Return the files and the title of each panel, None for the default.

    Raises ValueError if there is not a title for each.
    """
    inputs = [_listed(files) for files in (input_files, compare_with) if files]
    titles = list(titles or [None] * len(inputs))
    if len(titles) != len(inputs):
        raise ValueError(
            f"titles={tuple(titles)}: give one title for each panel, {len(inputs)} in "
            "all."
        )
    return inputs, titles


def _listed(files: Files) -> list:
    return [files] if isinstance(files, (str, os.PathLike)) else list(files)


_DEFAULTS = {"color_by": "bundle", "size": (), "background": "white"}


def _check_without_effect(panels: str, values, view: list, of_panels: dict) -> None:
    """Raise ValueError for options without effect on a picture of this kind."""
    if panels in ("file", "bundle") and values:
        shown = " ".join(f"{value:g}" for value in values)
        raise ValueError(
            f"values=({shown}): they are the columns of panels='length' or the like, "
            f"not of panels={panels!r}."
        )
    if panels == "file":
        return
    if len(view) > 1 or view == ["all"]:
        raise ValueError(f"view={tuple(view)}: with panels={panels!r} give one side.")
    for name, value in of_panels.items():
        if value != _DEFAULTS.get(name, False):
            raise ValueError(
                f"{name}={value!r} and panels={panels!r}: leave out one of them."
            )


def _load_rows(inputs, titles, panels: str, values, **loading) -> tuple:
    """Read tractograms as the rows of a grid; also return the titles of its columns."""
    if panels == "bundle":
        loaded = load_panels(inputs, titles, **loading)
        return rows_by_bundle(loaded), [panel.title for panel in loaded]
    try:
        loaded = load_panels(inputs, titles, value=panels, **loading)
    except ValueError as error:
        accepted = ", ".join(("file", "bundle", *COMPUTED))
        raise ValueError(
            f"panels={panels!r}: {error}. Accepted are {accepted} and a number that "
            "the files hold for each streamline."
        ) from error
    unit = COMPUTED[panels][1] if panels in COMPUTED else ""
    values = values or percentile_values(loaded[0])
    rows = rows_by_value(loaded, values, unit)
    return rows, [f"{value:g} {unit}".rstrip() for value in values]
