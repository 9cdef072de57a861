"""The sources import down the list of layers only, and load heavy things late."""

import ast
from importlib.util import resolve_name
import json
from pathlib import Path
import subprocess
import sys

import pytest

import dipy_tractogen

PACKAGE = Path(dipy_tractogen.__file__).parent
LAYERS = (
    *("workflows", "viz", "tuning", "segment", "metrics", "nn"),
    *("sampling", "norms", "parameters", "streamlines", "utils"),
)
HOMES = {
    "keras": "nn",
    "tensorflow": "nn/backend",
    "jax": "nn/backend",
    "torch": "nn/backend",
    "fury": "viz",
    "vtk": "viz",
    "vtkmodules": "viz",
    "matplotlib": "viz",
    "jinja2": "viz",
    "PIL": "viz",
    "umap": "metrics",
    "dipy.viz": "viz",
    "dipy.nn": None,
}
EXCEPTIONS = {("nn/archive/published.py", "torch")}
"""What reads checkpoints of PyTorch."""
IMPORTERS = {"import_module", "optional_package", "__import__"}
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imported(source, package):
    """Give the full names of all that a source imports, at whatever depth."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            names += [f"{module.rstrip('.')}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args:
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = node.args[0]
            if function in IMPORTERS and isinstance(name, ast.Constant):
                names.append(resolve_name(name.value, package))
    return names


def violations(path, source):
    """Tell what a source, by its path below the package, may not import."""
    parts = Path(path).parts
    layer = parts[0] if len(parts) > 1 else None
    package = ".".join(("dipy_tractogen", *parts[:-1]))
    found = []
    for name in imported(source, package):
        for module, home in HOMES.items():
            at_home = home is not None and path.startswith(f"{home}/")
            if (
                f"{name}.".startswith(f"{module}.")
                and not at_home
                and (path, module) not in EXCEPTIONS
            ):
                found.append(f"{name}: only in {home or 'no layer'}")
        target = f"{name}.".split(".")[1]
        ours = name.startswith("dipy_tractogen.") and target in LAYERS
        allowed = LAYERS[LAYERS.index(layer or "utils") :]
        if ours and target not in allowed:
            found.append(f"{name}: above {layer or 'the package itself'}")
    return found


@pytest.mark.parametrize("path", SOURCES)
def test_imports_point_down_the_layers(path):
    assert violations(path, (PACKAGE / path).read_text(encoding="utf-8")) == []


def test_every_source_is_in_a_layer():
    assert {Path(path).parts[0] for path in SOURCES} == {*LAYERS, "__init__.py"}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("metrics/a.py", "import keras"),
        ("metrics/a.py", "def f():\n    from keras import layers"),
        ("nn/a.py", "def f():\n    from tensorflow.keras import layers"),
        ("nn/a.py", "import torch"),
        ("sampling/a.py", "from ..nn import vae"),
        ("streamlines/a.py", "from dipy_tractogen import metrics"),
        ("streamlines/a.py", "import dipy_tractogen.viz.scenes"),
        ("nn/a.py", "from dipy.nn.utils import normalize"),
        ("workflows/a.py", "from dipy import viz"),
        ("workflows/a.py", "import matplotlib.pyplot as plt"),
        ("metrics/a.py", "plt, _, _ = optional_package('matplotlib.pyplot')"),
        ("nn/a.py", "importlib.import_module('..metrics', __name__)"),
        ("__init__.py", "from .nn import VAE"),
    ],
)
def test_a_wrong_import_is_found(path, source):
    assert len(violations(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("nn/backend/a.py", "import jax.numpy as jnp"),
        ("nn/archive/published.py", "def f():\n    import torch"),
        ("nn/a.py", "import keras\nfrom ..sampling.mixture import LatentMixture"),
        ("nn/a.py", "from . import layers\nfrom .losses import squared_error"),
        ("viz/a.py", "fury, _, _ = optional_package('fury')"),
        ("workflows/a.py", "from dipy_tractogen import __version__"),
    ],
)
def test_a_right_import_passes(path, source):
    assert violations(path, source) == []


def test_imports_of_the_package_and_the_workflows_are_light():
    modules = [
        f"dipy_tractogen.{path.removesuffix('.py').replace('/', '.')}"
        for path in SOURCES
        if path.startswith("workflows/") and not path.endswith("__init__.py")
    ]
    heavy = [module for module in HOMES if "." not in module]
    code = (
        "import importlib, json, sys; import dipy_tractogen\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
