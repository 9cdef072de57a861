"""The backend that Keras runs on: its choice, its import, and settings of Keras.

Code for one backend is in the module of its name beside this one; no other module
imports TensorFlow, JAX or PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
import logging
import os
import sys
import tempfile
import threading
import time
from types import ModuleType

from .settings import check_settings

logger = logging.getLogger("dipy_tractogen")

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
"""Name of each backend by what Keras calls it, the one that is preferred first."""

_TO_INSTALL = {
    "tensorflow": "pip install tensorflow",
    "jax": 'pip install "dipy_tractogen[jax]"',
    "torch": 'pip install "dipy_tractogen[torch]"',
}
_DIPY_NEEDS_TORCH = ("1.12.",)
"""Versions of DIPY that have commands which stop working beside TensorFlow alone."""

_lock = threading.Lock()
# Number of blocks with Keras's defaults, and the user's settings.
_blocks = 0
_users: list[tuple] = []


def load_backend() -> None:
    """Import Keras and its backend, once, without their messages.

    The backend is the one that KERAS_BACKEND names or, where that is not set, the first
    of `BACKENDS` that is installed; what keras.json names does not count. A program
    that imported Keras before has chosen by that. Raises ImportError if there is no
    backend, or it or Keras cannot be imported.
    """
    if "keras" in sys.modules:
        if backend_name() not in BACKENDS:
            raise ImportError(
                f"Keras runs on {backend_name()}, dipy_tractogen on {_all_names()}: "
                "set KERAS_BACKEND to one of them before Keras is imported."
            )
        return
    check_settings()
    name, reason = _choose()
    # It takes precedence over keras.json.
    os.environ["KERAS_BACKEND"] = name
    if name not in sys.modules:
        _import_quietly(name)
    level = logging.INFO if reason else logging.DEBUG
    logger.log(level, "Keras runs on %s%s", BACKENDS[name], reason)
    import_module("keras")
    if name == "tensorflow":
        _tell_of_dipy()


def backend_name() -> str:
    """Return the name of Keras's backend, a key of `BACKENDS`."""
    import keras

    return keras.config.backend()


def current() -> ModuleType:
    """Return the module of this package for the backend in use."""
    return import_module(f".{backend_name()}", __name__)


def _choose() -> tuple[str, str]:
    """Return the backend, and the reason of the choice if it is to be logged."""
    name = os.environ.get("KERAS_BACKEND", "")
    if name and name not in BACKENDS:
        raise ImportError(f"KERAS_BACKEND={name}: expected {' or '.join(BACKENDS)}.")
    if name and not _is_installed(name):
        raise ImportError(
            f"KERAS_BACKEND={name}: {BACKENDS[name]} is not installed: "
            f"{_TO_INSTALL[name]}"
        )
    if name:
        return name, "" if name == "tensorflow" else f" (KERAS_BACKEND={name})"
    missing = []
    for name, shown in BACKENDS.items():
        if _is_installed(name):
            without = f" ({' and '.join(missing)} not installed)"
            return name, without if missing else ""
        missing.append(shown)
    raise ImportError(
        f"Keras needs {_all_names()}, none of which is installed: "
        f"{', or '.join(_TO_INSTALL.values())}"
    )


def _all_names() -> str:
    return " or ".join(BACKENDS.values())


def _is_installed(name: str) -> bool:
    # The remaining folder of a removed package has a specification, but no origin.
    specification = find_spec(name)
    return specification is not None and specification.origin is not None


def _import_quietly(name: str) -> None:
    """Import a backend; show its messages only if that fails.

    TensorFlow writes to the process's stderr before its log level applies, so the file
    descriptor itself is redirected.
    """
    # The level DEBUG shows the messages.
    chatter = logger.isEnabledFor(logging.DEBUG)
    if not chatter:
        # JAX reads it as well.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    began = time.perf_counter()
    with nullcontext() if chatter else output_set_aside(2, shown_on_error=True):
        try:
            module = import_module(name)
        except (RuntimeError, OSError) as error:
            # JAX with another jaxlib, or a missing shared library.
            raise ImportError(f"{BACKENDS[name]}: {error}") from error
        if name == "tensorflow":
            # Its messages about missing drivers come now.
            module.config.list_physical_devices()
    if name == "tensorflow":
        # It warns of many graphs, and counts those of all models together.
        module.get_logger().setLevel("INFO" if chatter else "ERROR")
    seconds = time.perf_counter() - began
    logger.debug("%s %s is loaded, in %.1f s", name, module.__version__, seconds)


def dipy_needs_torch() -> bool:
    """Return whether commands of DIPY itself do not work beside TensorFlow alone.

    ``dipy.nn`` has no ``synthseg`` where it finds TensorFlow and no PyTorch, and
    ``dipy.workflows.segment`` imports it; see ``doc/upstream.rst``.
    """
    known = version("dipy").startswith(_DIPY_NEEDS_TORCH)
    return known and _is_installed("tensorflow") and not _is_installed("torch")


def _tell_of_dipy() -> None:
    if dipy_needs_torch():
        logger.info(
            "DIPY %s needs PyTorch beside TensorFlow for dipy_recobundles and five "
            "others (README.rst): pip install torch",
            version("dipy"),
        )


def forget_graphs() -> None:
    """Free the graphs and the memory of models that are no longer used.

    Keras keeps compiled functions; a program that makes many models calls this between
    them. Models that are still in use compile again.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.utils.clear_session(free_memory=True)
    # clear_session resets it as well.
    keras.config.set_dtype_policy(policy)


@contextmanager
def keras_defaults() -> Iterator[None]:
    """Run the body with Keras as it is installed, whatever its user has set.

    Models are of float32 and of channels that come last, and compute without a policy
    of mixed precision and without TF32; so results do not depend on keras.json and the
    like. The user's settings are restored afterwards. Also a decorator.
    """
    global _blocks
    from keras import config

    # The policy belongs to the thread, the other settings to the process: the first
    # of simultaneous blocks keeps the settings, and the last restores them.
    policy = config.dtype_policy()
    with _lock:
        if not _blocks:
            _users[:] = [(set_, get()) for get, set_, _ in _settings(config)]
            for _, set_, default in _settings(config):
                set_(default)
        _blocks += 1
    config.set_dtype_policy("float32")
    try:
        yield
    finally:
        config.set_dtype_policy(policy)
        with _lock:
            _blocks -= 1
            if not _blocks:
                for set_, users in _users:
                    set_(users)


def _settings(config) -> list[tuple]:
    """Return what reads and what sets each setting of the process, and our value."""
    settings = [
        (config.floatx, config.set_floatx, "float32"),
        (config.epsilon, config.set_epsilon, 1e-7),
        (config.image_data_format, config.set_image_data_format, "channels_last"),
    ]
    # Limits for debugging, which Keras has had since 3.12.
    for name in ("max_epochs", "max_steps_per_epoch"):
        if hasattr(config, name):
            get, set_ = getattr(config, name), getattr(config, f"set_{name}")
            settings.append((get, set_, None))
    return [*settings, *current().precision_settings()]


@contextmanager
def memory_error(said: str) -> Iterator[None]:
    """Raise MemoryError(`said`) where the body fails for lack of memory on a device."""
    try:
        yield
    except Exception as error:
        if not current().is_out_of_memory(error):
            raise
        raise MemoryError(said) from error


@contextmanager
def output_set_aside(*numbers: int, shown_on_error: bool = False) -> Iterator[None]:
    """Keep the output to file descriptors, 1 and 2, from the user.

    With `shown_on_error` it is written to the last of them if the body fails.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        kept = {number: os.dup(number) for number in numbers}
        for number in numbers:
            os.dup2(aside.fileno(), number)
        try:
            yield
        except Exception:
            if shown_on_error:
                aside.seek(0)
                os.write(kept[numbers[-1]], aside.read())
            raise
        finally:
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)
