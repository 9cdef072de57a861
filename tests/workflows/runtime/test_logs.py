"""Messages name options as the command line has them."""

import ast
import inspect
import io
import logging
from pathlib import Path
import re

import pytest

import dipy_tractogen
from dipy_tractogen.workflows.cli import cli_flows, load_flow
from dipy_tractogen.workflows.runtime.logs import Log, OptionWords

OPTIONS = {"outside_box", "seed", "huber_mm", "reconstruction", "force", "reference"}
LIBRARY = ("metrics", "nn", "sampling", "streamlines", "viz", "tuning")


@pytest.fixture
def reword():
    return OptionWords(OPTIONS, ["seed=3", "--seed=4"]).reword


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("huber_mm=-1: give more", "--huber_mm -1: give more"),
        ("huber_mm=1e-05, or less.", "--huber_mm 1e-05, or less."),
        ("is reconstruction='huber', and", "is --reconstruction huber, and"),
        ("reconstruction=('a', 'b'): one", "--reconstruction a b: one"),
        ("keep (out_of_bounds='keep')", "keep (--outside_box keep)"),
        ("state it (reference='FILE'), or", "state it (--reference FILE), or"),
        ("give force=True to", "give --force to"),
        ("give force=False.", "give no --force."),
        ("or read it (huber_mm={'FA': 'b.nii'})", "or read it (--huber_mm FA=b.nii)"),
        ("huber_mm={'a': 'b', 'c': 'd'}: no", "--huber_mm a=b c=d: no"),
        ("give a smaller huber_mm, or more", "give a smaller --huber_mm, or more"),
        ("mend it (or leave out huber_mm)", "mend it (or leave out --huber_mm)"),
    ],
)
def test_parameters_are_told_as_options(reword, text, expected):
    assert reword(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "k=3: not an option",
        "/data/seed=4/a.trk and huber_mm=2.trk: are files",
        "seed=3: was typed",
        "--search x: accepted are huber_mm and others",
        "--huber_mm and /huber_mm/a and huber_mm.trk and 'huber_mm' and a seed",
        "give seed=LOW:HIGH, which is a form",
    ],
)
def test_what_is_no_parameter_stays(reword, text):
    assert reword(text) == text


def test_advice_on_options_that_the_command_has_not_is_left_out(reword):
    assert reword("a: mend b, or drop it (drop='c'), or d.") == "a: mend b, or d."
    assert reword("a has none; take it (bundles_from='stem')") == "a has none"
    assert reword("a: take it (bundles_from='stem')") == "a: take it"


def _templates():
    """Every text of the library with name=..., with values put in."""
    package = Path(dipy_tractogen.__file__).parent
    for file in sorted(f for part in LIBRARY for f in (package / part).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inner = {id(part) for n in ast.walk(tree) for part in getattr(n, "values", ())}
        docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if id(node) in inner | docs:
                continue
            text = _filled(node)
            if re.search(r"\b[a-z_]+='?[\w(]", text):
                yield pytest.param(text, id=f"{file.name}:{node.lineno}")


def _filled(node) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    return "".join(
        part.value
        if isinstance(part, ast.Constant)
        else ("'x'" if part.conversion == ord("r") else "3")
        for part in node.values
    )


@pytest.fixture(scope="module")
def commands():
    """The rewording of each command."""
    made = {}
    for command in cli_flows:
        parameters = inspect.signature(load_flow(command)().run).parameters
        made[command] = OptionWords({*parameters, "force"})
    return made


@pytest.mark.parametrize("text", list(_templates()))
def test_no_message_of_the_library_reaches_the_shell_in_python(text, commands):
    names = {"out_of_bounds", "bundles_from", "invalid", *re.findall(r"(\w+)=", text)}
    for command, words in commands.items():
        own = {*words._options, "out_of_bounds"}
        said = words.reword(text)
        for name in names & own:
            left = re.search(rf"(?<![\w-]){name}=(?!LOW)", said)
            assert not left, f"{command}: {said}"
        assert not re.search(r"\([a-z]\w*='", said), f"{command}: {said}"


def test_a_message_is_one_line_whatever_is_in_it(tmp_path):
    stream, file = io.StringIO(), tmp_path / "log.txt"
    with Log(stream, str(file)) as log:
        log.set_level("INFO")
        logging.getLogger("dipy_tractogen").info("Reading a\nb\x1b[31m\u2028\udcfc.trk")
    expected = r"INFO: Reading a\nb\x1b[31m\u2028\xfc.trk" + "\n"
    assert stream.getvalue() == expected
    assert file.read_text(encoding="utf-8").endswith(f" {expected}")


def test_a_traceback_keeps_its_lines():
    stream = io.StringIO()
    with Log(stream) as log:
        log.set_level("DEBUG")
        try:
            raise ValueError("no\nmore")
        except ValueError:
            logging.getLogger("dipy_tractogen").debug("From:", exc_info=True)
    first, second, *_ = stream.getvalue().splitlines()
    assert (first, second) == ("DEBUG: From:", "Traceback (most recent call last):")
