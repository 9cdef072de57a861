"""Reading a model's file, which is data and never code."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import zipfile

import keras
import numpy as np

from dipy_tractogen.streamlines.archive_schema import DAMAGE
from dipy_tractogen.streamlines.conditions import Conditions
from dipy_tractogen.streamlines.disk import check_temporary_room, temporary_error
from dipy_tractogen.streamlines.messages import briefly
from dipy_tractogen.streamlines.schema import Unfit, fitting

from .model_schema import WEIGHTS_FILE, check_config, check_weights, read_config
from .record_schema import read_parts
from .settings import keras_defaults

_PACKAGE = "dipy_tractogen"
_ASSETS = "assets/"
# Of a training; far larger ones overflow in the layers that follow.
_LARGEST_WEIGHT = 1e8
_WHAT = "a model file of dipy_tractogen"

MODELS = {
    "AE": ".ae",
    "VAE": ".vae",
    "CVAE": ".cvae",
    "RVAE": ".rvae",
    "AAE": ".aae",
}
"""Module of each model that a file may hold, by the name of its class."""


@keras_defaults()
def load_model(path: str | Path):
    """Load a model that this package saved.

    Keras's safe mode is on, and only a model of this package is accepted. What the file
    holds is checked before memory is taken for it.

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
        If it is not a model file of this package, was cut short, or holds something
        that no model has.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such model file.")
    name = _checked_name(path)
    # Registers the class that the file names.
    import_module(MODELS[name], __package__)
    try:
        with zipfile.ZipFile(path) as archive:
            extracted = sum(member.file_size for member in archive.infolist())
        check_temporary_room(path, extracted)
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # Keras raises whatever the damage happens to cause, or a full disk: it extracts
        # the file to read it.
        lack = temporary_error(path, error)
        raise lack or ValueError(
            f"{path}: the model cannot be read ({_first_line(error)}); it is damaged, "
            "or was made by another version of dipy_tractogen or Keras."
        ) from error
    with fitting(path, _WHAT):
        _check_loaded(model)
    return model


def _checked_name(path: Path) -> str:
    """Check what a file holds, and give the name of its model's class."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = read_config(archive, path.stat().st_size)
    except (ValueError, OSError, *DAMAGE) as error:
        raise ValueError(
            f"{path}: not a model file, or cut short ({_first_line(error)}): give a "
            "whole .keras file written by a dipy_train command."
        ) from error
    registered = config.get("registered_name") if isinstance(config, dict) else None
    package, _, name = str(registered or "unknown").rpartition(">")
    if package != _PACKAGE or name not in MODELS:
        raise ValueError(
            f"{path}: a Keras model ({name[:100]}), but not one of dipy_tractogen: "
            "give a file written by one of its dipy_train commands."
        )
    with fitting(path, _WHAT, OSError, *DAMAGE), zipfile.ZipFile(path) as archive:
        check_config(config, archive.getinfo(WEIGHTS_FILE).file_size)
        check_weights(archive)
        read_parts(zipfile.Path(archive, _ASSETS), config["config"])
    return name


def _check_loaded(model) -> None:
    """Check what only the whole model tells."""
    for variable in model.variables:
        values = keras.ops.convert_to_numpy(variable)
        if values.dtype.kind == "f" and not (np.abs(values) <= _LARGEST_WEIGHT).all():
            found = f"in part NaN or beyond {_LARGEST_WEIGHT:g}"
            raise Unfit(variable.path, found, "weights of a training")
    if model.conditions is not None and model.record.conditions:
        own, known = (
            {one.name: one.categories for one in each}
            for each in (model.conditions, Conditions(model.record.conditions))
        )
        if own != known:
            raise Unfit("conditions", "not those of the record", "the same in both")


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    # Of several faults Keras shows one, after a line that says how many there are.
    shown = (
        lines[1:2] if len(lines) > 1 and "could not be loaded" in lines[0] else lines
    )
    return briefly(shown[0]).rstrip(".") if shown else type(error).__name__
