"""Tables of ``autosummary`` without citations, whose list would be on another page."""

from __future__ import annotations

import re

from sphinx.ext.autosummary import Autosummary

_CITATION = re.compile(r"\s*:footcite:[pt]:`[^`]+`")


class Summaries(Autosummary):
    """Name, signature and first sentence of what is documented elsewhere."""

    def get_items(self, names):
        """Return the rows of the table."""
        return [
            (name, signature, _CITATION.sub("", summary), target)
            for name, signature, summary, target in super().get_items(names)
        ]


def setup(app):
    """Replace the directive of Sphinx."""
    app.setup_extension("sphinx.ext.autosummary")
    app.add_directive("autosummary", Summaries, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
