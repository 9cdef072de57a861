import pytest

from dipy_tractogen.workflows.cohorts.commands import read_options
from dipy_tractogen.workflows.cohorts.steps import STEPS

COMMANDS = {"encode": STEPS["encode"].command}


def options_of(folder, text):
    """Read the options of the step encode from a file in a folder."""
    (folder / "steps.toml").write_text(f"[encode]\n{text}\n")
    return read_options(folder / "steps.toml", COMMANDS)["encode"]


def test_an_inverse_is_told_from_its_transform(tmp_path):
    (tmp_path / "move.txt").write_text("1 0 0 0")
    found = {
        name: options_of(tmp_path, f'transform = ["{name}"]')
        for name in ("move.txt", "[move.txt,1]")
    }
    path = tmp_path / "move.txt"
    assert found["[move.txt,1]"] == {"transform": [f"[{path},1]"]}
    described = [
        COMMANDS["encode"].describe(one)["transform"] for one in found.values()
    ]
    assert described[1] == [f"{described[0][0]},1"]


def test_a_file_that_is_missing_is_named(tmp_path):
    given = options_of(tmp_path, 'transform = ["[gone.txt,1]"]')
    with pytest.raises(FileNotFoundError, match=r"gone.txt,1\] does not exist.*--opt"):
        COMMANDS["encode"].describe(given)
