"""Rendering of scenes in another process, which ends when a picture is done.

The LLVM inside TensorFlow 2.21 and that of Mesa's software renderer take each other's
symbols where they share a process, and that process is lost. So the process that wants
a picture, which may have trained a model, never opens a window: it writes the
streamlines into a temporary folder, and this module, run as a program there, writes the
images beside them. All scenes of a picture share one process, as FURY takes a second to
load.
"""

from __future__ import annotations

from collections.abc import Sequence
import contextlib
from dataclasses import asdict
import json
import logging
import os
from pathlib import Path
import signal
import subprocess
import sys

import numpy as np

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.utils.disk import temporary_folder

from .cameras import Frame, View
from .display import RenderingUnavailable, require_rendering
from .layout import Cell
from .panels import Panel
from .scenes import Outline, draw_streamlines

logger = logging.getLogger("dipy_tractogen")

# Enough for millions of streamlines on a busy computer; ends a process that hangs.
SECONDS_PER_SCENE = 600
_PROGRAM = (sys.executable, "-m", "dipy_tractogen.viz.offscreen")
_MANY = 20
_ARRAYS, _SCENES, _IMAGE = "arrays.npz", "scenes.json", "image_{}.npy"


def render_cells(
    cells: Sequence[Cell],
    panels: Sequence[Panel],
    colours: Sequence[np.ndarray],
    *,
    width: float,
    background: tuple[float, float, float],
    outline: Outline | None = None,
) -> list[np.ndarray]:
    """Render the cells of a picture in another process; return an image for each.

    `colours` are RGB (n, 3) or (total points, 3) from 0 to 1 for each panel; `width` is
    that of the lines in pixels. Images are (height, width, 3), uint8. Raises
    RenderingUnavailable if rendering is impossible here, or the process fails or hangs.
    """
    require_rendering()
    if len(cells) >= _MANY:
        logger.info("Rendering %d pictures", len(cells))
    with temporary_folder() as folder:
        settings = {"width": width, "background": background}
        write_scenes(folder, cells, panels, colours, outline, **settings)
        run_program(_PROGRAM, folder, SECONDS_PER_SCENE * len(cells))
        return [
            np.load(folder / _IMAGE.format(index), allow_pickle=False)
            for index in range(len(cells))
        ]


def write_scenes(
    folder: Path,
    cells: Sequence[Cell],
    panels: Sequence[Panel],
    colours: Sequence[np.ndarray],
    outline: Outline | None,
    **settings,
) -> None:
    """Write scenes and plain settings into a folder, for another process."""
    arrays = {}
    for index, (panel, colour) in enumerate(zip(panels, colours)):
        arrays[f"points_{index}"] = panel.points()
        arrays[f"lengths_{index}"] = np.asarray(panel.streamlines._lengths)
        arrays[f"colours_{index}"] = colour
    if outline is not None:
        arrays.update(outline_volume=outline.volume, outline_affine=outline.affine)
    np.savez(folder / _ARRAYS, **arrays)
    scenes = {"cells": [asdict(cell) for cell in cells], **settings}
    (folder / _SCENES).write_text(json.dumps(scenes), encoding="utf-8")


class Scenes:
    """The scenes that `write_scenes` wrote into a folder."""

    def __init__(self, folder: Path):
        self.settings = json.loads((folder / _SCENES).read_text(encoding="utf-8"))
        self.cells = [_cell(given) for given in self.settings.pop("cells")]
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            self._arrays = dict(arrays)
        self.outline = None
        if "outline_volume" in self._arrays:
            parts = (self._arrays[f"outline_{name}"] for name in ("volume", "affine"))
            self.outline = Outline(*parts)

    def panel(self, index: int) -> tuple:
        """Return the streamlines of a panel, and their colours."""
        points = self._arrays[f"points_{index}"]
        lengths = self._arrays[f"lengths_{index}"]
        return as_sequence(points, lengths), self._arrays[f"colours_{index}"]


def run_program(
    program: Sequence[str], folder: Path, seconds: float | None = None
) -> None:
    """Run a program on the scenes of a folder, until it ends.

    It begins in that folder, so that no file of the user's is taken for a module, and
    finds its modules where this process does. Raises RenderingUnavailable if it fails,
    or takes longer than `seconds`.
    """
    places = [*map(os.path.abspath, sys.path), str(Path(__file__).parents[2])]
    # A dumb terminal: VTK adds colour codes to its messages otherwise.
    changes = {"PYTHONPATH": os.pathsep.join(places), "TERM": "dumb"}
    try:
        done = subprocess.run(
            program,
            cwd=folder,
            env={**os.environ, **changes},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as exc:
        raise RenderingUnavailable(
            f"Rendering failed: the process that draws has not ended after {seconds:g} "
            "s. Draw fewer streamlines or a smaller picture."
        ) from exc
    if done.returncode:
        raise RenderingUnavailable(
            f"Rendering failed: the process that draws {_ending(done)}. If memory is "
            "short, draw fewer streamlines or a smaller picture."
        )


def _ending(done: subprocess.CompletedProcess) -> str:
    """Describe in one line how a process ended and its last message."""
    ending = f"ended with code {done.returncode}"
    if done.returncode < 0:
        ending = f"was ended by signal {-done.returncode}"
        with contextlib.suppress(ValueError):
            ending = f"was ended by {signal.Signals(-done.returncode).name}"
    lines = done.stderr.strip().splitlines()
    if not lines:
        return ending
    # VTK's lines begin with time, thread and source file.
    return f"{ending} ({lines[-1].strip().rpartition('ERR| ')[2]})"


def _cell(given: dict) -> Cell:
    frame = given["frame"]
    frame = Frame(**{**frame, "view": View(**frame["view"])})
    return Cell(**{**given, "frame": frame})


def _draw_scenes(folder: Path) -> None:
    """Draw what `write_scenes` wrote, an image for each cell."""
    scenes = Scenes(folder)
    for index, cell in enumerate(scenes.cells):
        image = draw_streamlines(
            *scenes.panel(cell.panel),
            cell.frame,
            (cell.width, cell.height),
            width=scenes.settings["width"],
            background=scenes.settings["background"],
            behind=None if cell.behind is None else scenes.panel(cell.behind),
            outline=scenes.outline,
        )
        np.save(folder / _IMAGE.format(index), image, allow_pickle=False)


def prepare_process() -> None:
    """Prepare a process that draws: it reports failures, without a core file."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from fury import enable_warnings

    # FURY silences VTK; then an abort would not give its reason.
    enable_warnings()


def main() -> None:
    """Draw the scenes of the working folder."""
    prepare_process()
    _draw_scenes(Path.cwd())


if __name__ == "__main__":
    main()
