"""The files of the images; containers/check builds them."""

from pathlib import Path
import re
import subprocess

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "containers"
INSTALLED = {
    *("LICENSE", "README.rst", "pyproject.toml", "setup.py"),
    *("containers", "dipy_tractogen"),
}


def run_entry(tmp_path, *words):
    """Run the entry point of an image whose commands are in a folder."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "dipy_first"
    command.write_text('#!/bin/sh\necho "ran $1"\n')
    command.chmod(0o755)
    text = (FOLDER / "entry.sh").read_text(encoding="utf-8")
    text = text.replace("/opt/dipy_tractogen/bin", str(programs))
    return subprocess.run(
        ["sh", "-c", text, "entry", *words], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 0, "dipy_first\n"),
        (("dipy_first", "a b"), 0, "ran a b\n"),
        # As Nextflow runs a task.
        (("/bin/sh", "-ue", "-c", "dipy_first b"), 0, "ran b\n"),
        (("dipy_nothing", "a"), 1, "dipy_first\n"),
    ],
)
def test_entry_point(tmp_path, words, code, said):
    done = run_entry(tmp_path, *words)
    assert (done.returncode, done.stdout) == (code, said)
    assert done.stderr.startswith("ERROR: dipy_nothing: give one") == bool(code)


def test_images_have_what_the_installation_needs():
    text = (FOLDER / "Containerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (.*) /\S+$", text, re.MULTILINE)
    assert {name for line in copied for name in line.split()} == INSTALLED
    text = (FOLDER / "dipy_tractogen.def").read_text(encoding="utf-8")
    files = re.search(r"%files\n(.*?)\n\n", text, re.DOTALL)[1].split("\n")
    placed = dict(line.split() for line in files)
    assert set(placed) == INSTALLED
    # Apptainer mounts the /tmp of the machine over that of the image.
    assert {Path(place).parent for place in placed.values()} == {Path("/opt/source")}
    assert all((ROOT / name).exists() for name in INSTALLED)
