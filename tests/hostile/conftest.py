"""Broken inputs of every command; no command may be the worse for them."""

from functools import cache
from importlib import import_module
import json
import logging
from pathlib import Path
import tempfile

import pytest

# Before it is imported, so that its assertions say what they found.
pytest.register_assert_rewrite(f"{__package__}.attempts")


@pytest.fixture(scope="session")
def good(tmp_path_factory, phantom, bundle_files, model_file):
    """Good inputs by name, made when they are first asked for; not to be changed."""
    made = {"phantom": phantom, "bundles": bundle_files, "model": model_file}
    Good = import_module(".good", __package__).Good
    return Good(tmp_path_factory.mktemp("good"), **made)


@pytest.fixture(scope="module", autouse=True)
def _good_inputs_stay(good):
    """Compare the good inputs with themselves, before and after the tests of a file."""
    listing = import_module(".attempts", __package__).listing
    before = listing(*good.folders)
    yield
    after = listing(*good.folders)
    assert {path: after.get(path) for path in before} == before


@pytest.fixture(scope="session")
def load(good):
    """Load models, but that of the good inputs once: most of the tests read it."""
    load_model = import_module("dipy_tractogen.nn").load_model
    once = cache(load_model)

    def load(path):
        return (once if Path(path) == good.model else load_model)(path)

    return load


@pytest.fixture(scope="session")
def draw_history():
    """Draw the curves of a training once: most of the reports are of one model."""
    pictures = import_module("dipy_tractogen.viz.report.pictures")
    draw = pictures.history_pictures
    once = cache(lambda history: draw(json.loads(history)))
    return lambda history: [*once(json.dumps(history))]


@pytest.fixture
def attempt(tmp_path, good, load, draw_history, capfd, monkeypatch):
    """Run a command on broken inputs, and hold it to what it owes its user."""
    Attempt = import_module(".attempts", __package__).Attempt
    attempt = Attempt(tmp_path, good.folders, capfd)
    monkeypatch.setattr(tempfile, "tempdir", str(attempt.temporary))
    monkeypatch.chdir(attempt.here)
    monkeypatch.setattr("dipy_tractogen.nn.load_model", load)
    pictures = "dipy_tractogen.viz.report.pictures"
    monkeypatch.setattr(f"{pictures}.history_pictures", draw_history)
    # The names of some files cannot be in the log that pytest-xdist hands on.
    monkeypatch.setattr(logging.getLogger("dipy_tractogen"), "propagate", False)
    return attempt


@pytest.fixture
def model_refused(attempt, good):
    """Hold a command to what it owes the reader of an edited model."""

    roles = import_module(".roles", __package__)
    packed = import_module(".corruptions", __package__).packed

    def run(role, content, codes=(1,)):
        path = attempt.given / "model.keras"
        path.write_bytes(content if isinstance(content, bytes) else packed(content))
        done = attempt(*roles.command_line(role, good, path, roles.MODELS), codes=codes)
        assert done.code == 0 or path.name in done.error

    return run
