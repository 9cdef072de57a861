"""Text of the parser of a command, as reStructuredText."""

from __future__ import annotations

import inspect
import re

from dipy.workflows.docstring_parser import NumpyDocString

from dipy_tractogen.workflows.cli import build_parser, cli_flows, load_flow

_DEFAULT = re.compile(r"\s*\(default: (.*)\)$", re.DOTALL)
# Names of commands and options, and what else is spelt as in Python.
_NAME = re.compile(r'(?<![\w-])(--\w+|[a-z0-9]+(?:_[a-z0-9]+)+(?:\["\w+"\])?)(?!\w)')
_MORE = "See also the :ref:`options of all commands <common-options>`."
_MARKUP = re.compile(r"([\\*`|_])")


def usage(command: str) -> str:
    """Return the usage line of a command, without naming each option.

    Parameters
    ----------
    command : str
        A key of ``cli_flows``.

    Returns
    -------
    str
        One line.
    """
    files, _ = _own_actions(command)
    words = [action.dest + (" [...]" if action.nargs else "") for action in files]
    return " ".join([command, *words, "[--option value ...]"])


def summary(command: str) -> str:
    """Return the first sentence of the docstring of a command.

    Parameters
    ----------
    command : str
        A key of ``cli_flows``.

    Returns
    -------
    str
        The sentence, in reStructuredText.
    """
    return _marked_up(" ".join(_docstring(command)["Summary"]), command)


def description(command: str) -> str:
    """Return the usage and the whole description of a command.

    Parameters
    ----------
    command : str
        A key of ``cli_flows``.

    Returns
    -------
    str
        ReStructuredText.
    """
    more = _marked_up("\n".join(_docstring(command)["Extended Summary"]), command)
    lines = [f".. program:: {command}", "", ".. code-block:: text", ""]
    return "\n".join(
        [*lines, f"   {usage(command)}", "", summary(command), "", more, ""]
    )


def options(command: str) -> str:
    """List the files, options and outputs of a command.

    Parameters
    ----------
    command : str
        A key of ``cli_flows``.

    Returns
    -------
    str
        ReStructuredText with a heading for each kind that there is.
    """
    files, others = _own_actions(command)
    outputs = [action for action in others if action.dest.startswith("out_")]
    inputs = [action for action in others if action not in outputs]
    last = load_flow(command).advanced_options()
    sections = {
        "Files": files,
        "Essential options": [one for one in inputs if one.dest not in last],
        "Outputs": outputs,
        "Advanced options": [one for one in inputs if one.dest in last],
    }
    lines = [f".. program:: {command}", ""]
    for title, actions in sections.items():
        if actions:
            lines += [f".. rubric:: {title}", ""]
            lines += [line for action in actions for line in _entry(action, command)]
    lines += [_MORE, ""]
    return "\n".join(lines)


def common_options() -> str:
    """List the options that all commands have.

    Returns
    -------
    str
        ReStructuredText.
    """
    command = next(iter(cli_flows))
    own = inspect.signature(load_flow(command).run).parameters
    actions = [action for action in _parser(command)._actions if action.dest not in own]
    lines = [line for action in actions for line in _entry(action, command)]
    return "\n".join([".. program:: dipy_tractogen", "", *lines])


def index() -> str:
    """List all commands, each with a line, in the order of the registry.

    Returns
    -------
    str
        ReStructuredText, with the table of contents.
    """
    lines = [".. list-table::", "   :widths: auto", ""]
    for command in cli_flows:
        lines += [f"   * - :doc:`{command}`", f"     - {summary(command)}"]
    lines += ["", ".. toctree::", "   :hidden:", ""]
    return "\n".join([*lines, *(f"   {command}" for command in cli_flows), ""])


def _parser(command: str):
    return build_parser(command, load_flow(command)())


def _docstring(command: str) -> NumpyDocString:
    return NumpyDocString(inspect.getdoc(load_flow(command).run))


def _own_actions(command: str) -> tuple[list, list]:
    """Return the actions of the files and of the options that are the command's own."""
    own = inspect.signature(load_flow(command).run).parameters
    actions = [action for action in _parser(command)._actions if action.dest in own]
    files = [action for action in actions if not action.option_strings]
    return files, [action for action in actions if action.option_strings]


def _entry(action, command: str) -> list[str]:
    """Describe one file or option, with its type and default."""
    text, default = action.help, None
    found = _DEFAULT.search(text)
    if found:
        text, default = text[: found.start()], found[1].strip()
    name = ", ".join(action.option_strings) or action.dest
    if action.metavar:
        name += f" <{action.metavar}>"
    if action.nargs in ("*", "+"):
        name += " ..."
    lines = [f".. option:: {name}", ""]
    lines += [f"   {line}" for line in _marked_up(text, command).splitlines()]
    if default not in (None, "None", "False", ""):
        lines += ["", f"   Default: {_value(default)}"]
    return [*lines, ""]


def _value(default: str) -> str:
    return default if " " in default else f"``{default}``"


def _marked_up(text: str, command: str) -> str:
    """Convert plain text to reStructuredText with references to commands, options."""
    actions = _parser(command)._actions
    own = {name for action in actions for name in action.option_strings}

    def reference(name: str) -> str:
        if name in cli_flows and name != command:
            return f":doc:`{name}`"
        if name in own:
            return f":option:`{name} <{command} {name}>`"
        return f"``{name}``"

    parts = _NAME.split(text)
    # Every second part is a name. Escaped spaces, which leave no room, end its markup.
    parts[::2] = [_MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"\\ {reference(name)}\\ " for name in parts[1::2]]
    return "".join(parts)
