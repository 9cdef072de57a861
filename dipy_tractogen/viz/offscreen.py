"""Scenes drawn by another process, which ends when a picture is done.

The LLVM inside TensorFlow 2.21 and that of Mesa's software renderer take each other's
symbols where they share a process, and that process is lost. So the one that asks for
a picture, which may have trained a model, never opens a window: it writes the
streamlines into a temporary folder, and this module, run as a program there, leaves the
images beside them. All scenes of a picture have one process, as FURY takes a second to
load.
"""

from __future__ import annotations

from collections.abc import Sequence
import contextlib
from dataclasses import asdict
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile

import numpy as np

from dipy_tractogen.streamlines.ragged import as_sequence

from .cameras import Frame, View
from .display import RenderingUnavailable, require_rendering
from .layout import Cell
from .panels import Panel
from .scenes import draw_streamlines

# Long enough for millions of streamlines on a busy computer: it only ends what hangs.
SECONDS_PER_SCENE = 600
_PROGRAM = (sys.executable, "-m", "dipy_tractogen.viz.offscreen")
_ARRAYS, _SCENES, _IMAGE = "arrays.npz", "scenes.json", "image_{}.npy"


def draw_cells(
    cells: Sequence[Cell],
    panels: Sequence[Panel],
    colours: Sequence[np.ndarray],
    *,
    width: float,
    background: tuple[float, float, float],
) -> list[np.ndarray]:
    """Render the cells of a picture in another process.

    Parameters
    ----------
    cells : sequence of Cell
        What to render: which panel, from where, and how large.
    panels : sequence of Panel
        The streamlines.
    colours : sequence of ndarray of shape (n, 3) or (total points, 3)
        For each panel, red, green and blue from 0 to 1 of each streamline or point.
    width : float
        Width of the lines in pixels.
    background : tuple of float
        Colour behind the streamlines.

    Returns
    -------
    list of ndarray of shape (height, width, 3), uint8
        An image for each cell.

    Raises
    ------
    RenderingUnavailable
        If no process can render here, or the one that draws fails, aborts or hangs.
    """
    require_rendering()
    with tempfile.TemporaryDirectory(prefix="dipy_tractogen_") as name:
        folder = Path(name)
        _write_scenes(folder, cells, panels, colours, width, background)
        _run_program(folder, SECONDS_PER_SCENE * len(cells))
        return [
            np.load(folder / _IMAGE.format(index), allow_pickle=False)
            for index in range(len(cells))
        ]


def _write_scenes(folder: Path, cells, panels, colours, width, background) -> None:
    arrays = {}
    for index, (panel, colour) in enumerate(zip(panels, colours)):
        arrays[f"points_{index}"] = panel.points()
        arrays[f"lengths_{index}"] = np.asarray(panel.streamlines._lengths)
        arrays[f"colours_{index}"] = colour
    np.savez(folder / _ARRAYS, **arrays)
    scenes = {
        "cells": [asdict(cell) for cell in cells],
        "width": width,
        "background": background,
    }
    (folder / _SCENES).write_text(json.dumps(scenes), encoding="utf-8")


def _run_program(folder: Path, seconds: float) -> None:
    """Draw the scenes of a folder in another process, which ends before this returns.

    It begins in that folder, so that no file of the user's is taken for a module, and
    finds its modules where this process does.
    """
    places = [*map(os.path.abspath, sys.path), str(Path(__file__).parents[2])]
    # A dumb terminal: VTK colours its last words with codes that no message needs.
    changes = {"PYTHONPATH": os.pathsep.join(places), "TERM": "dumb"}
    try:
        done = subprocess.run(
            _PROGRAM,
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
            f"Rendering failed: the process that draws has not ended after {seconds} "
            "s. Draw fewer streamlines or a smaller picture."
        ) from exc
    if done.returncode:
        raise RenderingUnavailable(
            f"Rendering failed: the process that draws {_ending(done)}. If memory is "
            "short, draw fewer streamlines or a smaller picture."
        )


def _ending(done: subprocess.CompletedProcess) -> str:
    """Say in one line how a process ended and what it said last."""
    ending = f"ended with code {done.returncode}"
    if done.returncode < 0:
        ending = f"was ended by signal {-done.returncode}"
        with contextlib.suppress(ValueError):
            ending = f"was ended by {signal.Signals(-done.returncode).name}"
    lines = done.stderr.strip().splitlines()
    if not lines:
        return ending
    # VTK begins with the time, the thread and the place in its sources.
    return f"{ending} ({lines[-1].strip().rpartition('ERR| ')[2]})"


def _cell(given: dict) -> Cell:
    frame = given["frame"]
    frame = Frame(**{**frame, "view": View(**frame["view"])})
    return Cell(**{**given, "frame": frame})


def _draw_scenes(folder: Path) -> None:
    """Draw what `_write_scenes` left in a folder, an image for each cell."""
    from fury import enable_warnings

    # FURY silences VTK, and then an abort would not say why.
    enable_warnings()
    scenes = json.loads((folder / _SCENES).read_text(encoding="utf-8"))
    with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
        for index, cell in enumerate(map(_cell, scenes["cells"])):
            points = arrays[f"points_{cell.panel}"]
            image = draw_streamlines(
                as_sequence(points, arrays[f"lengths_{cell.panel}"]),
                arrays[f"colours_{cell.panel}"],
                cell.frame,
                (cell.width, cell.height),
                width=scenes["width"],
                background=scenes["background"],
            )
            np.save(folder / _IMAGE.format(index), image, allow_pickle=False)


def main() -> None:
    """Draw the scenes of the working folder, without a core file where that aborts."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _draw_scenes(Path.cwd())


if __name__ == "__main__":
    main()
