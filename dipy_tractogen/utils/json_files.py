"""JSON files that are written: plain values that every reader can hold."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path

from .files import replacing
from .messages import printable


def write_json(path: Path, values: Mapping, *, force: bool) -> None:
    """Write plain values with finite numbers as JSON, whole or not at all."""
    with replacing(path, force=force) as temporary:
        text = json.dumps(plain(values), indent=2, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def plain(value):
    """Return plain values with paths as text, and text as `printable` has it."""
    if isinstance(value, Mapping):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return printable(value) if isinstance(value, (str, Path)) else value
