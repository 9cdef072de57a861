"""Folders that are made for outputs, and removed again where nothing comes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

# Folders that were made in the body of `removing_new_folders`.
_NEW_FOLDERS: ContextVar[list[Path] | None] = ContextVar("_NEW_FOLDERS", default=None)


@contextmanager
def removing_new_folders() -> Iterator[None]:
    """Remove the empty folders that `check_outputs` made in a body that raises."""
    new: list[Path] = []
    token = _NEW_FOLDERS.set(new)
    try:
        yield
    except BaseException:
        for folder in sorted(new, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise
    finally:
        _NEW_FOLDERS.reset(token)


def note_new(folder: Path) -> None:
    """Note a folder that is about to be made, and its parents that do not exist."""
    new = _NEW_FOLDERS.get()
    if new is not None:
        absolute = folder.absolute()
        each_above = (absolute, *absolute.parents)
        new.extend(each for each in each_above if not each.exists())
