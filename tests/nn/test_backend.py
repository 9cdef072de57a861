"""Which backend Keras runs on, what is said of it, and TensorFlow beside DIPY."""

import json
import logging
import os
import subprocess
import sys
from types import SimpleNamespace
import warnings

import keras
import pytest

from dipy_tractogen.nn import backend

ANOTHER = """DIPY's commands on bundles and masks {now} beside TensorFlow, and
dipy_needs_torch() says otherwise. Change _DIPY_NEEDS_TORCH in nn/backend/__init__.py to
the versions that have the fault; where no supported one has it, take out the function,
what README.rst says of it, and the report in doc/upstream.rst."""

LOADING = """
import logging
logging.basicConfig(level=logging.INFO, format="%(message)s")
from dipy_tractogen.nn import backend
print(backend.backend_name())
"""


@pytest.fixture
def installed(monkeypatch):
    """Have some packages installed, and KERAS_BACKEND set or not."""

    def set_(names, asked=None):
        monkeypatch.setattr(backend, "_is_installed", lambda name: name in names)
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        if asked is not None:
            monkeypatch.setenv("KERAS_BACKEND", asked)

    return set_


@pytest.fixture
def imported(monkeypatch):
    """What is imported in place of Keras and its backends, none of them imported."""
    names = []

    def import_(name):
        names.append(name)
        return SimpleNamespace(
            __version__="1",
            config=SimpleNamespace(list_physical_devices=list),
            get_logger=lambda: logging.getLogger("of TensorFlow"),
        )

    for name in ("keras", *backend.BACKENDS):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(backend, "import_module", import_)
    return names


@pytest.mark.parametrize(
    ("names", "asked", "chosen", "said"),
    [
        ("tensorflow jax torch", None, "tensorflow", None),
        ("tensorflow jax torch", "", "tensorflow", None),
        ("tensorflow jax torch", "tensorflow", "tensorflow", None),
        ("tensorflow jax torch", "jax", "jax", "JAX (KERAS_BACKEND=jax)"),
        ("tensorflow torch", "torch", "torch", "PyTorch (KERAS_BACKEND=torch)"),
        ("jax torch", None, "jax", "JAX (TensorFlow not installed)"),
        ("torch", None, "torch", "PyTorch (TensorFlow and JAX not installed)"),
    ],
)
def test_backend_is_chosen(
    installed, imported, monkeypatch, caplog, names, asked, chosen, said
):
    installed(names.split(), asked)
    monkeypatch.setattr(backend, "version", lambda name: "1.13.0")
    with caplog.at_level(logging.INFO, logger="dipy_tractogen"):
        backend.load_backend()
    assert imported == [chosen, "keras"]
    assert os.environ["KERAS_BACKEND"] == chosen
    told = [record.getMessage() for record in caplog.records]
    assert told == ([] if said is None else [f"Keras runs on {said}"])


@pytest.mark.parametrize(
    ("names", "asked", "said"),
    [
        (
            "tensorflow jax",
            "theano",
            "KERAS_BACKEND=theano: expected tensorflow or jax or torch.",
        ),
        (
            "tensorflow",
            "jax",
            "KERAS_BACKEND=jax: JAX is not installed: "
            'pip install "dipy_tractogen[jax]"',
        ),
        (
            "",
            None,
            "Keras needs TensorFlow or JAX or PyTorch, none of which is installed: "
            'pip install tensorflow, or pip install "dipy_tractogen[jax]", or '
            'pip install "dipy_tractogen[torch]"',
        ),
    ],
)
def test_backend_that_cannot_be_had_is_one_line(
    installed, imported, names, asked, said
):
    installed(names.split(), asked)
    with pytest.raises(ImportError) as raised:
        backend.load_backend()
    assert str(raised.value) == said
    assert imported == []


def test_backend_that_fails_is_told_by_name(installed, imported, monkeypatch):
    def fail(name):
        raise RuntimeError("jaxlib is of another version")

    installed(["jax"])
    monkeypatch.setattr(backend, "import_module", fail)
    with pytest.raises(ImportError, match="JAX: jaxlib is of another version"):
        backend.load_backend()


def test_keras_that_is_imported_has_chosen(monkeypatch, imported):
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setenv("KERAS_BACKEND", "nothere")
    backend.load_backend()
    assert imported == []
    monkeypatch.setattr(keras.config, "backend", lambda: "openvino")
    with pytest.raises(ImportError, match="Keras runs on openvino, dipy_tractogen on"):
        backend.load_backend()


def test_folder_that_is_left_of_a_package_is_none(tmp_path, monkeypatch):
    (tmp_path / "left_of_a_package" / "lib").mkdir(parents=True)
    (tmp_path / "a_package.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert backend._is_installed("a_package")
    assert not backend._is_installed("left_of_a_package")
    assert not backend._is_installed("never_there")


def test_keras_json_chooses_no_backend_and_nothing_else_is_said(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "openvino"}))
    variables = {**os.environ, "KERAS_HOME": str(tmp_path)}
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"):
        variables.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    first = next(name for name in backend.BACKENDS if backend._is_installed(name))
    assert done.stdout == f"{first}\n"
    lines = done.stderr.splitlines()
    if backend.dipy_needs_torch():
        assert lines.pop().startswith("DIPY 1.12")
    shown = f"Keras runs on {backend.BACKENDS[first]} (TensorFlow "
    assert [line[: len(shown)] for line in lines] == [shown] * (first != "tensorflow")


def test_says_when_dipy_has_mended_its_import_beside_tensorflow():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import dipy.workflows.segment  # noqa: F401
        except ModuleNotFoundError as error:
            missing = error.name
        else:
            missing = None
    assert missing in (None, "dipy.nn.synthseg")
    works = missing is None
    now = "work" if works else "do not work"
    assert works != backend.dipy_needs_torch(), ANOTHER.format(now=now)


def test_user_is_told(installed, monkeypatch, caplog):
    installed(["tensorflow"])
    monkeypatch.setattr(backend, "version", lambda name: "1.12.1")
    with caplog.at_level(logging.INFO, logger="dipy_tractogen"):
        backend._tell_of_dipy()
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("DIPY 1.12.1 needs PyTorch")
    assert told.endswith("pip install torch")


@pytest.mark.parametrize(
    ("names", "of_dipy"),
    [
        ("tensorflow torch", "1.12.1"),
        ("jax", "1.12.1"),
        ("torch", "1.12.1"),
        ("tensorflow", "1.13.0"),
    ],
)
def test_nothing_is_said_where_dipy_works(installed, monkeypatch, names, of_dipy):
    installed(names.split())
    monkeypatch.setattr(backend, "version", lambda name: of_dipy)
    assert not backend.dipy_needs_torch()
