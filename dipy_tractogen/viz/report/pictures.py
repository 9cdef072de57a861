"""Pictures of a report: plots, rendered streamlines, and those of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dipy_tractogen.metrics.measures import QUALITY
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.utils.disk import DiskError, temporary_folder
from dipy_tractogen.utils.messages import format_count, listed, printable
from dipy_tractogen.utils.progress import track_progress

from ..display import RenderingUnavailable
from ..evaluation import plot_distributions, plot_measures
from ..figures import render_bundles
from ..grid import plot_grid
from ..multiples import rows_by_bundle
from ..panels import Panel, assign_errors
from ..plots import plot_history
from .content import (
    MOST_UNFOLDED,
    NB_SHOWN,
    ReportWarning,
    format_value,
    is_number,
)
from .images import Picture, encode_image, encode_plot
from .inputs import ReportInputs
from .judgement import worst_first


def history_pictures(history: list[dict]) -> list[Picture]:
    """Draw the curves of a training, if there is a history."""
    if not history:
        return []
    images = encode_plot(lambda path: plot_history(history, path))
    return [Picture("Curves of the training", _describe_curves(history), *images)]


def evaluation_pictures(metrics: dict) -> list[Picture]:
    """Draw measures by bundle, and distributions, if the report holds them."""
    pictures = []
    if metrics and _has_quality(metrics):
        pictures.append(_quality(metrics))
    if metrics.get("distributions"):
        alt = (
            f"Histograms of {listed(metrics['distributions'])}: generated "
            f"streamlines over held-out real ones. {_describe_lengths(metrics)}"
        )
        images = encode_plot(lambda path: plot_distributions(metrics, path))
        pictures.append(Picture("Distributions", alt, *images))
    return pictures


def _quality(metrics: dict) -> Picture:
    """Draw the measures of all bundles, or of many those that are worst."""
    title, bundles = "Quality beside real streamlines", metrics["bundles"]
    if len(bundles) > MOST_UNFOLDED:
        title += f", of the {NB_SHOWN} bundles farthest below them"
        shown = worst_first(bundles)[:NB_SHOWN]
        metrics = {**metrics, "bundles": {name: bundles[name] for name in shown}}
    alt = (
        "Precision, recall, density and coverage of all bundles together and of "
        f"each of {format_count(len(metrics['bundles']), 'bundle')}: generated "
        "streamlines above, real ones in their place below, with their 95 % "
        "intervals. The table of quality holds the same numbers."
    )
    images = encode_plot(lambda path: plot_measures(metrics, path))
    return Picture(title, alt, *images)


def read_pictures(inputs: ReportInputs) -> list[Picture]:
    """Read the pictures that the user gives, with their captions."""
    captions = inputs.captions or [printable(path.stem) for path in inputs.pictures]
    return [
        Picture(text, text, encode_image(path))
        for path, text in zip(inputs.pictures, captions)
    ]


def latent_pictures(latent: dict, folder: Path | None) -> list[Picture]:
    """Read the figures of an exploration of the latent space, with their texts."""
    return [
        Picture(
            figure.get("title", figure["file"]),
            figure.get("alt") or figure.get("title", figure["file"]),
            encode_image(folder / figure["file"]),
        )
        for figure in latent.get("figures", ())
    ]


def _describe_curves(history: list[dict]) -> str:
    first, last = history[0], history[-1]
    parts = [
        f"{name.replace('_', ' ')} from {first[name]:.4g} to {last[name]:.4g}"
        for name in last
        if name not in ("step", "epoch", "seconds")
        and is_number(first.get(name))
        and is_number(last[name])
    ]
    return (
        f"Curves over {format_count(len(history), 'evaluation')} of the losses; those "
        f"that begin with val are of held-out streamlines: {'; '.join(parts)}."
    )


def _describe_lengths(metrics: dict) -> str:
    entry = metrics["overall"]
    generated, real = (
        entry.get(kind, {}).get("mean_length") for kind in ("generated", "held_out")
    )
    return (
        f"Mean length {format_value(generated, 1)} mm, real {format_value(real, 1)} mm."
    )


def _has_quality(metrics: dict) -> bool:
    return any(
        entry["generated"].get(name) is not None
        for entry in (metrics["overall"], *metrics["bundles"].values())
        for name in QUALITY
    )


logger = logging.getLogger("dipy_tractogen")


class _Scene(NamedTuple):
    """A picture to be rendered; ``draw`` takes its file and options."""

    title: str
    alt: str
    draw: Callable
    folded: bool = False


def render_pictures(
    inputs: ReportInputs, **options
) -> tuple[list[Picture], list[ReportWarning]]:
    """Render real beside generated and original beside reconstructed streamlines.

    `options` are ``max_streamlines`` of a panel, ``mask`` and ``seed``, as for
    `viz.figures.render_bundles`. Returns the pictures, and a warning where rendering is
    impossible.
    """
    pictures = []
    scenes = _scenes(inputs)
    if scenes:
        logger.info("Drawing %s", format_count(len(scenes), "picture"))
    try:
        with temporary_folder() as folder:
            for number, scene in enumerate(track_progress(scenes, "Drawing")):
                path = folder / f"{number}.png"
                logger.info("Drawing %s", scene.title)
                scene.draw(path, **options)
                image = encode_image(path)
                picture = Picture(
                    *(scene.title, scene.alt, image),
                    inverts=True,
                    folded=scene.folded,
                )
                pictures.append(picture)
    except (RenderingUnavailable, DiskError) as error:
        return pictures, [ReportWarning("Report", f"Pictures are missing. {error}")]
    return pictures, []


def _scenes(inputs: ReportInputs) -> list[_Scene]:
    """Choose what is drawn."""
    given = {"real": inputs.real, "generated": inputs.generated}
    given = {kind: each for kind, each in given.items() if each is not None}
    scenes = []
    if given:
        scenes.append(_side_by_side(given))
    if len(given) == 2 and len(_names(*given.values())) > 1:
        scenes += _bundle_by_bundle(given, inputs.metrics)
    if inputs.reconstructed is not None:
        scenes.append(_reconstruction(inputs))
    return scenes


def _side_by_side(given: dict[str, BundleSet]) -> _Scene:
    panels = [Panel(kind, each) for kind, each in given.items()]
    described = [_describe(each, kind) for kind, each in given.items()]
    title = f"{' and '.join(given).capitalize()} streamlines"
    if len(described) == 2:
        described = [f"Left: {described[0]}", f"Right: {described[1]}"]

    def draw(path, *, max_streamlines, **options):
        # The same number on both sides, for comparison.
        most = min(max_streamlines, *(len(panel.streamlines) for panel in panels))
        return render_bundles(panels, path, max_streamlines=most, **options)

    return _Scene(title, f"{'. '.join(described)}.", draw)


def _bundle_by_bundle(given: dict[str, BundleSet], metrics: dict) -> Iterator[_Scene]:
    """Yield the picture of all bundles, or of many the worst, and then the others."""
    names = _names(*given.values())
    title = "Real and generated, bundle by bundle"
    if len(names) <= MOST_UNFOLDED:
        yield _rows_of(given, names, title)
        return
    if metrics:
        known = worst_first(metrics["bundles"])
        places = {name: place for place, name in enumerate(known)}
        names.sort(key=lambda name: places.get(name, len(places)))
        which = f"the {NB_SHOWN} bundles farthest below real"
    else:
        which = f"the first {NB_SHOWN} bundles"
    yield _rows_of(given, names[:NB_SHOWN], f"Real and generated, {which}")
    groups = range(NB_SHOWN, len(names), MOST_UNFOLDED)
    for number, first in enumerate(groups, 1):
        part = f"the others, {number} of {len(groups)}"
        shown = names[first : first + MOST_UNFOLDED]
        yield _rows_of(given, shown, f"Real and generated, {part}")._replace(
            folded=True
        )


def _rows_of(given: dict[str, BundleSet], names: list[str], title: str) -> _Scene:
    rows = rows_by_bundle([Panel(kind, each) for kind, each in given.items()], names)

    def draw(path, *, max_streamlines, seed, **_):
        # Without the mask, a bundle fills its cells.
        most = max(1, max_streamlines // len(names))
        return plot_grid(
            rows, path, column_titles=list(given), max_streamlines=most, seed=seed
        )

    alt = (
        f"A row for each of {format_count(len(names), 'bundle')}, real streamlines in "
        f"the left column, generated ones in the right: {listed(names)}."
    )
    return _Scene(title, alt, draw)


def _reconstruction(inputs: ReportInputs) -> _Scene:
    reconstructed = inputs.reconstructed
    errors = reconstructed.values["error_mm"]
    made = Panel("reconstructed", reconstructed, values=errors)
    panels = [made]
    alt = (
        f"{_describe(reconstructed, 'reconstructed')}, coloured by their point error, "
        f"{format_value(float(np.mean(errors)), 2)} mm on average"
    )
    if inputs.real is not None:
        # The originals get the errors of their reconstructions.
        original = Panel("original", inputs.real)
        paired = assign_errors(original, made)
        panels.insert(0, paired or original)
        ink = "" if paired else ", in grey"
        alt = f"Left: {_describe(inputs.real, 'original')}{ink}. Right: {alt}"

    def draw(path, **options):
        colours = {"color_by": "value", "value_name": "point error (mm)"}
        return render_bundles(panels, path, **colours, **options)

    return _Scene("Original and reconstructed streamlines", f"{alt}.", draw)


def _names(*sets: BundleSet) -> list[str]:
    """Names of the bundles that have a streamline in any of the sets."""
    return sorted(
        {name for each in sets for name, count in each.counts().items() if count}
    )


def _describe(bundles: BundleSet, kind: str) -> str:
    names = _names(bundles)
    return (
        f"{format_count(len(bundles), f'{kind} streamline')} of "
        f"{format_count(len(names), 'bundle')}: {listed(names)}"
    )
