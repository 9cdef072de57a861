"""What every command line of the table has to keep, whatever the workflow."""

import inspect
import json
import subprocess
import sys

from dipy.workflows.base import IntrospectiveArgumentParser
from dipy.workflows.docstring_parser import NumpyDocString
from dipy.workflows.workflow import Workflow
import pytest

from dipy_tractogen.workflows.cli import build_parser, cli_flows, load_flow

SHARED = ("help", "version", "force", "quiet", "log_level", "log_file")
TYPES = (str, int, float, bool)

HELP = """
import contextlib, io, json, sys
from dipy_tractogen.workflows.cli import cli_flows, main
codes = {}
for command in cli_flows:
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            codes[command] = main(command, ["--help"])
        except SystemExit as end:
            codes[command] = end.code
heavy = "tensorflow jax torch keras fury vtkmodules matplotlib sklearn jinja2".split()
print(json.dumps([codes, [name for name in heavy if name in sys.modules]]))
"""


def faults(run):
    """Tell how the signature and the docstring of a ``run`` misuse the parser."""
    parameters = list(inspect.signature(run).parameters.values())
    parameters = [parameter for parameter in parameters if parameter.name != "self"]
    names = [parameter.name for parameter in parameters]
    documented = NumpyDocString(inspect.getdoc(run) or "")["Parameters"]
    if [name for name, _, _ in documented] != names:
        return [f"documented are {[name for name, _, _ in documented]}, not {names}"]
    found = [f"{name} is an option of all commands" for name in names if name in SHARED]
    select = IntrospectiveArgumentParser()._select_dtype
    for parameter, (name, text, _) in zip(parameters, documented):
        optional = parameter.default is not parameter.empty
        kind = select(text)[0]
        if kind not in TYPES:
            found.append(f"{name} has no type in {text!r}")
        elif kind is not bool and isinstance(parameter.default, bool):
            found.append(f"{name} has a bool for a default, but is {text!r}")
        elif isinstance(parameter.default, (str, float)) and not isinstance(
            parameter.default, kind
        ):
            found.append(f"{name} becomes {kind.__name__}, not {parameter.default!r}")
        if parameter.default is True:
            found.append(f"{name} cannot be turned off")
        if optional != ("optional" in text):
            found.append(f"{name} is optional in only one of signature and docstring")
        if "out_" in name and not (
            name.startswith("out_") and isinstance(parameter.default, str)
        ):
            found.append(f"{name} would be an output file")
    outputs = [name for name in names if "out_" in name]
    # Commands on cohorts have their output folder as applications of BIDS have it.
    begins = outputs[:1] == ["out_dir"] or "output_dir" in names
    if outputs and not (begins and names[-len(outputs) :] == outputs):
        found.append(f"{outputs} do not come last, with out_dir first")
    return found


@pytest.mark.parametrize("command", cli_flows)
def test_signature_and_docstring_agree(command):
    assert faults(load_flow(command).run) == []


@pytest.mark.parametrize("command", cli_flows)
def test_parser_can_be_built(command):
    flow = load_flow(command)
    assert issubclass(flow, Workflow)
    parser = build_parser(command, flow())
    actions = {action.dest: action for action in parser._actions}
    assert set(SHARED) < set(actions)
    # Python 3.14 takes a percent sign for a place that is filled in.
    assert all(action.help and "%" not in action.help for action in parser._actions)
    positional = [action for action in parser._actions if not action.option_strings]
    given = ["a.trx" for _ in positional]
    assert vars(parser.parse_args(given))["force"] is False


@pytest.mark.parametrize("command", cli_flows)
def test_help_has_the_essential_options_first(command):
    flow = load_flow(command)
    signature = inspect.signature(flow.run).parameters.values()
    inputs = [one.name for one in signature if not one.name.startswith("out_")]
    options = [one.name for one in signature if one.default is not one.empty]
    advanced = flow.advanced_options()
    assert advanced <= set(options) & set(inputs)
    assert len(set(options) & set(inputs) - advanced) <= 15
    assert advanced or len(options) <= 15
    text = build_parser(command, flow()).format_help()
    titles = ["advanced options:", "options of all commands:"]
    places = [text.find(title) for title in titles if advanced or title != titles[0]]
    places.insert(0, text.find("essential options:" if advanced else "\noptions:"))
    assert -1 not in places
    assert places == sorted(places)


def test_short_names_differ():
    names = [load_flow(command).get_short_name() for command in cli_flows]
    assert len(set(names)) == len(names)


def test_help_answers_without_heavy_imports():
    done = subprocess.run(
        [sys.executable, "-c", HELP], capture_output=True, text=True, check=True
    )
    codes, loaded = json.loads(done.stdout)
    assert codes == dict.fromkeys(cli_flows, 0)
    assert loaded == []


def make_run(signature, **types):
    """Make a ``run`` with a signature and the documented types."""
    texts = [f"{name} : {text}\n    Text." for name, text in types.items()]
    docstring = "\n".join(["Do it.", "", "Parameters", "----------", *texts])
    return eval(f"lambda self, {signature}: None"), docstring


@pytest.mark.parametrize(
    ("signature", "types", "fault"),
    [
        ("n, m=1", {"m": "int, optional", "n": "int"}, "documented are"),
        ("n", {}, "documented are"),
        ("force=''", {"force": "string, optional"}, "option of all commands"),
        ("a=1", {"a": "Path, optional"}, "no type"),
        ("a=False", {"a": "string, optional"}, "bool for a default"),
        ("a=0.5", {"a": "int, optional"}, "becomes int"),
        ("a='x'", {"a": "int or str, optional"}, "becomes int"),
        ("a=True", {"a": "bool, optional"}, "turned off"),
        ("a=1", {"a": "int"}, "in only one"),
        ("dropout_rate=0.5", {"dropout_rate": "float, optional"}, "be an output"),
        ("out_a=None", {"out_a": "string, optional"}, "be an output"),
        (
            "out_a='', out_dir=''",
            {"out_a": "string, optional", "out_dir": "string, optional"},
            "with out_dir first",
        ),
    ],
)
def test_a_fault_is_found(signature, types, fault):
    run, run.__doc__ = make_run(signature, **types)
    assert any(fault in line for line in faults(run))
