"""What an installation holds, and what runs from a checkout."""

from configparser import ConfigParser
import os
from pathlib import Path
import shutil
import subprocess
import sys
import venv

import pytest

from dipy_tractogen import __version__
from dipy_tractogen.workflows.cli import cli_flows

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "bin"


@pytest.fixture(scope="module")
def metadata(tmp_path_factory):
    """Folder with the metadata that setup.py makes of these sources."""
    folder = tmp_path_factory.mktemp("metadata")
    command = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder / "dipy_tractogen.egg-info"


def test_console_scripts_are_the_registry(metadata):
    parser = ConfigParser()
    parser.read(metadata / "entry_points.txt")
    entry = "dipy_tractogen.workflows.runtime.start:run"
    assert dict(parser["console_scripts"]) == dict.fromkeys(cli_flows, entry)


def test_version_is_that_of_the_package(metadata):
    lines = (metadata / "PKG-INFO").read_text(encoding="utf-8").splitlines()
    assert f"Version: {__version__}" in lines


def test_changelog_tells_of_the_version():
    changelog = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8").splitlines()
    assert any(line.split()[:1] == [__version__] for line in changelog)


def test_every_module_and_template_is_installed(metadata):
    sources = (metadata / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "dipy_tractogen").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert on_disk <= set(sources)


def test_links_are_the_registry():
    links = {
        path.name: os.readlink(path) for path in BIN.iterdir() if path.is_symlink()
    }
    assert links == dict.fromkeys(cli_flows, "launch")
    assert os.access(BIN / "launch", os.X_OK)


def test_link_runs(tmp_path):
    """One of them, as all are the same file; what each command says is in workflows."""
    done = subprocess.run(
        [sys.executable, str(BIN / "dipy_train_vae"), "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"dipy_tractogen {__version__} ")


def test_launcher_itself_is_no_command(tmp_path):
    done = subprocess.run(
        [sys.executable, str(BIN / "launch")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ERROR: launch: the commands are ")


def test_launcher_leaves_only_environments_that_are_not_of_the_checkout(tmp_path):
    of_jax, usual = tmp_path / ".venv-jax", tmp_path / ".venv" / "bin" / "python"
    venv.create(of_jax, symlinks=True)
    usual.parent.mkdir(parents=True)
    usual.write_text("#!/bin/sh\necho the usual one\n")
    usual.chmod(0o755)
    (tmp_path / "bin").mkdir()
    launcher = shutil.copy(BIN / "launch", tmp_path / "bin")

    def launched(python):
        command = [str(python), "-I", str(launcher)]
        return subprocess.run(command, capture_output=True, text=True)

    assert launched(sys.executable).stdout == "the usual one\n"
    assert f"{of_jax}/bin/python has no DIPY" in launched(of_jax / "bin/python").stderr
