"""The interactive scene of a report."""

from __future__ import annotations

from dipy_tractogen.streamlines.dataset import BundleSet

from ..panels import Panel, share_errors
from ..webgl import ScenePage, make_scene, scene_page
from ..webgl.lines import MAX_STREAMLINES
from .inputs import ReportInputs


def report_scene(
    inputs: ReportInputs, *, max_streamlines: int, seed: int
) -> tuple[ScenePage | None, str]:
    """Make the scene of the streamlines that are given, if there are some.

    Panels have the same number of streamlines, for comparison: `max_streamlines` at
    most, and `MAX_STREAMLINES` together. Returns None without K3D, and what is missing.
    """
    given: dict[str, BundleSet | None] = {
        "real": inputs.real,
        "generated": inputs.generated,
        "reconstructed": inputs.reconstructed,
    }
    panels = [Panel(kind, each) for kind, each in given.items() if each is not None]
    if not panels:
        return None, ""
    share_errors(panels)
    fewest = min(len(panel.streamlines) for panel in panels)
    most = min(max_streamlines, MAX_STREAMLINES // len(panels), fewest)
    try:
        scene = make_scene(panels, max_streamlines=most, seed=seed)
        return scene_page(scene, title="Streamlines in three dimensions"), ""
    except ImportError as error:
        return None, str(error)
