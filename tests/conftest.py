"""A tiny phantom, its files and a model trained on them, shared by the tests."""

from contextlib import suppress
from functools import wraps
import gc
from importlib.util import find_spec
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.util import get_temp_dir
import os
from pathlib import Path
from subprocess import CompletedProcess

import pytest

# Tests import Keras before the package does, which chooses in the same way.
if find_spec("tensorflow") is None:
    os.environ.setdefault("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")

# What XLA compiles here runs for a moment, and takes half as long to compile like this.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)


def pytest_collection_modifyitems(items):
    """Keep a file together, which parameters of a session take apart."""
    items.sort(key=lambda item: item.path)


@pytest.fixture(scope="session", autouse=True)
def _compile_once(tmp_path_factory):
    """Have JAX compile once what several trainings have in common."""
    if os.environ.get("KERAS_BACKEND") == "jax":
        import jax

        folder = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            folder = folder.parent
        settings = {
            "jax_compilation_cache_dir": str(folder / "compiled"),
            "jax_persistent_cache_min_compile_time_secs": 0.05,
            "jax_persistent_cache_min_entry_size_bytes": -1,
        }
        for name, value in settings.items():
            jax.config.update(name, value)
            # For processes that tests start.
            os.environ[name.upper()] = str(value)


@pytest.fixture(scope="module", autouse=True)
def _collect_what_is_new():
    """Spare the garbage collector the libraries: tracing makes it run all the time."""
    gc.collect()
    gc.freeze()


_DRAW = """
import os
from dipy_tractogen.viz import offscreen
os.chdir({folder!r})
os.environ.clear()
os.environ.update({environment!r})
for number, name in enumerate((os.devnull, os.devnull, "messages")):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
offscreen.main()
"""


def _is_started(process):
    with suppress(OSError):
        process.start()
    return process.pid is not None


def _wait_for(process, folder, seconds):
    """Wait for a copy that draws; raise what `run_program` raises."""
    from dipy_tractogen.viz.offscreen import _PROGRAM, RenderingUnavailable, _ending

    try:
        process.join(seconds)
    finally:
        process.kill()
    process.join()
    if process.exitcode:
        file = Path(folder, "messages")
        said = file.read_text(errors="replace") if file.exists() else ""
        ended = CompletedProcess(_PROGRAM, process.exitcode, stderr=said)
        raise RenderingUnavailable(f"Rendering failed: a copy {_ending(ended)}")


@pytest.fixture(scope="session", autouse=True)
def _draw_at_once():
    """Draw in copies of a process that has loaded FURY, which takes a second."""
    if "forkserver" not in get_all_start_methods():
        yield
        return
    from dipy_tractogen.viz import offscreen

    # Its socket is not to lie where a test has its temporary files.
    get_temp_dir()
    context = get_context("forkserver")
    context.set_forkserver_preload(["fury", "dipy_tractogen.viz.offscreen"])
    usual = offscreen._PROGRAM

    @wraps(offscreen.run_program)
    def run_program(program, folder, seconds=None):
        environment = {**os.environ, "TERM": "dumb"}
        code = _DRAW.format(folder=str(folder), environment=environment)
        process = context.Process(target=exec, args=(code, {}))
        if program is usual and _is_started(process):
            _wait_for(process, folder, seconds)
        else:
            run_program.__wrapped__(program, folder, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offscreen, "run_program", run_program)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Spell what was caught: processes exchange UTF-8, which names need not be."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8"))
        for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def phantom():
    """Twelve streamlines in each of the seven bundles; not to be changed."""
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    return simulate_fibercup(12, seed=0)


@pytest.fixture(scope="session")
def bundle_files(tmp_path_factory, phantom):
    """Three bundles of the phantom, a TRK file each; not to be changed."""
    from dipy_tractogen.streamlines.formats.writers import save_bundles

    folder = tmp_path_factory.mktemp("bundles")
    files = []
    for code in range(3):
        files.append(folder / f"{phantom.bundle_names[code]}.trk")
        bundle = phantom.select(phantom.labels == code)
        save_bundles(files[-1], bundle.streamlines, reference=phantom.reference)
    return files


@pytest.fixture(scope="session")
def model_file(tmp_path_factory, bundle_files):
    """A VAE that was trained for two epochs; not to be changed."""
    from dipy_tractogen.workflows.cli import main

    folder = tmp_path_factory.mktemp("model")
    options = ["--epochs", "2", "--nb_points", "32", "--latent_dim", "4", "--quiet"]
    options += ["--space", "phantom"]
    inputs = [str(file) for file in bundle_files]
    assert main("dipy_train_vae", [*inputs, *options, "--out_dir", str(folder)]) == 0
    return folder / "model.keras"
