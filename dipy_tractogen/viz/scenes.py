"""FURY scenes of streamlines, rendered off the screen into arrays.

Only `offscreen` calls this, in a process of its own.
"""

from __future__ import annotations

import numpy as np

from .cameras import Frame

# Each pixel is the mean of so many by so many: smooth edges on every driver.
_SUPERSAMPLING = 2
_LARGEST_SIDE = 8192
_CAMERA_DISTANCE_MM = 1000.0
# Bright enough that a shaded line still has the colour of the legend.
_AMBIENT, _DIFFUSE = 0.3, 0.8
# Lines are thick where they are few and thin where they are many (pixels), and never
# thicker than a fascicle of this width (mm).
_THICK, _THIN = 2.2, 1.0
_FEW, _MANY = 100, 3000
_THICKEST_MM = 0.45
_THINNEST = 0.8


def line_width(nb_streamlines: int, pixels_per_mm: float) -> float:
    """Width of the lines for a number of streamlines.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines in the fullest panel of a picture.
    pixels_per_mm : float
        Scale of the picture.

    Returns
    -------
    float
        Pixels.
    """
    share = np.log(max(nb_streamlines, 1) / _FEW) / np.log(_MANY / _FEW)
    width = _THICK + np.clip(share, 0, 1) * (_THIN - _THICK)
    return float(max(min(width, _THICKEST_MM * pixels_per_mm), _THINNEST))


def draw_streamlines(
    streamlines,
    colours: np.ndarray,
    frame: Frame,
    size: tuple[int, int],
    *,
    width: float = 1.5,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """Render streamlines as shaded lines, in parallel projection.

    Parameters
    ----------
    streamlines : ArraySequence
        Points in RASMM mm.
    colours : ndarray of shape (n, 3) or (total points, 3)
        Red, green and blue from 0 to 1 of each streamline or each point.
    frame : Frame
        What is shown; its centre is the centre of the picture, and its height or its
        width fills it.
    size : tuple of int
        Width and height of the picture in pixels.
    width : float, optional
        Width of the lines in pixels.
    background : tuple of float, optional
        Colour behind the streamlines.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        The picture.
    """
    from fury import actor, window

    if len(colours) == len(streamlines):
        colours = np.repeat(colours, streamlines._lengths, axis=0)
    lines = actor.line(
        list(streamlines),
        colors=colours,
        linewidth=width * _scale(size),
        fake_tube=True,
        lod=False,
    )
    shading = lines.GetProperty()
    shading.SetAmbient(_AMBIENT)
    shading.SetDiffuse(_DIFFUSE)
    scene = window.Scene()
    scene.background(background)
    scene.add(lines)
    _place_camera(scene, frame, size)
    return _snapshot(scene, size)


def _scale(size: tuple[int, int]) -> int:
    return _SUPERSAMPLING if max(size) * _SUPERSAMPLING <= _LARGEST_SIDE else 1


def _place_camera(scene, frame: Frame, size: tuple[int, int]) -> None:
    centre = np.asarray(frame.centre)
    scene.set_camera(
        position=centre + _CAMERA_DISTANCE_MM * np.asarray(frame.view.direction),
        focal_point=centre,
        view_up=frame.view.up,
    )
    scene.projection(proj_type="parallel")
    half_height = max(frame.height, frame.width * size[1] / size[0]) / 2
    scene.camera().SetParallelScale(half_height)
    scene.reset_clipping_range()


def _snapshot(scene, size: tuple[int, int]) -> np.ndarray:
    """Render into an array, and close the window at once."""
    from fury.lib import RenderWindow
    from fury.window import snapshot

    scale = _scale(size)
    render_window = RenderWindow()
    render_window.SetOffScreenRendering(1)
    render_window.SetMultiSamples(0)
    render_window.SetSize(size[0] * scale, size[1] * scale)
    render_window.AddRenderer(scene)
    # The snapshot renders; doing it here too would double the time.
    pixels = snapshot(scene, render_window=render_window)[..., :3]
    render_window.RemoveRenderer(scene)
    render_window.Finalize()
    blocks = pixels.reshape(size[1], scale, size[0], scale, 3)
    return np.rint(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
