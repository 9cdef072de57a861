"""Scenes as plots of K3D: widgets of a notebook, and data of a page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dipy_tractogen.utils.messages import check_choice

from ..cameras import Frame
from ..colours import value_colours
from ..compose import Key
from ..figures import BACKGROUNDS
from ..scenes import LEVEL, Outline
from .lines import Polyline, Scene, make_scene

NEEDS_K3D = (
    "An interactive scene needs K3D, from version 3.2 and below 4: "
    'pip install "dipy_tractogen[scene]"'
)
FIELD_OF_VIEW = 20.0
"""Vertical angle of the camera in degrees, small for little perspective."""

# Width of lines as a share of what is seen.
_WIDTH = 1 / 220
# A frame fits into a window of this shape; some of the scene is nearer than its centre.
_WIDEST = 1.5
_MARGIN = 1.15
# A page relies on what these versions of K3D write and read.
_FIRST, _BEYOND = (3, 2), (4, 0)
_NB_SHADES = 9
# The glass brain: grey on white as on black. Rounded numbers make a smaller page.
_GLASS, _GLASS_OPACITY = 0x8C8C94, 0.12
_NB_STEPS = 32


def require_k3d():
    """Import K3D; an ImportError says how it is installed."""
    try:
        import k3d
    except ImportError as error:
        raise ImportError(NEEDS_K3D) from error
    version = tuple(int(part) for part in k3d.__version__.split(".")[:2])
    if not _FIRST <= version < _BEYOND:
        raise ImportError(f"{NEEDS_K3D}. This is {k3d.__version__}.")
    return k3d


def plot_bundles(panels: Sequence, *, background: str = "white", **options):
    """Make a widget of streamlines, to be turned in a notebook.

    Its menu lists the bundles, which can be switched off one by one.

    Parameters
    ----------
    panels : sequence
        What to show, in one place: as for `make_scene`.
    background : str, optional
        "white" or "black".
    **options
        Those of `make_scene`: ``color_by``, ``view``, ``max_streamlines``, ``seed``.

    Returns
    -------
    k3d.Plot
        The widget, which a notebook shows at the end of a cell.

    Raises
    ------
    ImportError
        If K3D is not installed.
    ValueError
        If an argument is not accepted.
    """
    k3d = require_k3d()
    check_choice("background", background, BACKGROUNDS)
    scene = make_scene(panels, **options)
    coloured, width = list(scene.colourings).index(scene.color_by), _line_width(scene)
    plot = _empty_plot(k3d, scene.frames[scene.view])
    plot.background_color = 0xFFFFFF if background == "white" else 0
    for line in scene.polylines:
        group = scene.titles[line.panel] if len(scene.titles) > 1 else None
        plot += _line(k3d, line, coloured, width, name=line.bundle, group=group)
    if scene.outline is not None:
        plot += _surface(k3d, scene.outline, name="mask")
    return plot


def scene_data(scene: Scene) -> bytes:
    """Return a scene as MessagePack, the same for the same scene: what a page reads."""
    import msgpack

    k3d = require_k3d()
    bundles = list(scene.bundles)
    panels = [
        {"title": title, "shown": shown, "total": total, "objects": [], "surfaces": []}
        for title, (shown, total) in zip(scene.titles, scene.counts)
    ]
    coloured, width = list(scene.colourings).index(scene.color_by), _line_width(scene)
    for number, line in enumerate(scene.polylines, start=1):
        colours = {"colours": line.colours}
        drawn = _line(k3d, line, coloured, width, custom_data=colours)
        # Compressed when it is read, not also when it is made.
        drawn.compression_level = 9
        # K3D numbers its objects by where they are in memory.
        one = {**drawn.get_binary(), "id": number, "name": ""}
        found = panels[line.panel]["objects"]
        found.append({"bundle": bundles.index(line.bundle), "line": one})
    if scene.outline is not None:
        surface = _surface(k3d, scene.outline)
        surface.compression_level = 9
        number = len(scene.polylines) + 1
        for panel in panels:
            panel["surfaces"] = [{**surface.get_binary(), "id": number, "name": ""}]
    plot = _empty_plot(
        k3d, scene.frames[scene.view], menu_visibility=False, axes_helper=0.0
    )
    return msgpack.packb(
        {
            "plot": plot.get_plot_params(),
            "panels": panels,
            "bundles": [
                {"name": name, "colour": _css(colour)}
                for name, colour in scene.bundles.items()
            ],
            "colourings": [
                _described(name, key) for name, key in scene.colourings.items()
            ],
            "colouring": coloured,
            "frames": [_as_plain(frame) for frame in scene.frames.values()],
            "view": list(scene.frames).index(scene.view),
        },
        use_bin_type=True,
    )


def _empty_plot(k3d, frame: Frame, **options):
    plot = k3d.plot(
        grid_visible=False,
        camera_auto_fit=False,
        camera_fov=FIELD_OF_VIEW,
        logarithmic_depth_buffer=False,
        axes=["R", "A", "S"],
        **options,
    )
    half = max(frame.height, frame.width / _WIDEST) / 2 * _MARGIN
    away = half / np.tan(np.radians(FIELD_OF_VIEW / 2))
    centre = np.asarray(frame.centre)
    eye = centre + away * np.asarray(frame.view.direction)
    plot.camera = [*map(float, (*eye, *centre, *frame.view.up))]
    return plot


def _line_width(scene: Scene) -> float:
    """Return the width of lines in mm."""
    frame = scene.frames[scene.view]
    return _WIDTH * max(frame.width, frame.height)


def _line(k3d, line: Polyline, coloured: int, width: float, **options):
    return k3d.line(
        line.points,
        colors=line.colours[coloured],
        shader="thick",
        width=width,
        color_map=[],
        **options,
    )


def _surface(k3d, outline: Outline, **options):
    """Make the surface of a mask, as of glass."""
    # K3D has the axes in the other order, and a cube from -1/2 to 1/2.
    last = np.array(outline.volume.shape) - 1
    from_cube = np.diag([*last, 1.0])
    from_cube[:3, 3] = last / 2
    field = np.round(outline.volume.T * _NB_STEPS) / _NB_STEPS
    return k3d.marching_cubes(
        np.ascontiguousarray(field, dtype=np.float32),
        level=LEVEL,
        color=_GLASS,
        opacity=_GLASS_OPACITY,
        flat_shading=False,
        color_map=[],
        model_matrix=outline.affine @ from_cube,
        **options,
    )


def _described(name: str, key: Key) -> dict:
    """Return what colours mean: names in a legend, or the ends of a scale."""
    if key.limits is None:
        entries = [
            {"name": one, "colour": _css(colour)} for one, colour in key.colours.items()
        ]
        return {"name": name, "entries": entries, "scale": [], "limits": []}
    shades = value_colours(np.linspace(*key.limits, _NB_SHADES), *key.limits)
    limits = [f"{limit:.3g}" for limit in key.limits]
    scale = [_css(shade) for shade in shades]
    return {"name": key.value_name, "entries": [], "scale": scale, "limits": limits}


def _css(colour: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in colour)


def _as_plain(frame: Frame) -> dict:
    view = frame.view
    return {
        "name": view.name,
        "direction": list(map(float, view.direction)),
        "up": list(map(float, view.up)),
        "centre": list(map(float, frame.centre)),
        "width": frame.width,
        "height": frame.height,
    }
