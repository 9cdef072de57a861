"""The folder of a training that is under way."""

from __future__ import annotations

from collections.abc import Iterable
import json
import logging
from pathlib import Path
import re

from dipy_tractogen import __version__
from dipy_tractogen.utils.messages import format_count

logger = logging.getLogger("dipy_tractogen")

_MARK = "dipy_tractogen.json"
_MAKER = "dipy_tractogen"
_HISTORY, _BEST, _CHECKPOINT = "history.csv", "best.keras", "checkpoint.npz"
# What a kill leaves of a file that was being written (`utils.files.atomic_write`).
_REMAINDER = re.compile(r"\.(best-[0-9a-f]{8}\.keras|checkpoint-[0-9a-f]{8}\.npz)")


class Workspace:
    """Folder of a training under way: checkpoint, history, best model so far.

    It lies beside the model file that the training will write, ``model.training`` for
    ``model.keras``, and goes when that is there. Outputs thus have their names only
    when they are complete, and what a broken training left is found again. Used in a
    ``with`` statement, which removes what nothing can go on from.

    A mark, ``dipy_tractogen.json``, tells the folder of a training from another one of
    the same name. Only files of a training are removed, and only from a folder that has
    the mark.

    Parameters
    ----------
    model_file : Path
        Where the model will be written.
    resume : bool
        Go on with the training that is there.
    force : bool
        Start anew though there is one.
    """

    def __init__(self, model_file: Path, *, resume: bool, force: bool):
        self.model_file = model_file
        self.folder = model_file.with_suffix(".training")
        self.history = self.folder / _HISTORY
        self.best = self.folder / _BEST
        self.resume = resume
        self.force = force
        self._kept_step: int | None = None

    @property
    def is_resumed(self) -> bool:
        """Whether there is a training to go on with, as asked."""
        return self.resume and bool(self._files())

    @property
    def is_finished(self) -> bool:
        """Whether the training to go on with has its model already."""
        wanted = self.resume and not (self.force or self.is_resumed)
        return wanted and self.model_file.exists()

    def check(self, outputs: Iterable[Path] = ()) -> None:
        """Check the folder, and that none of the outputs lies in it.

        Raises FileExistsError where it holds other files, or a training that is neither
        gone on with nor replaced; ValueError for an output in it.
        """
        self._check_own()
        if self._files() and not (self.resume or self.force):
            raise FileExistsError(
                f"{self.folder} holds a training that was broken off: go on with it by "
                "--resume, or start anew with --force."
            )
        here = self.folder.resolve()
        for path in outputs:
            if here in (path.resolve(), *path.resolve().parents):
                raise ValueError(
                    f"{path} lies in {self.folder}, which the training removes when it "
                    "ends: give another place."
                )

    def __enter__(self) -> Workspace:
        self.check()
        if self.force and not self.resume:
            self._remove()
        mark = self.folder / _MARK
        if not mark.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_mark(mark)
        return self

    def __exit__(self, kind, error, trace) -> None:
        # What diverges, or cannot be, does so again. A training that was there before
        # is left to the user.
        hopeless = kind is not None and issubclass(kind, ValueError) and not self.resume
        nothing_left = set(self._files()) <= {self.history}
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._log_interrupt(nothing_left)
        if hopeless or nothing_left:
            self._remove()

    def keep_best(self, model) -> None:
        """Write the best model of an interrupted training, if there is one."""
        if model.record.density is not None:
            model.save(self.best)
            self._kept_step = int(model.record.history[-1]["step"])

    def _log_interrupt(self, nothing_left: bool) -> None:
        """Log what an interrupted training leaves."""
        if nothing_left:
            logger.warning(
                "Interrupted before there was anything to keep: the same command "
                "starts from the beginning."
            )
            return
        has_checkpoint = (self.folder / _CHECKPOINT).exists()
        kept = f"What was trained is kept in {self.folder}"
        if self._kept_step is not None:
            kept = (
                f"Interrupted after {format_count(self._kept_step, 'step')}. The best "
                f"model so far is {self.best}"
            )
        logger.warning(
            "%s; the same command with --resume %s.",
            kept,
            "goes on" if has_checkpoint else "starts anew: no checkpoint was due yet",
        )

    def save_history(self, history_file: Path, *, force: bool) -> None:
        """Copy the history to another file."""
        import shutil

        from dipy_tractogen.utils.files import atomic_write

        with atomic_write(history_file, force=force) as temporary:
            shutil.copyfile(self.history, temporary)

    def finish(self) -> None:
        """Remove the folder, as all outputs are there."""
        self._remove()

    def _check_own(self) -> None:
        """Check that the folder is one of a training and holds no other files."""
        if not (self.folder.exists() or self.folder.is_symlink()):
            return
        if self.folder.is_symlink() or not self.folder.is_dir():
            self._refuse("is no folder of a training")
        names = sorted(path.name for path in self.folder.iterdir())
        others = [name for name in names if not self._is_ours(name)]
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            self._refuse(f"holds {', '.join(others[:3])}{more}, not of a training")
        if names and not self._is_marked():
            self._refuse(f"holds {', '.join(names)}, but no {_MARK} of a training")

    def _refuse(self, what: str) -> None:
        raise FileExistsError(
            f"{self.folder} {what}, and a training would work there: give another "
            "--out_model, or move it away."
        )

    def _is_ours(self, name: str) -> bool:
        """Return whether a training writes such a file; links and folders are not."""
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            return False
        known = name in (_MARK, _HISTORY, _BEST, _CHECKPOINT)
        return known or bool(_REMAINDER.fullmatch(name))

    def _is_marked(self) -> bool:
        mark = self.folder / _MARK
        if not mark.is_file() or mark.stat().st_size > 1000:
            return False
        try:
            said = json.loads(mark.read_bytes())
        except (ValueError, RecursionError):
            return False
        return isinstance(said, dict) and said.get("made_by") == _MAKER

    def _files(self) -> list[Path]:
        """Return the files of a training that are there, but for the mark."""
        if not self.folder.is_dir() or not self._is_marked():
            return []
        files = (path for path in self.folder.iterdir() if path.name != _MARK)
        return [path for path in files if self._is_ours(path.name)]

    def _remove(self) -> None:
        """Remove the files of the training, and the folder if it is empty then."""
        if not self.folder.is_dir() or self.folder.is_symlink():
            return
        if self._is_marked():
            for path in self._files():
                path.unlink()
            (self.folder / _MARK).unlink()
        left = sorted(path.name for path in self.folder.iterdir())
        if left:
            logger.warning(
                "%s is left: it holds %s, not of the training",
                self.folder,
                ", ".join(left[:3]),
            )
        else:
            self.folder.rmdir()


def _write_mark(mark: Path) -> None:
    """Mark a folder as one of a training; remove it where that fails."""
    from dipy_tractogen.utils.disk import write_errors

    said = {"made_by": _MAKER, "version": __version__}
    try:
        with write_errors(mark), mark.open("x", encoding="utf-8") as stream:
            json.dump(said, stream)
    except BaseException:
        mark.unlink(missing_ok=True)
        mark.parent.rmdir()
        raise
