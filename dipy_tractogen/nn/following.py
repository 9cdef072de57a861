"""Following a training: table of its history, TensorBoard, progress bar."""

from __future__ import annotations

from collections.abc import Callable
import csv
import logging
from pathlib import Path

import keras
import tensorflow as tf

from dipy_tractogen.streamlines.disk import WriteError, disk_refusal, writing
from dipy_tractogen.streamlines.progress import Progress

from .callbacks import Budget

logger = logging.getLogger("dipy_tractogen")

_HELD_OUT = "val_"


class HistoryRows(keras.callbacks.Callback):
    """Collect a row of all quantities at each look at the held-out loss.

    Parameters
    ----------
    path : str or Path, optional
        CSV file that each row is written to at once.

    Attributes
    ----------
    rows : list of dict
        Value by name; those of an earlier part of the training come first.
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
            writing(self.path),
            open(self.path, mode, encoding="utf-8", newline="") as stream,
        ):
            if not rows:
                return
            writer = csv.DictWriter(stream, fieldnames=list(self.rows[0]))
            if header:
                writer.writeheader()
            writer.writerows(rows)


class EventFiles(keras.callbacks.Callback):
    """Write event files for TensorBoard, by step: training, and held-out beside it.

    Parameters
    ----------
    folder : str or Path
        Gets the folders ``training`` and ``held_out``, two runs for TensorBoard.

    Attributes
    ----------
    failure : str
        What is said where files cannot be written any more; empty before.

    Raises
    ------
    ValueError
        If the package tensorboard, which knows the format, is not installed.
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
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def on_epoch_end(self, epoch, logs=None):
        """Write each quantity at the present step; once that fails, no more."""
        if not self.failure:
            self._try(lambda: self._write(logs))

    def on_train_end(self, logs=None):
        """Close the files."""
        for writer in self._writers.values():
            self._try(writer.close)

    def _try(self, write: Callable[[], None]) -> None:
        """Go on with the training, and say so, where files cannot be written."""
        try:
            write()
        except (tf.errors.OpError, OSError) as error:
            if not self.failure:
                cause = disk_refusal(error) or str(error).splitlines()[0]
                self.failure = str(WriteError(self.folder, cause))
                logger.error("%s; the training goes on", self.failure)

    def _write(self, logs: dict) -> None:
        step = int(logs["step"])
        for name, value in logs.items():
            if name == "step":
                continue
            run = "held_out" if name.startswith(_HELD_OUT) else "training"
            with self._writer(run).as_default(step):
                tf.summary.scalar(name.removeprefix(_HELD_OUT), value)
        for writer in self._writers.values():
            writer.flush()

    def _writer(self, run: str) -> tf.summary.SummaryWriter:
        if run not in self._writers:
            path = str(self.folder / run)
            self._writers[run] = tf.summary.create_file_writer(path)
        return self._writers[run]


class StepProgress(keras.callbacks.Callback):
    """Show how much of the training is behind, with the time that is left.

    Parameters
    ----------
    budget : Budget
        Says how much is spent.
    show_bar : bool
        Whether there is a bar; otherwise a line is logged (INFO) now and then.
    """

    def __init__(self, budget: Budget, show_bar: bool):
        super().__init__()
        self.budget = budget
        self.show_bar = show_bar
        self._progress: Progress | None = None

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
        """Go on."""
        self._progress.advance(self.budget.spent - self._progress.done)

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
