"""Pages of the commands, made from their parsers.

``.. command:: NAME`` gives the usage of a command and what it does; ``.. options::
NAME`` its files and options, each a target of ``:option:``; ``.. command-index::``
lists the commands, and ``.. common-options::`` what all of them have.
"""

from __future__ import annotations

from pathlib import Path

from command_text import common_options, description, index, options
from sphinx.util.docutils import SphinxDirective

from dipy_tractogen import workflows
from dipy_tractogen.workflows.cli import cli_flows


class _FromParser(SphinxDirective):
    """Add the text that a function makes from a parser to a page."""

    def run(self):
        """Parse the text where the directive stands."""
        for path in Path(workflows.__file__).parent.glob("*.py"):
            self.env.note_dependency(str(path))
        if self.arguments and self.arguments[0] not in cli_flows:
            raise self.error(f"{self.arguments[0]} is no command.")
        text = self.text(*self.arguments)
        return self.parse_text_to_nodes(text)


class Command(_FromParser):
    """Usage and description of a command."""

    required_arguments = 1
    text = staticmethod(description)


class Options(_FromParser):
    """Files, options and outputs of a command."""

    required_arguments = 1
    text = staticmethod(options)


class CommandIndex(_FromParser):
    """A line for each command, and the table of contents."""

    text = staticmethod(index)


class CommonOptions(_FromParser):
    """Options that all commands have."""

    text = staticmethod(common_options)


def setup(app):
    """Register the directives with Sphinx."""
    app.add_directive("command", Command)
    app.add_directive("options", Options)
    app.add_directive("command-index", CommandIndex)
    app.add_directive("common-options", CommonOptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
