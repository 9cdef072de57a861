"""JSON files that are written: plain values that every reader can hold."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path

from .files import replacing
from .messages import printable


def write_json(path: Path, values: Mapping, *, force: bool) -> None:
    """Write plain values as JSON, under its name when it is whole.

    Parameters
    ----------
    path : Path
        The file.
    values : mapping
        Plain values; numbers are finite. Of text, bytes that are not UTF-8 and
        control characters are spelled.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is False.
    OSError
        If the file cannot be written.
    ValueError
        If a number is not finite.
    """
    with replacing(path, force=force) as temporary:
        text = json.dumps(plain(values), indent=2, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def plain(value):
    """Return what JSON and every reader of it can hold: text that can be written.

    Parameters
    ----------
    value : object
        Plain values, with paths among them perhaps.

    Returns
    -------
    object
        The same, with text for paths.
    """
    if isinstance(value, Mapping):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return printable(value) if isinstance(value, (str, Path)) else value
