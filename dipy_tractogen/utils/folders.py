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
    """Remove the folders that outputs were given in the body, if it raises.

    Those that something was written to stay.
    """
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
    """Note a folder that is going to be made, and those above it that are, too.

    Parameters
    ----------
    folder : Path
        The folder, which may be there.
    """
    new = _NEW_FOLDERS.get()
    if new is not None:
        absolute = folder.absolute()
        each_above = (absolute, *absolute.parents)
        new.extend(each for each in each_above if not each.exists())
