"""Interactive scenes of streamlines, drawn by K3D in a browser or a notebook."""

from __future__ import annotations

from .lines import Scene, make_scene
from .page import ScenePage, scene_page, write_scene
from .plot import plot_bundles, require_k3d

__all__ = [
    "Scene",
    "ScenePage",
    "plot_bundles",
    "make_scene",
    "require_k3d",
    "scene_page",
    "write_scene",
]
