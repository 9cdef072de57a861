"""Write the Boutiques descriptor of a command, from its own options.

::

    python pipelines/boutiques/describe.py dipy_generate_streamlines > generate.json
    bosh exec launch generate.json invocation.json
"""

import inspect
import json
import sys

from dipy_tractogen import __version__
from dipy_tractogen.workflows.cli import build_parser, load_flow

_COMMON = {"help", "version", "log_level", "log_file"}


def describe(command):
    """Return the descriptor of a command, as schema 0.5 of Boutiques has it."""
    flow = load_flow(command)()
    documented = inspect.getdoc(type(flow).run).splitlines()
    actions = build_parser(command, flow)._actions
    inputs = [
        _input(one, flow.of_files()) for one in actions if one.dest not in _COMMON
    ]
    keys = "".join(f" {one['value-key']}" for one in inputs)
    outputs = [_output(one) for one in inputs if _is_output(one)]
    return {
        "name": command,
        "description": documented[0],
        "tool-version": __version__,
        "schema-version": "0.5",
        "command-line": command + keys,
        "inputs": inputs,
        **({"output-files": outputs} if outputs else {}),
    }


def _input(action, of_files):
    known = action.dest
    is_flag = action.nargs == 0
    found = {
        "id": known,
        "name": known,
        "description": " ".join((action.help or known).split()),
        "value-key": f"[{known.upper()}]",
        "optional": bool(action.option_strings),
        "type": "Flag" if is_flag else _kind(action, known in of_files),
    }
    if found["type"] == "Number":
        found["integer"] = action.metavar == "int"
    if action.nargs in ("*", "+"):
        found["list"] = True
    if action.option_strings:
        found["command-line-flag"] = action.option_strings[-1]
    return found


def _kind(action, is_file):
    if is_file and not action.dest.startswith("out_"):
        return "File"
    shown = str(action.metavar or "")
    return "Number" if shown in ("int", "float") else "String"


def _is_output(one):
    return one["id"].startswith("out_") and one["id"] != "out_dir"


def _output(one):
    return {
        "id": f"{one['id']}_file",
        "name": one["name"],
        "description": one["description"],
        "path-template": f"[OUT_DIR]/{one['value-key']}",
        "optional": True,
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"ERROR: {sys.argv[0]} COMMAND: give one command.")
    try:
        print(json.dumps(describe(sys.argv[1]), indent=2))
    except ValueError as error:
        sys.exit(f"ERROR: {error}")
