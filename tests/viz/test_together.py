"""Parts that must live in one process do."""

from importlib.util import find_spec
from pathlib import Path
import subprocess
import sys

import pytest

import dipy_tractogen

ROOT = Path(dipy_tractogen.__file__).parents[1]
DRAW = """
from pathlib import Path
import numpy as np
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.formats.vtk import save_vtk
from dipy_tractogen.viz import Panel, render_bundles
points = np.linspace((0, 0, 0), (9, 9, 90), 20, dtype=np.float32)[None]
save_vtk(Path({path!r} + ".vtk"), to_sequence(points))
assert len(load_bundles({path!r} + ".vtk")) == 1
panel = Panel("one", points, np.zeros(1, int), ("AF_L",))
render_bundles([panel], {path!r}, views=["left"], force=True)
"""
TRAIN = """
import tensorflow as tf
square = tf.function(lambda x: x @ x, jit_compile=True)
assert square(tf.ones((8, 8)))[0, 0] == 8
"""


@pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)
# The LLVM inside TensorFlow 2.21 and that of Mesa's software renderer take each other's
# symbols, and the process ends with a segmentation fault.
@pytest.mark.usefixtures("rendering")
def test_pictures_and_tensorflow_in_one_process(tmp_path):
    """Whichever comes first: another process draws."""
    path = tmp_path / "a.png"
    code = "".join((DRAW, TRAIN, DRAW)).format(path=str(path))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert path.exists()
