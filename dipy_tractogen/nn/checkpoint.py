"""The state of a training on disk, from which it goes on when it was broken off."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
import time

import keras
import numpy as np

from dipy_tractogen.streamlines.files import check_outputs, replacing
from dipy_tractogen.streamlines.messages import first_difference

from .callbacks import Budget, KeepBest
from .following import HistoryRows

CHECKPOINT_FILE = "checkpoint.npz"
"""Name of the file in the folder of a training."""

# As `replacing` names a file that is being written.
_REMAINDERS = f".checkpoint-{'[0-9a-f]' * 8}.npz"
# What is written need not take more than a small part of the time.
_SECONDS_BETWEEN = 20.0


class Checkpoint(keras.callbacks.Callback):
    """Write the state of a training at the ends of rounds, not too often.

    The state is all that the rest of a training depends on: variables of the model and
    of its optimiser, seeds included, what is spent, the best weights so far, the
    history. The position in the stream of streamlines follows from the number of
    steps. It is data, arrays and JSON, and the file is replaced as a whole.

    Parameters
    ----------
    folder : str or Path
        Where the file is; made if it is not there.
    settings : dict
        What the result depends on, as plain values: a training goes on only with the
        same.
    budget : Budget
        What is spent.
    rows : HistoryRows
        The history.
    keep_best : KeepBest or None
        The best weights so far.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: dict,
        *,
        budget: Budget,
        rows: HistoryRows,
        keep_best: KeepBest | None,
    ):
        super().__init__()
        (self.path,) = check_outputs(Path(folder) / CHECKPOINT_FILE, force=True)
        # What a kill left of a file that was being written.
        for remainder in self.path.parent.glob(_REMAINDERS):
            remainder.unlink()
        # As they come back from a file.
        self.settings = json.loads(json.dumps(settings))
        self.budget = budget
        self.rows = rows
        self.keep_best = keep_best
        self._written = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Write the state, if the last one is old and there are steps left."""
        # The end is written once the best weights are back: gone on with from here,
        # a training would make steps beyond its last.
        if self.model.stop_training:
            return
        if time.perf_counter() - self._written >= _SECONDS_BETWEEN:
            self.write()

    def write(self, *, finished: bool = False) -> None:
        """Write the state.

        Parameters
        ----------
        finished : bool, optional
            Whether all steps are made, and the best weights brought back.
        """
        state = {
            "settings": self.settings,
            "finished": finished,
            "budget": self.budget.get_state(),
            "rows": self.rows.rows,
            "best": self.keep_best and self.keep_best.get_state(),
        }
        arrays = {
            **_numbered("model", self.model.variables),
            **_numbered("optimizer", self.model.optimizer.variables),
        }
        if self.keep_best and self.keep_best.weights is not None:
            arrays.update(_numbered("best", self.keep_best.weights))
        with (
            replacing(self.path, force=True) as temporary,
            open(temporary, "wb") as stream,
        ):
            np.savez(stream, state=json.dumps(state), **arrays)
        self._written = time.perf_counter()

    def restore(self, model) -> bool:
        """Bring a model and the other callbacks to the state on disk.

        Parameters
        ----------
        model : StreamlineModel
            The model, compiled.

        Returns
        -------
        bool
            Whether all steps of the training were made.

        Raises
        ------
        ValueError
            If the file is damaged, or its training has other settings.
        """
        state, arrays = self._read()
        difference = first_difference(state["settings"], self.settings)
        if difference:
            raise ValueError(
                f"{self.path} holds a training with another {difference}: resume with "
                "the same settings and data, or start anew without it."
            )
        _assign("model", model.variables, arrays)
        _assign("optimizer", model.optimizer.variables, arrays)
        self.budget.set_state(state["budget"])
        self.rows.rows = state["rows"]
        if self.keep_best:
            best = [arrays[name] for name in arrays if name.startswith("best_")]
            self.keep_best.set_state(state["best"], best or None)
        return state["finished"]

    def is_unfinished(self) -> bool:
        """Say whether there is a training to go on with.

        Returns
        -------
        bool
            Whether the file is there, and its training has steps left.
        """
        return self.path.exists() and not self._read()[0]["finished"]

    def _read(self) -> tuple[dict, dict[str, np.ndarray]]:
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                arrays = dict(stored)
            return json.loads(str(arrays.pop("state"))), arrays
        except Exception as error:
            # NumPy and zipfile raise whatever the damage happens to cause.
            raise ValueError(
                f"{self.path} cannot be read as a checkpoint: give another folder, or "
                "remove it to start the training anew."
            ) from error


def _numbered(kind: str, values) -> dict[str, np.ndarray]:
    return {
        f"{kind}_{number}": keras.ops.convert_to_numpy(value)
        for number, value in enumerate(values)
    }


def _assign(kind: str, variables, arrays: Mapping[str, np.ndarray]) -> None:
    for number, variable in enumerate(variables):
        variable.assign(arrays[f"{kind}_{number}"])
