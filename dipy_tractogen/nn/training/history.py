"""Following a training: table of its history, TensorBoard, progress bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import csv
from io import BufferedWriter
import logging
import os
from pathlib import Path
import platform
import time

import keras
import numpy as np

from dipy_tractogen.utils.disk import WriteError, disk_full_reason, write_errors
from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.progress import Progress

from .callbacks import Budget

logger = logging.getLogger("dipy_tractogen")

_HELD_OUT = "val_"
# First event of a file.
_FILE_VERSION = "brain.Event:2"

FEWEST_STEPS = 100
"""Fewer steps train nothing, however the error went."""

# The learning rate falls to the end, and with it the error, by about a quarter in the
# second half of a training that was long enough. On 20 human bundles it fell by 47 %
# in 300 steps, to a point error of 1.8 mm; by 24 % in 950, to 1.2 mm; by 25 % in 2,700,
# to 1.1 mm.
_STILL_FALLING = 0.33
_FEWEST_VALIDATIONS = 3
_ERROR = "reconstruction_mm"


class HistoryTable(keras.callbacks.Callback):
    """Collect a row of all quantities at each validation, and write it to a CSV file.

    `rows` are dictionaries; those of an earlier part of the training come first.
    """

    def __init__(self, path: str | Path | None = None):
        super().__init__()
        self.path = path
        self.rows: list[dict] = []

    def on_train_begin(self, logs=None):
        """Begin the file with the rows there are."""
        if self.path:
            self._write("w", self.rows, header=True)

    def on_epoch_end(self, epoch, logs=None):
        """Add a row."""
        row = {name: float(value) for name, value in logs.items()}
        self.rows.append(row)
        if self.path:
            self._write("a", [row], header=len(self.rows) == 1)

    def _write(self, mode: str, rows: list[dict], header: bool) -> None:
        with (
            write_errors(self.path),
            open(self.path, mode, encoding="utf-8", newline="") as stream,
        ):
            if not rows:
                return
            writer = csv.DictWriter(stream, fieldnames=list(self.rows[0]))
            if header:
                writer.writeheader()
            writer.writerows(rows)


class EventFiles(keras.callbacks.Callback):
    """Write event files for TensorBoard by step, into ``training`` and ``held_out``.

    `failure` is the message if files could not be written. Raises ValueError if the
    package tensorboard, which knows the format, is not installed.
    """

    def __init__(self, folder: str | Path):
        super().__init__()
        try:
            import tensorboard  # noqa: F401
        except ImportError as error:
            raise ValueError(
                "Event files need the package tensorboard, which is not installed: "
                "pip install tensorboard"
            ) from error
        self.folder = Path(folder)
        self.failure = ""
        self._files: dict[str, BufferedWriter] = {}

    def on_epoch_end(self, epoch, logs=None):
        """Write each quantity at the present step; once that fails, no more."""
        if not self.failure:
            self._try(lambda: self._write(logs))

    def on_train_end(self, logs=None):
        """Close the files."""
        for file in self._files.values():
            self._try(file.close)

    def _try(self, write: Callable[[], None]) -> None:
        """Go on with the training, and say so, where files cannot be written."""
        try:
            write()
        except OSError as error:
            if not self.failure:
                cause = disk_full_reason(error) or str(error).splitlines()[0]
                self.failure = str(WriteError(self.folder, cause))
                logger.error("%s; the training goes on", self.failure)

    def _write(self, logs: dict) -> None:
        runs: dict[str, dict] = {}
        for name, value in logs.items():
            run = "held_out" if name.startswith(_HELD_OUT) else "training"
            runs.setdefault(run, {})[name.removeprefix(_HELD_OUT)] = value
        for run, values in runs.items():
            values.pop("step", None)
            if run not in self._files:
                self._files[run] = _open_event_file(self.folder / run)
                _write_records(self._files[run], [{"file_version": _FILE_VERSION}])
            _write_scalars(self._files[run], int(logs["step"]), values)


def _open_event_file(folder: Path) -> BufferedWriter:
    """Open a new file that TensorBoard knows by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"events.out.tfevents.{int(time.time())}.{platform.node()}.{os.getpid()}"
    # A training that began in the same second has another file.
    number = len(list(folder.glob(f"{name}.*")))
    return (folder / f"{name}.{number}.v2").open("xb")


def _write_scalars(file: BufferedWriter, step: int, values: dict) -> None:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.scalar.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    metadata = create_summary_metadata(display_name="", description="")
    records = []
    for name, value in values.items():
        tensor = make_tensor_proto(np.float32(value))
        summary = Summary.Value(tag=name, tensor=tensor, metadata=metadata)
        records.append({"step": step, "summary": Summary(value=[summary])})
    _write_records(file, records)


def _write_records(file: BufferedWriter, records: list[dict]) -> None:
    # These parts of TensorBoard do not need TensorFlow.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    writer = RecordWriter(file)
    for record in records:
        writer.write(Event(wall_time=time.time(), **record).SerializeToString())
    writer.flush()


class StepProgress(keras.callbacks.Callback):
    """Show how much of the training is done, in a bar or by lines in the log."""

    def __init__(self, budget: Budget, show_bar: bool):
        super().__init__()
        self.budget = budget
        self.show_bar = show_bar
        self._progress: Progress | None = None
        self._is_compiled = False

    def on_train_begin(self, logs=None):
        """Begin where a resumed training is."""
        layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        self._progress = Progress(
            1.0,
            "Training",
            show_bar=self.show_bar,
            initial=self.budget.spent,
            bar_format=layout,
        )
        self._progress.start()

    def on_train_batch_end(self, batch, logs=None):
        """Advance; the first steps include the compilation."""
        self._progress.advance(
            self.budget.spent - self._progress.done, timed=self._is_compiled
        )
        self._is_compiled = True

    def on_epoch_end(self, epoch, logs=None):
        """Show loss and root mean square error, of held-out streamlines if any."""
        prefix = "val_" if "val_loss" in logs else ""
        shown = {"loss": "loss", "reconstruction_mm": "mm"}
        self._progress.note(
            {
                name: f"{logs[prefix + key]:.3g}"
                for key, name in shown.items()
                if prefix + key in logs
            }
        )

    def close(self) -> None:
        """Leave the bar as it is, however the training ended."""
        if self._progress is not None:
            self._progress.close()


def describe_shortness(
    history: Sequence[dict[str, float]], *, from_scratch: bool = True
) -> str | None:
    """Return a sentence if a training was too short, from its history; else None.

    It was if it had fewer than 100 steps from new weights, or if the error of held-out
    streamlines, or else of those of training, fell by more than a third in its second
    half. Rows have ``step``, ``reconstruction_mm`` and maybe ``val_reconstruction_mm``.
    """
    if not history:
        return None
    last = history[-1]
    steps = int(last["step"])
    if from_scratch and steps < FEWEST_STEPS:
        return (
            f"The training was too short: {format_count(steps, 'step')} "
            f"{'are' if steps > 1 else 'is'} few. Give more epochs or minutes (6,000 "
            "steps are made by default)."
        )
    name = f"val_{_ERROR}" if f"val_{_ERROR}" in last else _ERROR
    if len(history) < _FEWEST_VALIDATIONS or name not in last:
        return None
    middle = min(history, key=lambda row: abs(row["step"] - steps / 2))
    before, after = middle.get(name), last[name]
    if not before or not after < (1 - _STILL_FALLING) * before:
        return None
    whose = "held-out" if name.startswith("val_") else "training"
    return (
        f"The training was too short: in its second half the error of {whose} "
        f"streamlines still fell from {before:.2f} to {after:.2f} mm. Give more epochs "
        "or minutes."
    )
