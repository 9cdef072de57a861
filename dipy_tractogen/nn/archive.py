"""Reading a model's file, which is data and never code."""

from __future__ import annotations

from importlib import import_module
import json
from pathlib import Path
import zipfile

import keras

from dipy_tractogen.streamlines.disk import temporary_error

_PACKAGE = "dipy_tractogen"

MODELS = {
    "AE": ".ae",
    "VAE": ".vae",
    "CVAE": ".cvae",
    "RVAE": ".rvae",
    "AAE": ".aae",
}
"""Module of each model that a file may hold, by the name of its class."""


def load_model(path: str | Path):
    """Load a model that this package saved.

    Keras's safe mode is on, and only a model of this package is accepted.

    Parameters
    ----------
    path : str or Path
        A ``.keras`` file.

    Returns
    -------
    StreamlineModel
        The model with its record, ready to encode, decode and generate.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a model file of this package, or was cut short.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such model file.")
    package, _, name = _registered_name(path).rpartition(">")
    if package != _PACKAGE or name not in MODELS:
        raise ValueError(
            f"{path}: a Keras model ({name}), but not one of dipy_tractogen: give a "
            "file written by one of its dipy_train commands."
        )
    # Registers the class that the file names.
    import_module(MODELS[name], __package__)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # Keras raises whatever the damage happens to cause, or a full disk: it extracts
        # the file to read it.
        lack = temporary_error(path, error)
        raise lack or ValueError(
            f"{path}: the model cannot be read ({_first_line(error)}); it is damaged, "
            "or was made by another version of dipy_tractogen or Keras."
        ) from error
    return model


def _registered_name(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{path}: not a model file, or cut short ({_first_line(error)}): give a "
            "whole .keras file written by a dipy_train command."
        ) from error
    name = config.get("registered_name") if isinstance(config, dict) else None
    return str(name or "unknown")


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
