"""The folder of a training that is under way."""

from __future__ import annotations

import logging
from pathlib import Path

logger = logging.getLogger("dipy_tractogen")


class Workspace:
    """Folder of a training under way: checkpoint, history, best model so far.

    It lies beside the model file that the training will write, ``model.training`` for
    ``model.keras``, and goes when that is there. Outputs thus have their names only
    when they are complete, and what a broken training left is found again. Used in a
    ``with`` statement, which removes what nothing can go on from.

    Parameters
    ----------
    model_file : Path
        Where the model will be written.
    resume : bool
        Go on with the training that is there.
    force : bool
        Start anew though there is one.

    Raises
    ------
    FileExistsError
        On entering, if there is one and neither is asked for.
    """

    def __init__(self, model_file: Path, *, resume: bool, force: bool):
        self.folder = model_file.with_suffix(".training")
        self.history = self.folder / "history.csv"
        self.best = self.folder / "best.keras"
        self.resume = resume
        self.force = force

    @property
    def is_resumed(self) -> bool:
        """Whether there is a training to go on with, and that is asked for."""
        return self.resume and bool(self._files())

    def __enter__(self) -> Workspace:
        if not self.resume and self._files():
            if not self.force:
                raise FileExistsError(
                    f"{self.folder} holds a training that was broken off: go on with "
                    "it by --resume, or start anew with --force."
                )
            self._remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind, error, trace) -> None:
        # What diverges, or cannot be, does so again. A training that was there before
        # is left to the user.
        hopeless = kind is not None and issubclass(kind, ValueError) and not self.resume
        if hopeless or set(self._files()) <= {self.history}:
            self._remove()

    def keep_best(self, model) -> None:
        """Write the best model of an interrupted training, if it came to have one.

        Parameters
        ----------
        model : StreamlineModel
            The model that was interrupted.
        """
        from dipy_tractogen.nn.checkpoint import CHECKPOINT_FILE

        if model.record.density is None:
            return
        model.save(self.best)
        goes_on = (self.folder / CHECKPOINT_FILE).exists()
        logger.warning(
            "Interrupted after %d steps. The best model so far is %s; the same command "
            "with --resume %s.",
            model.record.history[-1]["step"],
            self.best,
            "goes on" if goes_on else "starts anew: no checkpoint was due yet",
        )

    def finish(self, history_file: Path, *, force: bool) -> None:
        """Give the history its name and remove the folder.

        Parameters
        ----------
        history_file : Path
            Where the history goes.
        force : bool
            Whether a file of that name is replaced.
        """
        from dipy_tractogen.streamlines.files import replacing

        with replacing(history_file, force=force) as temporary:
            self.history.replace(temporary)
        self._remove()

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def _remove(self) -> None:
        for path in self._files():
            path.unlink()
        if self.folder.is_dir():
            self.folder.rmdir()
