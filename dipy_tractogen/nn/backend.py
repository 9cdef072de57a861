"""Loading TensorFlow without its start-up messages."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from importlib.util import find_spec
import logging
import os
import sys
import tempfile
import time

from .settings import check_settings

logger = logging.getLogger("dipy_tractogen")

_DIPY_NEEDS_TORCH = ("1.12.",)
"""Versions of DIPY that have commands which stop working beside TensorFlow alone."""


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, once, keeping their chatter from the user.

    TensorFlow writes to the process's stderr before its log level applies, so the
    file descriptor itself is set aside during the import. What was written is shown
    if the import fails.

    Raises
    ------
    ImportError
        If Keras runs on another backend than TensorFlow, or could not be imported
        with its settings.
    """
    if "keras" not in sys.modules:
        # Goes before the backend that keras.json names.
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        check_settings()
    if "tensorflow" not in sys.modules:
        # At the level DEBUG the chatter is what is asked for.
        chatter = logger.isEnabledFor(logging.DEBUG)
        if not chatter:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        began = time.perf_counter()
        with nullcontext() if chatter else _stderr_set_aside():
            import tensorflow as tf

            # Looks for devices now, and complains now where a driver has none.
            tf.config.list_physical_devices()
        # It counts the graphs of all models of a process together, and warns.
        tf.get_logger().setLevel("INFO" if chatter else "ERROR")
        seconds = time.perf_counter() - began
        logger.debug("TensorFlow %s is loaded, in %.1f s", tf.__version__, seconds)
        _tell_of_dipy()
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            f"Keras runs on {keras.backend.backend()}; dipy_tractogen needs "
            "TensorFlow: set KERAS_BACKEND=tensorflow before Python starts."
        )


def dipy_needs_torch() -> bool:
    """Return whether commands of DIPY itself do not work beside TensorFlow.

    ``dipy.nn`` has no ``synthseg`` where it finds TensorFlow and no PyTorch, and
    ``dipy.workflows.segment`` imports it; see ``doc/upstream.rst``.

    Returns
    -------
    bool
        True where PyTorch is missing and DIPY is of such a version.
    """
    known = version("dipy").startswith(_DIPY_NEEDS_TORCH)
    return known and find_spec("torch") is None


def _tell_of_dipy() -> None:
    if dipy_needs_torch():
        logger.info(
            "DIPY %s needs PyTorch beside TensorFlow for dipy_recobundles and five "
            "others (README.rst): pip install torch",
            version("dipy"),
        )


def forget_graphs() -> None:
    """Let go of the graphs and the memory of models that are no longer used.

    Keras keeps what it compiled; a program that makes many models calls this between
    them. Models that are still in use compile anew.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.utils.clear_session(free_memory=True)
    # It forgets that as well.
    keras.config.set_dtype_policy(policy)


@contextmanager
def _stderr_set_aside():
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except Exception:
            aside.seek(0)
            os.write(stderr, aside.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
