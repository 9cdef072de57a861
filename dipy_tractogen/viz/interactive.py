"""An interactive window, drawn by another process.

The process that asks for it may have loaded TensorFlow, which cannot share one with the
renderer (`offscreen`); it waits until the window is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import sys

from dipy_tractogen.utils.disk import temporary_folder

from .cameras import choose_views, frame_points
from .display import require_screen
from .figures import colour_panels, select_streamlines
from .layout import Cell
from .offscreen import Scenes, prepare_process, run_program, write_scenes
from .panels import Panel
from .scenes import add_outline, line_width, make_lines, place_camera
from .style import short_label

_PROGRAM = (sys.executable, "-m", "dipy_tractogen.viz.interactive")
_SIZE = (1200, 800)
_TEXT_SIZE, _SMALL = 18, 14


def show_bundles(
    panels: Sequence[Panel],
    *,
    color_by: str = "bundle",
    view: str = "auto",
    max_streamlines: int = 3000,
    seed: int = 0,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    mask: str | Path | None = None,
    seconds: float | None = None,
) -> None:
    """Open a window with panels side by side, turned together with the mouse.

    Options are as for `figures.render_bundles`; `background` is a colour, and the
    window closes after `seconds`, if given. Raises ValueError if there is no panel, or
    no streamline meets the mask; RenderingUnavailable without a display.
    """
    if not panels:
        raise ValueError("there is no panel to show: give one or more.")
    require_screen()
    drawn, outline, points = select_streamlines(panels, max_streamlines, seed, mask)
    (seen,) = choose_views([view], points)[:1]
    frame = frame_points(points, seen)
    width = _SIZE[0] // len(drawn)
    cells = [
        Cell(index, frame, index * width, 0, width, _SIZE[1])
        for index in range(len(drawn))
    ]
    key, colours = colour_panels(drawn, color_by, "")
    scale = min(width / frame.width, _SIZE[1] / frame.height)
    settings = {
        "titles": [panel.title for panel in drawn],
        "legend": dict(key.colours),
        "width": line_width(max(len(panel.streamlines) for panel in drawn), scale),
        "background": background,
        "seconds": seconds,
    }
    with temporary_folder() as folder:
        write_scenes(folder, cells, drawn, colours, outline, **settings)
        run_program(_PROGRAM, folder)


def _window_of(scenes: Scenes):
    """Make the window: a scene for each panel, all with one camera."""
    from fury import window

    made = [_scene_of(scenes, index) for index in range(len(scenes.cells))]
    manager = window.ShowManager(
        scene=made[0],
        title="dipy_tractogen",
        size=_SIZE,
        reset_camera=False,
        interactor_style="trackball",
    )
    for index, scene in enumerate(made):
        scene.SetViewport(index / len(made), 0, (index + 1) / len(made), 1)
        if index:
            scene.SetActiveCamera(made[0].GetActiveCamera())
            manager.window.AddRenderer(scene)
    return manager


def _scene_of(scenes: Scenes, index: int):
    from fury import window

    cell, settings = scenes.cells[index], scenes.settings
    scene = window.Scene()
    scene.background(settings["background"])
    scene.add(make_lines(*scenes.panel(cell.panel), settings["width"]))
    place_camera(scene, cell.frame, (cell.width, cell.height))
    if scenes.outline is not None:
        add_outline(scene, scenes.outline, settings["background"], 1.0)
    ink = 3 * [0.0 if sum(settings["background"]) > 1.5 else 1.0]
    scene.add(_text(settings["titles"][index], ink, _TEXT_SIZE, _TEXT_SIZE))
    # The names of the legend are spread over the panels.
    names = list(settings["legend"].items())[index :: len(scenes.cells)]
    for line, (name, colour) in enumerate(names, start=1):
        bottom = _SIZE[1] - _TEXT_SIZE - 1.2 * line * _SMALL
        scene.add(_text(name, colour, _SMALL, bottom))
    return scene


def _text(text: str, colour: Sequence[float], size: int, bottom: float):
    """Write text at the left of a scene, at a height in pixels."""
    from fury.lib import TextActor
    from vtkmodules.vtkRenderingCore import vtkTextRenderer

    # A name with dollars is not rendered as a formula.
    vtkTextRenderer.GetInstance().SetDefaultBackend(vtkTextRenderer.FreeType)

    written = TextActor()
    written.SetInput(short_label(text))
    style = written.GetTextProperty()
    style.SetFontSize(size)
    style.SetColor(*colour)
    written.SetPosition(_TEXT_SIZE, bottom)
    return written


def main() -> None:
    """Show the scenes of the working folder until the window is closed."""
    prepare_process()
    scenes = Scenes(Path.cwd())
    manager = _window_of(scenes)
    if scenes.settings["seconds"] is not None:
        milliseconds = round(1000 * scenes.settings["seconds"])
        manager.add_timer_callback(False, milliseconds, lambda *_: manager.exit())
    manager.start()


if __name__ == "__main__":
    main()
