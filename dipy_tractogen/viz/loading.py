"""Panels read from tractograms, with a number for each streamline if requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import os
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.attribute_distances import measure_attributes
from dipy_tractogen.streamlines.array_sequence import as_sequence, take
from dipy_tractogen.streamlines.common_grid import common_grid
from dipy_tractogen.streamlines.conditions import COMPUTED
from dipy_tractogen.streamlines.formats.readers import read_tractogram
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.point_data.maps import MapSampler
from dipy_tractogen.streamlines.point_data.values import take_point_data
from dipy_tractogen.streamlines.read_progress import ReadProgress
from dipy_tractogen.streamlines.screening import screen
from dipy_tractogen.utils.files import expand_inputs, split_extension
from dipy_tractogen.utils.messages import listed, printable

from .panels import ERROR, Panel, assign_errors

logger = logging.getLogger("dipy_tractogen")


def panel_title(input_files: Sequence[str | os.PathLike]) -> str:
    """Return the stem of a single file, the folder of several, or else their number."""
    if len(input_files) == 1 and Path(input_files[0]).is_dir():
        return printable(Path(input_files[0]).resolve().name)
    files = expand_inputs(input_files)
    if len(files) == 1:
        return printable(split_extension(files[0])[0])
    folders = {file.resolve().parent.name for file in files}
    return printable(folders.pop()) if len(folders) == 1 else f"{len(files)} files"


def load_panel(
    input_files: Sequence[str | os.PathLike],
    *,
    title: str | None = None,
    bundles_from: str = "auto",
    reference: str | os.PathLike | None = None,
    out_of_bounds: str = "keep",
    value: str | None = None,
    keep_data: bool = False,
    maps: Mapping[str, str | os.PathLike] | None = None,
) -> Panel:
    """Read tractograms as one panel, with the bundles of the streamlines.

    `value` names a number of each streamline: length, curvature, tortuosity, or a key
    of ``data_per_streamline``; streamlines without it are left out. With `keep_data`
    the panel has all numbers of ``data_per_streamline``. Other options and
    errors are those of `load_bundles`; by default streamlines out of the bounding box
    are kept, as a picture is where one would want to see them.
    """
    bundles = load_bundles(
        input_files,
        bundles_from=bundles_from,
        reference=reference,
        out_of_bounds=out_of_bounds,
        continuous=[value] if value and value not in COMPUTED else [],
        keep_data=keep_data,
        maps=maps,
    )
    title = panel_title(input_files) if title is None else title
    numbers = None
    if value in COMPUTED:
        numbers = measure_attributes(bundles.streamlines)[value]
    elif value:
        numbers = bundles.values[value]
    return Panel(title, bundles, values=numbers)


def load_valued_panel(
    input_files: Sequence[str | os.PathLike],
    key: str,
    *,
    title: str | None = None,
    reference: str | os.PathLike | None = None,
    out_of_bounds: str = "keep",
    maps: Mapping[str, str | os.PathLike] | None = None,
) -> tuple[Panel, set[str]]:
    """Read tractograms as one panel, with the numbers that files hold under a key.

    These are ``data_per_streamline``, or else ``data_per_point``, one number each; an
    image of that name among `maps` takes their place. Returns the panel, in which the
    values of a file without the key are NaN, and there are none if no file has it; and
    the keys that are in the files.
    """
    maps = maps or {}
    sampler = MapSampler({key: maps[key]} if key in maps else {})
    points, lengths, values, keys = [], [], [], set(maps)
    reading = ReadProgress(expand_inputs(input_files))
    kept_anyway = out_of_bounds == "keep"
    grid = None if kept_anyway else common_grid(reading.files, reference)
    for file in reading.iterate():
        tractogram = read_tractogram(file, values=[key])
        keep, found = screen(
            tractogram.streamlines, reference=grid, out_of_bounds=out_of_bounds
        )
        reading.add(file, found)
        kept = take(tractogram.streamlines, keep)
        scalars = {
            name: np.asarray(data, dtype=np.float64).reshape(-1)
            for name, data in tractogram.data_per_streamline.items()
            if np.size(data) == len(keep)
        }
        of_points = tractogram.data_per_point
        keys.update(scalars, of_points, tractogram.left_out.get("data_per_point", ()))
        points.append(kept.get_data())
        lengths.append(np.asarray(kept._lengths))
        if sampler.names:
            found = [each[key] for each in sampler.sample(file, kept)]
            values.append(np.concatenate([np.zeros((0, 1)), *found])[:, 0])
        elif key in scalars or key not in of_points:
            values.append(scalars.get(key, np.full(len(keep), np.nan))[keep])
        else:
            values.append(_one_a_point(file, key, of_points, tractogram, keep))
    sampler.finish()
    reading.finish()
    reading.check_kept()
    panel = Panel(
        panel_title(input_files) if title is None else title,
        as_sequence(np.concatenate(points), np.concatenate(lengths)),
        values=_joined(values, lengths) if key in keys else None,
    )
    return panel, keys


def _one_a_point(file, key: str, of_points: dict, tractogram, keep) -> np.ndarray:
    """Return the value of each point of the streamlines that are kept."""
    if (width := of_points[key].shape[1]) != 1:
        raise ValueError(
            f"color_by={key!r}: {file} has {width} numbers a point, and a colour is of "
            "one."
        )
    lengths = np.asarray(tractogram.streamlines._lengths)
    return take_point_data(of_points, lengths, keep)[key][:, 0]


def _joined(values: list[np.ndarray], lengths: list[np.ndarray]) -> np.ndarray:
    """Join values of streamlines; where some are of points, of all points."""
    if all(len(one) == len(own) for one, own in zip(values, lengths)):
        return np.concatenate(values)
    return np.concatenate(
        [
            np.repeat(one, own) if len(one) == len(own) else one
            for one, own in zip(values, lengths)
        ]
    )


def load_panels(
    inputs: Sequence[Sequence[str | os.PathLike]],
    titles: Sequence[str | None],
    *,
    color_by: str = "bundle",
    bundles_from: str = "auto",
    reference: str | os.PathLike | None = None,
    out_of_bounds: str = "keep",
    value: str | None = None,
    keep_data: bool = False,
    maps: Mapping[str, str | os.PathLike] | None = None,
) -> list[Panel]:
    """Read a panel for each group of tractograms, coloured by one property.

    `titles` are those of the panels, None for the default. With `color_by` another than
    bundle and direction, panels have the values of that key of ``data_per_streamline``
    or ``data_per_point``, or of that image among `maps`; ValueError if there is none.
    Original streamlines get the errors of their reconstructions. Other options are
    those of `load_panel`.
    """
    grid = {"reference": reference, "out_of_bounds": out_of_bounds, "maps": maps}
    if color_by in ("bundle", "direction"):
        options = {"bundles_from": bundles_from, "value": value, **grid}
        options["keep_data"] = keep_data
        return [
            load_panel(files, title=title, **options)
            for files, title in zip(inputs, titles)
        ]
    loaded = [
        load_valued_panel(files, color_by, title=title, **grid)
        for files, title in zip(inputs, titles)
    ]
    keys = set().union(*(found for _, found in loaded))
    if color_by not in keys:
        has = f"the files have {listed(sorted(keys))}" if keys else "there is none"
        raise ValueError(
            f"color_by={color_by!r}: accepted are bundle, direction and a number that "
            f"the files hold for each streamline or point; {has}."
        )
    panels = [panel for panel, _ in loaded]
    return _with_errors(panels) if color_by == ERROR else panels


def colour_options(color_by: str) -> dict:
    """Return the options of `render_bundles` for panels of `load_panels`."""
    if color_by in ("bundle", "direction"):
        return {"color_by": color_by}
    stem = color_by.removesuffix("_mm")
    text = f"{stem} (mm)" if stem != color_by else color_by
    return {"color_by": "value", "value_name": text.replace("_", " ")}


def _with_errors(panels: list[Panel]) -> list[Panel]:
    """Assign the original streamlines the errors of their reconstructions."""
    valued = [panel for panel in panels if panel.values is not None]
    if len(valued) != 1:
        return panels
    found = [
        panel if panel.values is not None else assign_errors(panel, valued[0])
        for panel in panels
    ]
    for panel, assigned in zip(panels, found):
        if assigned is None:
            logger.warning(
                "%s is drawn in grey: its streamlines are not those that were "
                "reconstructed, one by one",
                panel.title,
            )
    return [assigned or panel for panel, assigned in zip(panels, found)]
