"""The pages of the documentation follow the commands, and their examples are so."""

from importlib.util import module_from_spec, spec_from_file_location
import inspect
from pathlib import Path
import re
import shlex

import pytest

from dipy_tractogen.workflows.cli import build_parser, cli_flows, load_flow

ROOT = Path(__file__).resolve().parents[1]
DOC = ROOT / "doc"
# Made by a build of the documentation.
GENERATED = {"_build", "generated", "gallery"}
PAGES = [path for path in DOC.rglob("*.rst") if not GENERATED & set(path.parts)]


@pytest.fixture(scope="module")
def command_text():
    """The module that makes text of parsers, which is none of the package."""
    spec = spec_from_file_location("command_text", DOC / "_ext" / "command_text.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parser_of(command):
    return build_parser(command, load_flow(command)())


def names_of(action):
    """Give what a page calls a file or an option."""
    return ", ".join(action.option_strings) or action.dest


def entries(text):
    """Give the names of the files and options that a text describes."""
    return re.findall(
        r"^\.\. option:: (.+?)(?: <\w+>)?(?: \.\.\.)?$", text, re.MULTILINE
    )


def example_lines():
    """Give each command line that a page or the README shows, as it would be typed."""
    found = []
    for path in [ROOT / "README.rst", *PAGES]:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        lines = re.findall(r"^ +(dipy_\w+ .*)$", text, re.MULTILINE)
        found += [line for line in lines if line.split()[0] in cli_flows]
    return sorted(set(found))


@pytest.mark.parametrize("command", cli_flows)
def test_page_describes_all_of_the_parser(command, command_text):
    own = inspect.signature(load_flow(command).run).parameters
    actions = [action for action in parser_of(command)._actions if action.dest in own]
    text = command_text.options(command)
    assert sorted(entries(text)) == sorted(map(names_of, actions))
    for action in actions:
        first = action.help.split()[0]
        assert re.search(rf"{re.escape(names_of(action))}.*\n\n   .*{first}", text)


@pytest.mark.parametrize("command", cli_flows)
def test_command_has_a_page_with_an_example(command):
    text = (DOC / "commands" / f"{command}.rst").read_text(encoding="utf-8")
    title = f"{command}\n{'=' * len(command)}\n\n"
    assert text.startswith(f"{title}.. command:: {command}\n")
    options = f"Files and options\n{'-' * 17}\n\n.. options:: {command}\n"
    assert text.count(options) == 1
    assert re.search(rf"^    {command} ", text, re.MULTILINE)


def test_no_page_is_of_a_command_that_is_gone():
    pages = {path.stem for path in (DOC / "commands").glob("*.rst")}
    assert pages == {"index", *cli_flows}


def test_what_commands_share_is_described_once(command_text):
    shared = ["-h, --help", "--force", "--quiet", "--version", "--log_level"]
    assert entries(command_text.common_options()) == [*shared, "--log_file"]


def test_index_lists_the_commands_in_order(command_text):
    listed = re.findall(r"^   \* - :doc:`(\w+)`", command_text.index(), re.MULTILINE)
    assert listed == list(cli_flows)


def test_names_are_marked_up_and_the_rest_is_plain(command_text):
    text = command_text._marked_up(
        'As dipy_train_vae, --seed and data_per_streamline["a"]=1*2; AF_L',
        "dipy_train_ae",
    )
    assert text.replace("\\ ", "") == (
        "As :doc:`dipy_train_vae`, :option:`--seed <dipy_train_ae --seed>` and "
        '``data_per_streamline["a"]``=1\\*2; AF\\_L'
    )


def test_there_are_examples():
    assert {line.split()[0] for line in example_lines()} == set(cli_flows)


@pytest.mark.parametrize("line", example_lines())
def test_example_can_be_read(line):
    """Every option that a page shows is one of its command."""
    command, *arguments = shlex.split(line)
    parser_of(command).parse_args(arguments)
