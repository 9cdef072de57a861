"""Pictures: FURY and K3D scenes of bundles, plots of matplotlib, and a report page.

No library is imported before a picture is drawn, and rendering is proved possible
first (`require_rendering`), because VTK ends the process where it is not. FURY draws in
a process of its own (`offscreen`), because it cannot share one with TensorFlow.
"""

from __future__ import annotations

from importlib import import_module

_LAZY = {
    "Panel": "panels",
    "ReportInputs": "report",
    "RenderingUnavailable": "display",
    "bundle_colours": "colours",
    "can_render": "display",
    "compare_bundles": "figures",
    "plot_bundles": "webgl",
    "plot_history": "plots",
    "render_bundles": "figures",
    "require_rendering": "display",
    "write_report": "report",
    "write_scene": "webgl",
}

__all__ = list(_LAZY)


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY))
