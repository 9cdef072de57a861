"""Absurd numbers and texts for every option of every command."""

import inspect
import itertools
import os

import pytest

from dipy_tractogen.workflows.cli import build_parser, cli_flows, load_flow

from .roles import LINES, TRAININGS, in_turn, options_of

REFUSED = {
    "int": ("nan", "-9223372036854775809", "1e3", "9" * 5000),
    "float": ("nan", "inf", "-inf", "1e999", "many"),
}
# Said to have no limit.
UNLIMITED = ("--log_var_limit=inf", "--log_var_limit=1e999")
HARDLY_ANY = {
    "int": ("-1",),
    "float": ("1e-320", "1e308", "-1e308"),
    "str": ("no\x1b[31m\nthing", "", "../$\\frac{", "\udcff"),
}


def spread():
    """Give each option of each command; those of the trainings, of one of them."""
    found, seen = [], {}
    for command in cli_flows:
        for name, kind in options_of(command):
            if command in TRAININGS:
                seen.setdefault((name, kind), []).append(command)
            else:
                found.append((command, name, kind))
    for place, ((name, kind), commands) in enumerate(seen.items()):
        found.append((commands[place % len(commands)], name, kind))
    return found


def values(of_kind):
    """Pair each option with a value of its type, in turn."""
    turns = {kind: itertools.cycle(some) for kind, some in of_kind.items()}
    return [
        (command, f"{name}={next(turns[kind])}")
        for command, name, kind in spread()
        if kind in turns
    ]


@pytest.mark.parametrize(("command", "option"), values(REFUSED), ids=ascii)
def test_what_cannot_be(attempt, good, command, option):
    codes = (0,) if option in UNLIMITED else (1,)
    attempt(command, *LINES[command](good), option, codes=codes)


# Half of them, as some go through: benchmarks/fuzzing.py tries all.
@pytest.mark.parametrize(("command", "option"), values(HARDLY_ANY)[::2], ids=ascii)
def test_what_hardly_can_be(attempt, good, command, option):
    attempt(command, *LINES[command](good), option, codes=(0, 1, 3))


def outputs_of(command):
    actions = build_parser(command, load_flow(command)())._actions
    return [
        action.option_strings[0]
        for action in actions
        if action.dest.startswith("out_") and action.dest != "out_dir"
    ]


def may_be_left_out(command, option):
    """Tell whether an output is written only where it is named."""
    parameters = inspect.signature(load_flow(command).run).parameters
    return parameters[option.removeprefix("--")].default == ""


OUTPUTS = [(command, name) for command in cli_flows for name in outputs_of(command)]
NO_NAMES = ("", ".", "..", "/", "/proc/none/x", "x" * 300, "none\x1b\n.xyz")


@pytest.mark.parametrize(("kind", "value"), in_turn(OUTPUTS, NO_NAMES))
def test_output_without_a_name(attempt, good, kind, value):
    command, name = kind
    # Some tables may have any extension.
    passes = value == NO_NAMES[-1] or (not value and may_be_left_out(command, name))
    codes = (0, 1) if passes else (1,)
    line = LINES[command](good)
    if command == "dipy_evaluate_streamlines":
        line.append("--figures")
    attempt(command, *line, f"{name}={value}", codes=codes)


FOLDERS = ("below a file", "kernel", "too long", "a pipe")


@pytest.mark.parametrize(("command", "kind"), in_turn(cli_flows, FOLDERS))
def test_output_folder_that_cannot_be(attempt, good, command, kind):
    (attempt.given / "file").write_text("mine")
    os.mkfifo(attempt.given / "pipe")
    folder = {
        "below a file": attempt.given / "file" / "below",
        "kernel": "/proc/none/of/these",
        "too long": attempt.given / ("x" * 300),
        "a pipe": attempt.given / "pipe",
    }[kind]
    attempt(command, *LINES[command](good), out_dir=folder)


@pytest.mark.parametrize("command", ["dipy_train_ae", "dipy_reconstruct_streamlines"])
@pytest.mark.parametrize("kind", ["an input", "a folder", "below a file", "kernel"])
def test_log_file_that_cannot_be(attempt, good, command, kind):
    line = LINES[command](good)
    log = {
        "an input": good.bundles[0],
        "a folder": attempt.given,
        "below a file": f"{good.bundles[0]}/log.txt",
        "kernel": "/proc/none.txt",
    }[kind]
    attempt(command, *line, "--log_file", log)


@pytest.mark.parametrize("command", cli_flows)
def test_line_that_cannot_be_read(attempt, good, command):
    line = LINES[command](good)
    attempt(command, *line, "--no\x1b[31m\nsuch_option", "3")
    attempt(command, *line, "--seed")
    attempt(command, *line, "--log_level", "\udcff\x07")
