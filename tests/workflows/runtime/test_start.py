"""A command that is interrupted ends with one line, whenever that comes."""

from importlib import import_module
from importlib.util import find_spec
import os
from pathlib import Path
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from dipy_tractogen.workflows.runtime import start
from dipy_tractogen.workflows.runtime.interrupts import INTERRUPTED

ROOT = Path(__file__).parents[3]
BACKEND = os.environ.get("KERAS_BACKEND") or "tensorflow"

# A signal comes while a module is imported, which raises what it likes of that.
IMPORTING = """
import os, signal, sys
sys.path.insert(0, {root!r})
sys.argv = ["bin/dipy_encode_streamlines", "model.keras", "AF.trk", "--out_dir", "new"]

class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), signal.{signal})
            except BaseException as error:
                raise {raised} from error

sys.meta_path.insert(0, Finder())
from dipy_tractogen.workflows.runtime.start import run
run()
"""

# What Keras imports, and whether it can be had afterwards.
LEAN = """
import sys
from dipy_tractogen.workflows.runtime.start import LeanKeras
sys.meta_path.insert(0, LeanKeras())
from dipy_tractogen import nn
print([name for name in ("sklearn", "matplotlib") if name in sys.modules])
import sklearn.base
"""


def interrupted(tmp_path, **parts):
    return subprocess.run(
        [sys.executable, "-c", IMPORTING.format(root=str(ROOT), **parts)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("module", "raised", "number"),
    [
        ("dipy_tractogen.workflows.cli", "error", "SIGINT"),
        ("numpy", "ImportError('numpy')", "SIGTERM"),
        (BACKEND, "error", "SIGTERM"),
        (BACKEND, "ImportError('backend')", "SIGINT"),
        (BACKEND, "SystemError('backend')", "SIGINT"),
    ],
)
def test_interrupt_while_importing_is_one_line(tmp_path, module, raised, number):
    for name in ("model.keras", "AF.trk"):
        (tmp_path / name).touch()
    done = interrupted(tmp_path, module=module, raised=raised, signal=number)
    assert (done.returncode, done.stderr) == (INTERRUPTED, "ERROR: Interrupted.\n")
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "AF.trk"}


@pytest.mark.skipif(
    not (ROOT / ".venv").exists() or sys.prefix == sys.base_prefix,
    reason="the launcher goes over to no other Python here",
)
def test_interrupt_while_the_launcher_changes_python_is_one_line(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if sys.prefix != sys.base_prefix:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run(
        [sys._base_executable, str(ROOT / "bin" / "dipy_train_vae"), "--help"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (INTERRUPTED, "ERROR: Interrupted.\n")


def test_keras_imports_nothing_that_no_command_uses():
    done = subprocess.run(
        [sys.executable, "-c", LEAN], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_what_keras_goes_without_can_still_be_found(monkeypatch):
    """As PyTorch, which Keras imports, looks for modules that it need not import."""
    keras = ModuleType("keras")
    keras.__spec__ = SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    monkeypatch.setattr(sys, "meta_path", [start.LeanKeras(), *sys.meta_path])
    assert Path(find_spec("sklearn").origin).is_file()
    with pytest.raises(ModuleNotFoundError, match="sklearn is left out"):
        import_module("sklearn")
