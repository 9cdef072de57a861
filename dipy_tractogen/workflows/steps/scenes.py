"""Pictures as the command line of `dipy_render_bundles` asks for them."""

from __future__ import annotations

from collections.abc import Sequence
import logging
from pathlib import Path

from dipy_tractogen.streamlines.conditions import COMPUTED
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.viz import figures, interactive
from dipy_tractogen.viz.figures import BACKGROUNDS
from dipy_tractogen.viz.grid import plot_grid
from dipy_tractogen.viz.loading import load_panel, load_valued_panel
from dipy_tractogen.viz.multiples import (
    percentile_values,
    rows_by_bundle,
    rows_by_value,
)
from dipy_tractogen.viz.panels import Panel, assign_errors

logger = logging.getLogger("dipy_tractogen")

_MOST_IN_PANEL, _MOST_IN_CELL = 3000, 150
_ERROR = "error_mm"


def load(
    inputs: Sequence[Sequence[str]], titles: Sequence[str | None], given: dict
) -> list[Panel]:
    """Load a panel for each group of files.

    Parameters
    ----------
    inputs : sequence of sequence of str
        Files, folders or globs of each panel.
    titles : sequence of (str or None)
        Title of each panel; by default that of its files.
    given : dict
        Parameters of the command.

    Returns
    -------
    list of Panel
        The panels, with values where they are coloured by some.

    Raises
    ------
    ValueError, OSError
        If a file cannot be read, or no file has the number to colour by.
    """
    key = given["color_by"]
    if key in ("bundle", "direction"):
        return _with_bundles(inputs, titles, given)
    loaded = [
        load_valued_panel(
            files,
            key,
            title=title,
            reference=given["reference"] or None,
            out_of_bounds=given["outside_box"],
        )
        for files, title in zip(inputs, titles)
    ]
    keys = set().union(*(found for _, found in loaded))
    if key not in keys:
        has = f"the files have {listed(sorted(keys))}" if keys else "there is none"
        raise ValueError(
            f"--color_by {key}: accepted are bundle, direction and a number that the "
            f"files hold for each streamline; {has}."
        )
    panels = [panel for panel, _ in loaded]
    return _with_errors(panels) if key == _ERROR else panels


def draw(path: Path, panels: Sequence[Panel], given: dict, *, force: bool) -> None:
    """Draw panels side by side.

    Parameters
    ----------
    path : Path
        The PNG file.
    panels : sequence of Panel
        From `load`.
    given : dict
        Parameters of the command.
    force : bool
        Overwrite the file if it exists.
    """
    figures.render_bundles(
        panels,
        path,
        views=given["view"] or ["auto"],
        size=tuple(given["size"]) if given["size"] else None,
        max_streamlines=given["max_streamlines"] or _MOST_IN_PANEL,
        seed=given["seed"],
        background=given["background"],
        mask=given["mask"] or None,
        force=force,
        **_colouring(given["color_by"]),
    )


def show(panels: Sequence[Panel], given: dict) -> None:
    """Open a window with the panels, until it is closed.

    Parameters
    ----------
    panels : sequence of Panel
        From `load`.
    given : dict
        Parameters of the command.
    """
    interactive.show_bundles(
        panels,
        color_by=_colouring(given["color_by"])["color_by"],
        view=(given["view"] or ["auto"])[0],
        max_streamlines=given["max_streamlines"] or _MOST_IN_PANEL,
        seed=given["seed"],
        background=BACKGROUNDS[given["background"]],
        mask=given["mask"] or None,
    )


def draw_grid(
    path: Path,
    inputs: Sequence[Sequence[str]],
    titles: Sequence[str | None],
    given: dict,
    *,
    force: bool,
) -> None:
    """Draw a picture of each bundle, or of each bundle and value.

    Parameters
    ----------
    path : Path
        The PNG file.
    inputs, titles, given
        As for `load`.
    force : bool
        Overwrite the file if it exists.

    Raises
    ------
    ValueError, OSError
        If a file cannot be read, has no such number, or none near the values.
    """
    name = given["panels"]
    if name == "bundle":
        panels = _with_bundles(inputs, titles, given)
        rows, columns = rows_by_bundle(panels), [panel.title for panel in panels]
    else:
        panels = _with_numbers(inputs, titles, given)
        unit = COMPUTED[name][1] if name in COMPUTED else ""
        values = given["values"] or percentile_values(panels[0])
        rows = rows_by_value(panels, values, unit)
        columns = [f"{value:g} {unit}".rstrip() for value in values]
    plot_grid(
        rows,
        path,
        column_titles=columns,
        title="" if name == "bundle" else name.replace("_", " "),
        max_streamlines=given["max_streamlines"] or _MOST_IN_CELL,
        view=(given["view"] or ["auto"])[0],
        mask=given["mask"] or None,
        seed=given["seed"],
        force=force,
    )


def _with_bundles(inputs, titles, given: dict, value: str | None = None) -> list[Panel]:
    return [
        load_panel(
            files,
            title=title,
            bundles_from=given["bundles_from"],
            reference=given["reference"] or None,
            out_of_bounds=given["outside_box"],
            value=value,
        )
        for files, title in zip(inputs, titles)
    ]


def _with_numbers(inputs, titles, given: dict) -> list[Panel]:
    name = given["panels"]
    try:
        return _with_bundles(inputs, titles, given, value=name)
    except ValueError as error:
        accepted = ", ".join(("file", "bundle", *COMPUTED))
        raise ValueError(
            f"--panels {name}: {error}. Accepted are {accepted} and a number that the "
            "files hold for each streamline."
        ) from error


def _with_errors(panels: list[Panel]) -> list[Panel]:
    """Give the original streamlines the errors of their reconstructions."""
    valued = [panel for panel in panels if panel.values is not None]
    if len(valued) != 1:
        return panels
    found = [
        panel if panel.values is not None else assign_errors(panel, valued[0])
        for panel in panels
    ]
    for panel, mended in zip(panels, found):
        if mended is None:
            logger.warning(
                "%s is drawn in grey: its streamlines are not those that were "
                "reconstructed, one by one",
                panel.title,
            )
    return [mended or panel for panel, mended in zip(panels, found)]


def _colouring(color_by: str) -> dict:
    """Name what colours stand for, with its unit."""
    if color_by in ("bundle", "direction"):
        return {"color_by": color_by}
    stem = color_by.removesuffix("_mm")
    text = f"{stem} (mm)" if stem != color_by else color_by
    return {"color_by": "value", "value_name": text.replace("_", " ")}
