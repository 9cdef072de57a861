"""The rendered pictures of a report: real beside generated, original beside made."""

from __future__ import annotations

from collections.abc import Callable
import logging
from typing import NamedTuple

import numpy as np

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.utils.disk import DiskError, temporary_folder
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.progress import followed

from ..display import RenderingUnavailable
from ..figures import render_bundles
from ..grid import plot_grid
from ..multiples import rows_by_bundle
from ..pairs import with_errors_of
from ..panels import Panel
from .content import Finding, counted, shown
from .images import Picture, image_of
from .inputs import ReportInputs

logger = logging.getLogger("dipy_tractogen")


class _Scene(NamedTuple):
    """A picture that is to be rendered; ``draw`` takes its file and options."""

    title: str
    alt: str
    draw: Callable


def render_pictures(
    inputs: ReportInputs, **options
) -> tuple[list[Picture], list[Finding]]:
    """Render real beside generated and original beside reconstructed streamlines.

    Parameters
    ----------
    inputs : ReportInputs
        With the streamlines.
    **options
        ``max_streamlines`` of a panel, ``mask`` and ``seed``, as for
        `viz.figures.render_bundles`.

    Returns
    -------
    pictures : list of Picture
        Those that streamlines are given for.
    findings : list of Finding
        Why there are none where rendering is impossible.
    """
    pictures = []
    scenes = _scenes(inputs)
    if scenes:
        logger.info("Drawing %s", counted(len(scenes), "picture"))
    try:
        with temporary_folder() as folder:
            for number, scene in enumerate(followed(scenes, "Drawing")):
                path = folder / f"{number}.png"
                logger.info("Drawing %s", scene.title)
                scene.draw(path, **options)
                pictures.append(Picture(scene.title, scene.alt, image_of(path)))
    except (RenderingUnavailable, DiskError) as error:
        return pictures, [Finding("Report", f"Pictures are missing. {error}")]
    return pictures, []


def _scenes(inputs: ReportInputs) -> list[_Scene]:
    """Choose what is drawn."""
    given = {"real": inputs.real, "generated": inputs.generated}
    given = {kind: each for kind, each in given.items() if each is not None}
    scenes = []
    if given:
        scenes.append(_side_by_side(given))
    if len(given) == 2 and len(_names(*given.values())) > 1:
        scenes.append(_bundle_by_bundle(given))
    if inputs.reconstructed is not None:
        scenes.append(_reconstruction(inputs))
    return scenes


def _side_by_side(given: dict[str, BundleSet]) -> _Scene:
    panels = [_panel(kind, each) for kind, each in given.items()]
    described = [_describe(each, kind) for kind, each in given.items()]
    title = f"{' and '.join(given).capitalize()} streamlines"
    if len(described) == 2:
        described = [f"Left: {described[0]}", f"Right: {described[1]}"]

    def draw(path, *, max_streamlines, **options):
        # As many on both sides, so that they can be compared.
        most = min(max_streamlines, *(len(panel.streamlines) for panel in panels))
        return render_bundles(panels, path, max_streamlines=most, **options)

    return _Scene(title, f"{'. '.join(described)}.", draw)


def _bundle_by_bundle(given: dict[str, BundleSet]) -> _Scene:
    names = _names(*given.values())
    rows = rows_by_bundle([_panel(kind, each) for kind, each in given.items()])

    def draw(path, *, max_streamlines, seed, **_):
        # Without the mask, a bundle fills its cells.
        most = max(1, max_streamlines // len(names))
        return plot_grid(
            rows,
            path,
            column_titles=list(given),
            max_streamlines=most,
            seed=seed,
        )

    alt = (
        f"A row for each of {counted(len(names), 'bundle')}, real streamlines in the "
        f"left column, generated ones in the right: {listed(names)}."
    )
    return _Scene("Real and generated, bundle by bundle", alt, draw)


def _reconstruction(inputs: ReportInputs) -> _Scene:
    reconstructed = inputs.reconstructed
    errors = reconstructed.values["error_mm"]
    made = _panel("reconstructed", reconstructed, errors)
    panels = [made]
    alt = (
        f"{_describe(reconstructed, 'reconstructed')}, coloured by their point error, "
        f"{shown(float(np.mean(errors)), 2)} mm on average"
    )
    if inputs.real is not None:
        # Of the same streamlines, the error is known for the originals, too.
        original = _panel("original", inputs.real)
        paired = with_errors_of(original, made)
        panels.insert(0, paired or original)
        ink = "" if paired else ", in grey"
        alt = f"Left: {_describe(inputs.real, 'original')}{ink}. Right: {alt}"

    def draw(path, **options):
        colours = {"color_by": "value", "value_name": "point error (mm)"}
        return render_bundles(panels, path, **colours, **options)

    return _Scene("Original and reconstructed streamlines", f"{alt}.", draw)


def _panel(title: str, bundles: BundleSet, values: np.ndarray | None = None) -> Panel:
    return Panel(
        title, bundles.streamlines, bundles.labels, bundles.bundle_names, values
    )


def _names(*sets: BundleSet) -> list[str]:
    """Names of the bundles that have a streamline in any of the sets."""
    return sorted(
        {name for each in sets for name, count in each.counts().items() if count}
    )


def _describe(bundles: BundleSet, kind: str) -> str:
    names = _names(bundles)
    return (
        f"{counted(len(bundles), f'{kind} streamline')} of "
        f"{counted(len(names), 'bundle')}: {listed(names)}"
    )
