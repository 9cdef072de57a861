import logging
import os
import re
import signal
import sys

import pytest

from dipy_tractogen import __version__
from dipy_tractogen.workflows import cli
from dipy_tractogen.workflows.cli import main
from dipy_tractogen.workflows.flows.base import TractogenFlow
from dipy_tractogen.workflows.runtime import interrupts, start
from dipy_tractogen.workflows.runtime.logs import Log, noted_warnings


class EchoFlow(TractogenFlow):
    """A workflow that logs, or raises what it is told to."""

    short_name = "echo"

    def run(self, word, out_dir="", out_file="echo.txt"):
        """Say a word.

        Parameters
        ----------
        word : string
            What to say.
        out_dir : string, optional
            Output folder.
        out_file : string, optional
            File it is written to.
        """
        failures = {
            "value": ValueError("a value\nin two lines"),
            "memory": MemoryError("1 TiB"),
            "interrupt": KeyboardInterrupt(),
            "bug": KeyError("ours"),
        }
        if word in failures:
            raise failures[word]
        if word == "terminate":
            os.kill(os.getpid(), signal.SIGTERM)
        path = self.outputs(out_dir, out_file=out_file)["out_file"]
        logging.getLogger("dipy_tractogen").info("saying %s", word)
        logging.getLogger("dipy").info("insides")
        path.write_text(word)


@pytest.fixture
def echo(monkeypatch, tmp_path, capsys):
    """Run the workflow as a command; give the exit code and what it said."""
    monkeypatch.setattr(cli, "load_flow", lambda command: EchoFlow)

    def run(*arguments):
        code = main("dipy_echo", [*map(str, arguments), "--out_dir", str(tmp_path)])
        return code, capsys.readouterr().err

    return run


def test_messages_of_ours_reach_the_user_and_those_of_dipy_do_not(echo, tmp_path):
    code, said = echo("word")
    assert code == 0
    assert re.fullmatch(r"INFO: saying word\nINFO: Done in [\d.]+ s\n", said)
    assert (tmp_path / "echo.txt").read_text(encoding="utf-8") == "word"


def test_existing_output_is_kept_without_force(echo, tmp_path):
    echo("first")
    code, said = echo("second")
    assert code == 1
    assert "--force" in said
    assert (tmp_path / "echo.txt").read_text(encoding="utf-8") == "first"
    assert echo("second", "--force")[0] == 0
    assert (tmp_path / "echo.txt").read_text(encoding="utf-8") == "second"


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("value", 1, "ERROR: a value in two lines\n"),
        ("memory", 1, "ERROR: Not enough memory: 1 TiB."),
        ("interrupt", 130, "ERROR: Interrupted.\n"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(echo, word, code, said):
    obtained = echo(word)
    assert obtained[0] == code
    assert obtained[1].startswith(said)
    assert obtained[1].count("\n") == 1


@pytest.fixture
def process(monkeypatch):
    """Put back what a command changes in its process."""
    fresh = interrupts.Interrupts()
    for module in (cli, start):
        monkeypatch.setattr(module, "INTERRUPTS", fresh)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {each: signal.getsignal(each) for each in interrupts._SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_job_that_is_ended_stops_as_if_interrupted(
    monkeypatch, tmp_path, capsys, process
):
    monkeypatch.setattr(cli, "load_flow", lambda command: EchoFlow)
    monkeypatch.setattr(
        sys, "argv", ["dipy_echo", "terminate", "--out_dir", str(tmp_path)]
    )
    with pytest.raises(SystemExit) as ended:
        start.run()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "ERROR: Interrupted.\n"
    assert not list(tmp_path.iterdir())


def test_mistakes_of_ours_are_not_hidden(echo):
    with pytest.raises(KeyError, match="ours"):
        echo("bug")


def test_quiet_log_level_and_log_file(echo, tmp_path):
    assert echo("word", "--quiet") == (0, "")
    _, said = echo("word", "--force", "--log_level", "ERROR")
    assert said == ""
    assert echo("word", "--force", "--log_level", "LOUD")[0] == 1


def test_log_file_has_command_and_times_also_if_quiet(echo, tmp_path):
    log = tmp_path / "log.txt"
    assert echo("a word", "--log_file", log, "--quiet") == (0, "")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert f"dipy_echo 'a word' --log_file {log}" in lines[0]
    assert __version__ in lines[0]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ INFO: saying a word", lines[1])
    echo("word", "--force", "--log_file", log, "--log_level", "WARNING")
    assert "saying word" not in log.read_text(encoding="utf-8")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_log_file_that_cannot_be_written_costs_no_output(echo, tmp_path):
    code, said = echo("word", "--log_file", "/dev/full")
    assert code == 1
    lines = said.splitlines()
    assert lines[0].startswith("ERROR: The log file /dev/full cannot be written (No sp")
    assert lines[1] == "INFO: saying word"
    assert len(lines) == 3
    assert (tmp_path / "echo.txt").read_text(encoding="utf-8") == "word"
    assert echo("interrupt", "--log_file", "/dev/full")[0] == 130


def test_warnings_are_noted_whatever_is_shown(capsys):
    logger = logging.getLogger("dipy_tractogen")
    with Log(sys.stderr) as log, noted_warnings() as notes:
        log.set_level("ERROR")
        logger.info("as expected")
        logger.warning("%d dropped", 3)
    logger.warning("later")
    assert notes == ["3 dropped"]
    assert "dropped" not in capsys.readouterr().err


def test_line_that_cannot_be_read_is_bad_input(echo):
    code, said = echo("word", "--unknown", "3")
    assert code == 1
    assert said.count("\n") == 1
    assert "--unknown" in said
    assert "dipy_echo --help" in said


@pytest.mark.parametrize(
    ("option", "accepted"),
    [("--register", ", one of rigid, affine;"), ("--min_length", ";")],
)
def test_an_option_without_a_value_says_what_is_accepted(capsys, option, accepted):
    line = ["m.keras", "a.trk", option]
    assert main("dipy_encode_streamlines", line) == 1
    error = capsys.readouterr().err
    assert f"argument {option}: expected one argument{accepted}" in error


def test_logging_is_as_before_afterwards(echo):
    logger = logging.getLogger("dipy_tractogen")
    before = logger.handlers[:], logger.level
    echo("word")
    assert (logger.handlers, logger.level) == before


def test_version_and_unknown_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main("dipy_train_vae", ["--version"])
    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out
    assert main("dipy_unknown", []) == 1


@pytest.mark.parametrize("name", ["", "None"])
def test_outputs_need_a_name(tmp_path, name):
    with pytest.raises(ValueError, match="--out_file: give a file name"):
        EchoFlow().outputs(tmp_path, out_file=name)


@pytest.mark.parametrize(
    ("command", "arguments", "name"),
    [
        ("dipy_train_vae", [""], "input_files"),
        ("dipy_train_vae", ["a.trk", "--reference", ""], "--reference"),
        ("dipy_filter_streamlines", ["m", "a", "--thresholds_file", ""], "--thresh"),
        ("dipy_evaluate_streamlines", ["a", "b", "--train_files", "c", ""], "--train_"),
        ("dipy_generate_streamlines", ["m", "--out_tractogram", ""], "--out_tract"),
        ("dipy_train_vae", ["a.trk", "--out_model", ""], "--out_model"),
    ],
)
def test_a_file_needs_a_name(tmp_path, monkeypatch, capsys, command, arguments, name):
    monkeypatch.chdir(tmp_path)
    assert main(command, arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ERROR: {name}")
    assert "the name of a file is empty" in line
    assert list(tmp_path.iterdir()) == []


def test_debug_says_what_is_given_with_what_and_where_it_failed(echo):
    said = echo("word", "--log_level", "DEBUG")[1]
    assert re.search(r"DEBUG: Versions: .*dipy_tractogen .*numpy \d", said)
    assert "DEBUG: Given: {'word': 'word'" in said
    assert "INFO: insides" in said  # of DIPY
    code, said = echo("value", "--log_level", "DEBUG")
    assert code == 1
    assert "Traceback" in said
    assert "ERROR: a value in two lines" in said


def test_debug_names_what_is_read_and_written(tractogram_with, tmp_path, capfd):
    file = tractogram_with("one point", good=3, bad=0)
    out = ["--out_dir", str(tmp_path), "--log_level", "DEBUG"]
    assert main("dipy_simulate_fibercup", ["--nb_streamlines", "2", *out]) == 0
    said = capfd.readouterr().err
    assert re.search(r"DEBUG: .*fibercup\.trx is written, \d+ bytes", said)
    assert main("dipy_train_vae", [str(file), *out, "--min_length", "1e9"]) == 1
    said = capfd.readouterr().err
    assert re.search(r"DEBUG: .*bundle_1\.trk, .*B, is read in [\d.]+ s", said)
