"""FURY scenes of streamlines and of a glass brain, rendered into arrays.

Only `offscreen` and `interactive` draw them, in a process of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
import os

import numpy as np
from scipy.ndimage import binary_fill_holes, gaussian_filter, zoom

from dipy_tractogen.streamlines.volume import Volume, load_mask

from .cameras import Frame

# Each pixel is the mean of 2 by 2 rendered ones: smooth edges on every driver.
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
# The glass brain: colours by background, and how much of them is seen.
_OUTLINE_ON_WHITE, _OUTLINE_ON_BLACK = (0.35, 0.35, 0.4), (0.75, 0.75, 0.8)
_SURFACE_OPACITY, _CONTOUR_OPACITY = 0.06, 0.6

# Voxels (mm) of the surface, and the width (mm) of the Gaussian that smooths it:
# finer, it would show the steps of the mask's voxels.
_VOXEL_MM = 2.0
_SMOOTHING_MM = 2.0
# Voxels around the mask, so that its surface is closed.
_PADDING = 4
LEVEL = 0.5
"""Value of `Outline.volume` at the surface."""


@dataclass(frozen=True)
class Outline:
    """A smooth volume whose surface at `LEVEL` is that of a mask."""

    volume: np.ndarray
    affine: np.ndarray

    def points(self) -> np.ndarray:
        """Return the centres (n, 3) of the voxels inside, in RASMM mm."""
        voxels = np.argwhere(self.volume > LEVEL)
        return voxels @ self.affine[:3, :3].T + self.affine[:3, 3]


def smooth_mask(mask: Volume) -> Outline:
    """Fill and smooth a mask, on voxels of about 2 mm, to draw its surface."""
    inside = np.argwhere(mask.data)
    low, high = inside.min(axis=0), inside.max(axis=0) + 1
    cut = tuple(slice(*limits) for limits in zip(low, high))
    filled = np.pad(binary_fill_holes(mask.data[cut]), _PADDING).astype(np.float32)
    sizes = np.linalg.norm(mask.affine[:3, :3], axis=0)
    filled = gaussian_filter(filled, _SMOOTHING_MM / sizes)
    shares = np.minimum(sizes / _VOXEL_MM, 1.0)
    volume = zoom(filled, shares, order=1)
    # Corners stay where they are, so that steps differ a little from `_VOXEL_MM`.
    steps = (np.array(filled.shape) - 1) / np.maximum(np.array(volume.shape) - 1, 1)
    affine = mask.affine.copy()
    affine[:3, 3] = mask.affine[:3, :3] @ (low - _PADDING) + mask.affine[:3, 3]
    affine[:3, :3] = mask.affine[:3, :3] * steps
    return Outline(volume, affine)


def load_outline(path: str | os.PathLike, points: np.ndarray) -> Outline:
    """Read a mask to draw streamlines in, whose points (n, 3) are in RASMM mm.

    Raises ValueError if it is no mask, or none of the points is in it.
    """
    mask = load_mask(path)
    if not mask.at(points).any():
        raise ValueError(
            f"{path}: no point of the streamlines is in the mask: give one in their "
            "space."
        )
    return smooth_mask(mask)


def line_width(nb_streamlines: int, pixels_per_mm: float) -> float:
    """Return the width of lines in pixels for the streamlines of the fullest panel."""
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
    behind: tuple | None = None,
    outline: Outline | None = None,
) -> np.ndarray:
    """Render streamlines as shaded lines, in parallel projection.

    `colours` are RGB (n, 3) or (total points, 3) from 0 to 1; `size` and `width` are in
    pixels; `behind` holds streamlines and colours of others, drawn behind wherever they
    are. Returns the picture (height, width, 3), uint8.
    """
    from fury import window

    scenes = [window.Scene()]
    scenes[0].background(background)
    if outline is not None:
        add_outline(scenes[0], outline, background, _scale(size))
    if behind is not None:
        scenes[0].add(make_lines(*behind, width * _scale(size)))
    if outline is not None or behind is not None:
        # A second layer covers the first one whatever is nearer.
        scenes.append(window.Scene())
        scenes[1].SetLayer(1)
    scenes[-1].add(make_lines(streamlines, colours, width * _scale(size)))
    for scene in scenes:
        place_camera(scene, frame, size)
    return _snapshot(scenes, size)


def make_lines(streamlines, colours: np.ndarray, width: float):
    """Make a FURY actor of shaded lines; arguments are as for `draw_streamlines`."""
    from fury import actor

    if len(colours) == len(streamlines):
        colours = np.repeat(colours, streamlines._lengths, axis=0)
    lines = actor.line(
        list(streamlines), colors=colours, linewidth=width, fake_tube=True, lod=False
    )
    shading = lines.GetProperty()
    shading.SetAmbient(_AMBIENT)
    shading.SetDiffuse(_DIFFUSE)
    return lines


def add_outline(scene, outline: Outline, background, width: float) -> None:
    """Add the transparent surface of a mask to a scene, and its contour."""
    from fury.lib import Actor, PolyDataMapper
    from vtkmodules.vtkFiltersHybrid import vtkPolyDataSilhouette

    ink = _OUTLINE_ON_WHITE if sum(background) > 1.5 else _OUTLINE_ON_BLACK
    surface = _surface_of(outline)
    contour = vtkPolyDataSilhouette()
    contour.SetInputConnection(surface.GetOutputPort())
    contour.SetCamera(scene.GetActiveCamera())
    contour.SetEnableFeatureAngle(0)
    for source, opacity in ((surface, _SURFACE_OPACITY), (contour, _CONTOUR_OPACITY)):
        mapper = PolyDataMapper()
        mapper.SetInputConnection(source.GetOutputPort())
        mapper.ScalarVisibilityOff()
        drawn = Actor()
        drawn.SetMapper(mapper)
        shown = drawn.GetProperty()
        shown.SetColor(*ink)
        shown.SetOpacity(opacity)
        shown.SetLineWidth(width)
        shown.LightingOff()
        scene.add(drawn)


def _surface_of(outline: Outline):
    """Return a filter whose output is the surface of a volume in RASMM mm."""
    from fury.lib import (
        ContourFilter,
        ImageData,
        Matrix4x4,
        Transform,
        TransformPolyDataFilter,
        numpy_support,
    )

    image = ImageData()
    image.SetDimensions(outline.volume.shape)
    flat = np.ascontiguousarray(outline.volume.ravel(order="F"))
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(flat, deep=1))
    surface = ContourFilter()
    surface.SetInputData(image)
    surface.SetValue(0, LEVEL)
    matrix = Matrix4x4()
    matrix.DeepCopy(outline.affine.ravel())
    to_rasmm = Transform()
    to_rasmm.SetMatrix(matrix)
    placed = TransformPolyDataFilter()
    placed.SetInputConnection(surface.GetOutputPort())
    placed.SetTransform(to_rasmm)
    return placed


def _scale(size: tuple[int, int]) -> int:
    return _SUPERSAMPLING if max(size) * _SUPERSAMPLING <= _LARGEST_SIDE else 1


def place_camera(scene, frame: Frame, size: tuple[int, int]) -> None:
    """Set the camera of a scene to a frame, in parallel projection."""
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


def _snapshot(scenes: list, size: tuple[int, int]) -> np.ndarray:
    """Render the layers of a picture into an array, and close the window at once."""
    from fury.lib import RenderWindow
    from fury.window import snapshot

    scale = _scale(size)
    render_window = RenderWindow()
    render_window.SetOffScreenRendering(1)
    render_window.SetMultiSamples(0)
    render_window.SetSize(size[0] * scale, size[1] * scale)
    render_window.SetNumberOfLayers(len(scenes))
    for scene in scenes:
        render_window.AddRenderer(scene)
    # The snapshot renders; doing it here too would double the time.
    pixels = snapshot(scenes[0], render_window=render_window)[..., :3]
    for scene in scenes:
        render_window.RemoveRenderer(scene)
    render_window.Finalize()
    blocks = pixels.reshape(size[1], scale, size[0], scale, 3)
    return np.rint(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
