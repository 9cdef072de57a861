"""Loading TensorFlow without its start-up messages."""

from __future__ import annotations

from contextlib import contextmanager
import os
import sys
import tempfile


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, once, keeping their chatter from the user.

    TensorFlow writes to the process's stderr before its log level applies, so the
    file descriptor itself is set aside during the import. What was written is shown
    if the import fails.

    Raises
    ------
    ImportError
        If Keras runs on another backend than TensorFlow.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        with _stderr_set_aside():
            import tensorflow as tf

            # Looks for devices now, and complains now where a driver has none.
            tf.config.list_physical_devices()
        # It counts the graphs of all models of a process together, and warns.
        tf.get_logger().setLevel("ERROR")
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            f"Keras runs on {keras.backend.backend()}; dipy_tractogen needs "
            "TensorFlow: set KERAS_BACKEND=tensorflow before Python starts."
        )


def forget_graphs() -> None:
    """Let go of the graphs and the memory of models that are no longer used.

    Keras keeps what it compiled; a program that makes many models calls this between
    them. Models that are still in use compile anew.
    """
    import keras

    keras.utils.clear_session(free_memory=True)


@contextmanager
def _stderr_set_aside():
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(stderr, aside.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
