"""Report of a training, of generated streamlines and of their quality, on one page.

The page is a single file: styles, script and pictures are in it, nothing is loaded from
elsewhere, and a content security policy holds it to that.
"""

from __future__ import annotations

from .inputs import ReportInputs
from .page import write_report

__all__ = ["ReportInputs", "write_report"]
