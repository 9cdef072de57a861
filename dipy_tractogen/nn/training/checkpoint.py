"""The state of a training on disk, from which an interrupted one is resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import json
import math
from pathlib import Path
import time

import keras
import numpy as np

from dipy_tractogen.utils.array_schema import Array, read_arrays
from dipy_tractogen.utils.files import atomic_write, check_outputs
from dipy_tractogen.utils.messages import first_difference
from dipy_tractogen.utils.schema import (
    SchemaError,
    boolean,
    integer,
    list_of,
    mapping,
    number,
    optional,
    parse_json,
    record,
)

from .callbacks import Budget, KeepBest
from .history import HistoryTable

CHECKPOINT_FILE = "checkpoint.npz"
"""Name of the file in the folder of a training."""

# As `atomic_write` names a file that is being written.
_REMAINDERS = f".checkpoint-{'[0-9a-f]' * 8}.npz"
# Writing takes a small part of the time.
_SECONDS_BETWEEN = 20.0
# Bytes that the numbers of a state may take beside 4 for each weight.
_SLACK = 2**20

_STEPS = integer(0, 10**12)
_STATE = record(
    {
        "settings": record({}),
        "finished": boolean,
        "budget": record({"steps": _STEPS, "seconds": number(0)}),
        "rows": list_of(mapping(number(finite=False))),
        "best": optional(
            record({"loss": number(finite=False), "spent": number(), "step": _STEPS})
        ),
    },
    {"plan": record({"per_round": integer(1, 10**12), "per_call": integer(1, 10**12)})},
)


@dataclass
class TrainingState:
    """State of a training beside its variables; `plan` has steps by names of the file.

    These are ``per_round``, from one validation to the next, and ``per_call``.
    """

    budget: Budget
    rows: HistoryTable
    keep_best: KeepBest | None
    plan: dict[str, int]
    is_finished: bool = False

    def to_plain(self) -> dict:
        """Return the state as plain values, without the best weights."""
        return {
            "finished": self.is_finished,
            "budget": self.budget.get_state(),
            "rows": self.rows.rows,
            "best": self.keep_best and self.keep_best.get_state(),
            "plan": self.plan,
        }

    def restore(self, plain: Mapping, weights: list | None) -> None:
        """Restore the values of `to_plain`, and the best weights."""
        self.is_finished = plain["finished"]
        self.budget.set_state(plain["budget"])
        self.rows.rows = plain["rows"]
        self.plan.update(plain.get("plan", {}))
        if self.keep_best:
            self.keep_best.set_state(plain["best"], weights)

    @property
    def best_weights(self) -> list | None:
        """Best weights so far, if there are any."""
        return self.keep_best and self.keep_best.weights


class Checkpoint(keras.callbacks.Callback):
    """Write the state of a training to a folder at validations, not too often.

    All that the rest of a training depends on is written: variables of the model and
    the optimiser, seeds included, and the `state` with the best weights. The position
    in the data follows from the number of steps. The file holds arrays and JSON, and is
    replaced as a whole. A training is resumed only with the same `settings`, plain
    values that its result depends on. Raises OSError if the folder cannot be written.
    """

    def __init__(self, folder: str | Path, settings: dict, state: TrainingState):
        super().__init__()
        (self.path,) = check_outputs(Path(folder) / CHECKPOINT_FILE, force=True)
        # Remainders of a file that was being written when the process was killed.
        for remainder in self.path.parent.glob(_REMAINDERS):
            remainder.unlink()
        # As they are read from a file.
        self.settings = json.loads(json.dumps(settings))
        self.state = state
        self._written = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Write the state, if the last one is old and there are steps left."""
        # The end is written once the best weights are restored: resumed from here, a
        # training would make steps beyond its last.
        if self.model.stop_training:
            return
        if time.perf_counter() - self._written >= _SECONDS_BETWEEN:
            self.write()

    def write(self) -> None:
        """Write the state."""
        state = {"settings": self.settings, **self.state.to_plain()}
        arrays = {
            **_numbered("model", self.model.variables),
            **_numbered("optimizer", self.model.optimizer.variables),
            **_numbered("best", self.state.best_weights or ()),
        }
        with (
            atomic_write(self.path, force=True) as temporary,
            open(temporary, "wb") as stream,
        ):
            np.savez(stream, state=json.dumps(state), **arrays)
        self._written = time.perf_counter()

    def restore(self, model) -> None:
        """Restore network and state.

        Raises ValueError if the file is damaged, or its training has other settings.
        """
        state = self._read_state()
        difference = first_difference(state["settings"], self.settings)
        if difference:
            raise ValueError(
                f"{self.path} holds a training with another {difference}: resume with "
                "the same settings, data and backend (KERAS_BACKEND), or start anew "
                "without resume."
            )
        with self._reading():
            arrays = self._read_arrays(model)
            best = [arrays[name] for name in arrays if name.startswith("best_")]
            if best and len(best) < len(model.weights):
                raise SchemaError(
                    "best", f"{len(best)} arrays", f"{len(model.weights)}"
                )
            if self.state.keep_best and state["best"] is None:
                raise SchemaError("best", "missing", "its loss and step")
        _assign("model", model.variables, arrays)
        _assign("optimizer", model.optimizer.variables, arrays)
        self.state.restore(state, best or None)

    def is_unfinished(self) -> bool:
        """Return whether there is a training with steps left."""
        return self.path.exists() and not self._read_state()["finished"]

    def _read_state(self) -> dict:
        with self._reading():
            stored = read_arrays(self.path, {"state": Array("U")})
            state = parse_json(str(stored["state"]))
            _STATE(state, "")
            if any(set(row) != set(state["rows"][0]) for row in state["rows"]):
                raise SchemaError("rows", "of different names", "the same in each row")
        return state

    def _read_arrays(self, model) -> dict[str, np.ndarray]:
        """Read the arrays of a model of known shapes."""
        arrays = {
            **_arrays_of("model", model.variables),
            **_arrays_of("optimizer", model.optimizer.variables),
            **_arrays_of("best", model.weights, needed=False),
        }
        nb_bytes = sum(4 * math.prod(each.shape) for each in arrays.values())
        found = read_arrays(self.path, arrays, largest=2 * nb_bytes + _SLACK)
        for name, values in found.items():
            is_count = name.startswith("optimizer") and values.dtype.kind == "i"
            if is_count and (values < 0).any():
                raise SchemaError(name, "in part below zero", "numbers of steps")
        return found

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Add to errors of the body, for a damaged file, what to do."""
        try:
            yield
        except (ValueError, MemoryError) as error:
            raise ValueError(
                f"{self.path} cannot be read as a checkpoint ({error}): give another "
                "folder, or remove it to start the training anew."
            ) from error


def _arrays_of(kind: str, variables, *, needed: bool = True) -> dict[str, Array]:
    kinds = {"float": "f", "int": "iu", "uint": "iu", "bool": "b"}
    return {
        f"{kind}_{index}": Array(
            kinds[str(variable.dtype).rstrip("0123456789")],
            tuple(variable.shape),
            needed=needed,
        )
        for index, variable in enumerate(variables)
    }


def _numbered(kind: str, values) -> dict[str, np.ndarray]:
    return {
        f"{kind}_{index}": keras.ops.convert_to_numpy(value)
        for index, value in enumerate(values)
    }


def _assign(kind: str, variables, arrays: Mapping[str, np.ndarray]) -> None:
    for index, variable in enumerate(variables):
        variable.assign(arrays[f"{kind}_{index}"])
