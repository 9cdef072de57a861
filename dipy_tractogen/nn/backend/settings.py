"""Settings that Keras reads when it is imported, from a file and the environment."""

from __future__ import annotations

import os
from pathlib import Path

from dipy_tractogen.utils.schema import (
    SchemaError,
    one_of,
    parse_json,
    record,
    short_repr,
)


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
