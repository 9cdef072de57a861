"""Settings of Keras that its user has changed: kept from the models, and kept as is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import threading

from dipy_tractogen.utils.schema import (
    SchemaError,
    one_of,
    parse_json,
    record,
    short_repr,
)

_lock = threading.Lock()
# Number of blocks with Keras's defaults, and the user's settings.
_blocks = 0
_users: list[tuple] = []


def _a_float(value: object, place: str) -> None:
    if not isinstance(value, float):
        raise SchemaError(place, short_repr(value), "a number with a decimal point")


_KERAS_JSON = record(
    {},
    {
        "floatx": one_of("float16", "float32", "float64"),
        "epsilon": _a_float,
        "image_data_format": one_of("channels_last", "channels_first"),
    },
)


_NO_NNX = "unset it, for layers of Flax NNX are not supported."


def check_settings() -> None:
    """Check the settings that Keras reads when it is imported.

    Raises ImportError if Keras could not be imported with them, or if its layers would
    be those of Flax NNX.
    """
    for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        if not os.environ.get(name, "1").strip().isdecimal():
            raise ImportError(f"{name}={os.environ[name]}: unset it, for Keras fails.")
    if os.environ.get("KERAS_NNX_ENABLED", "").lower() in ("true", "1"):
        raise ImportError(f"KERAS_NNX_ENABLED is set: {_NO_NNX}")
    path = _keras_json()
    try:
        content = path.read_bytes()
        settings = parse_json(content)
    except (OSError, ValueError):
        # Keras ignores a file that it cannot read.
        return
    if (
        isinstance(settings, dict)
        and settings.get("nnx_enabled")
        and "KERAS_NNX_ENABLED" not in os.environ
    ):
        raise ImportError(f"{path}: nnx_enabled is true: {_NO_NNX}")
    try:
        _KERAS_JSON(settings, "")
    except SchemaError as error:
        raise ImportError(
            f"{path}: {error}: mend or remove it, for Keras fails."
        ) from error


def _keras_json() -> Path:
    """Return the path of Keras's file of settings, found as Keras finds it."""
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"], "keras.json").expanduser()
    home = Path("~").expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras/keras.json"


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
    from .backend import current

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
