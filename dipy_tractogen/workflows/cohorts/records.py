"""The record of a subject that is done, by which it is known and not made again."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path
import re
import stat

from dipy_tractogen.utils.files import file_digest, flush_to_disk
from dipy_tractogen.utils.schema import (
    integer,
    list_of,
    mapping,
    number,
    one_of,
    plain,
    plain_values,
    read_json,
    record,
    text,
    write_json,
)

FOLDER = "logs"
"""Folder of the records below the root of the outputs, which BIDS leaves free."""

MAKING = re.compile(r"\.(.+)-making-[0-9a-f]{8}")
"""Names of the folders in which outputs are made, with that of their subject."""

_MOST = 2**63 - 1
# A message may list what is wrong of each file.
_LONGEST = 10**6
_CHECK = record(
    {
        "state": one_of("moving", "done"),
        "inputs": mapping(
            record(
                {
                    "digest": text(64),
                    "bytes": integer(0, _MOST),
                    "modified_ns": integer(-_MOST, _MOST),
                }
            )
        ),
        "asked": plain,
        "outputs": mapping(integer(0, _MOST)),
    },
    {"folder": text(), "seconds": number(0), "messages": list_of(text(_LONGEST))},
)


class Record:
    """The record of what was made for a subject, a JSON file.

    Parameters
    ----------
    root : Path
        Root of the outputs.
    name : str
        Name of the subject, and of its session.
    """

    def __init__(self, root: Path, name: str):
        self.root = root
        self.path = root / FOLDER / f"{name}.json"

    def is_of(self, inputs_root: Path, inputs: Iterable[Path], asked: dict) -> bool:
        """Return whether outputs of these inputs, as asked for, are all there."""
        said = self._read()
        return (
            said is not None
            and said["state"] == "done"
            and all(
                _size(os.path.join(self.root, name)) == size
                for name, size in said["outputs"].items()
            )
            and _is_of(said, inputs_root, inputs, asked)
        )

    def moving(
        self, inputs_root: Path, inputs: Iterable[Path], asked: dict
    ) -> dict | None:
        """Return what the record says of outputs that were about to be moved.

        They are of these inputs, as asked for, and each is at its place, where nothing
        was before, or in the folder that the record names. None where it is not so.
        """
        said = self._read()
        folder = self._kept(said)
        if folder is None:
            return None
        kept = os.path.join(os.path.realpath(self.root), folder)
        are_there = all(
            _size(place) == size
            if os.path.lexists(place := os.path.join(self.root, name))
            else _size(os.path.join(kept, name)) == size and _is_real(kept, name)
            for name, size in said["outputs"].items()
        )
        return said if are_there and _is_of(said, inputs_root, inputs, asked) else None

    def kept_folder(self) -> str | None:
        """Return the name of the folder with outputs that were about to be moved."""
        return self._kept(self._read())

    def _kept(self, said: dict | None) -> str | None:
        if said is None or said["state"] != "moving":
            return None
        folder = said.get("folder", "")
        is_ours = MAKING.fullmatch(folder)
        if not is_ours or is_ours[1] != self.path.stem:
            return None
        path = os.path.join(self.root, folder)
        return folder if os.path.isdir(path) and not os.path.islink(path) else None

    def outputs(self) -> list[str]:
        """Return the files that the record says are outputs, below the root."""
        said = self._read()
        return [] if said is None else list(said["outputs"])

    def write(
        self,
        state: str,
        inputs: dict,
        asked: dict,
        outputs: dict,
        *,
        temporary: Path,
        **facts,
    ):
        """Write the record; `outputs` has the size by the path below the root.

        It is written in the folder `temporary` first.
        """
        said = {"inputs": inputs, "asked": asked, "outputs": outputs, **facts}
        whole = temporary / self.path.name
        write_json(whole, {"state": state, **said}, force=True)
        flush_to_disk(whole)
        os.replace(whole, self.path)

    def _read(self) -> dict | None:
        """Return the record; None where there is none, or a damaged one."""
        try:
            said = read_json(self.path, _CHECK, "the record of a subject")
        except (OSError, ValueError):
            return None
        # Nothing outside of the root is ours.
        safe = all(_is_inside(name) for name in said["outputs"])
        return said if safe else None


def describe_inputs(inputs: Iterable[Path], root: Path) -> dict[str, dict]:
    """Return digest, size and time of files, by their paths below a root."""
    described = {}
    for path in inputs:
        status = path.stat()
        described[path_below(root, path)] = {
            "digest": file_digest(path),
            "bytes": status.st_size,
            "modified_ns": status.st_mtime_ns,
        }
    return plain_values(described)


def _is_of(said: dict, root: Path, inputs: Iterable[Path], asked: dict) -> bool:
    """Return whether a record is of these inputs, as asked for."""
    named = {path_below(root, path): path for path in inputs}
    return (
        said["asked"] == asked
        and named.keys() == said["inputs"].keys()
        and all(
            _is_unchanged(path, said["inputs"][name]) for name, path in named.items()
        )
    )


def _is_unchanged(path: Path, said: dict) -> bool:
    """Return whether a file is as it was; it is only read if its time has changed."""
    try:
        status = path.stat()
        if status.st_size != said["bytes"]:
            return False
        return (
            status.st_mtime_ns == said["modified_ns"]
            or file_digest(path) == said["digest"]
        )
    except OSError:
        return False


def path_below(root: Path, path: Path) -> str:
    """Return a path as from a root, as a record names it."""
    return plain_values(os.path.relpath(path, root))


def _is_inside(name: str) -> bool:
    # Not by Path, which takes half of the time to find that all subjects are done.
    return {"", ".", ".."}.isdisjoint(name.split(os.sep))


def _is_real(folder: str, name: str) -> bool:
    """Return whether a file lies in a folder, and no link on the way to it."""
    path = os.path.join(folder, name)
    return os.path.realpath(path) == path


def _size(path: str) -> int | None:
    """Return the size of a file; None where there is none, or a folder."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
