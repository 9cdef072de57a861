"""Which files the values of parameters stand for, so that no output is one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
import os
from pathlib import Path

from dipy_tractogen.streamlines.formats.sidecar import sidecar_path
from dipy_tractogen.utils.files import (
    TRACTOGRAM_EXTENSIONS,
    matching_files,
    split_extension,
    split_inverted,
)

# What data are written to; messages added to such a file would damage it.
_DATA_EXTENSIONS = (
    *(*TRACTOGRAM_EXTENSIONS, ".keras", ".npz", ".npy", ".json", ".tsv", ".csv"),
    *(
        ".journal",
        ".db",
        ".png",
        ".gif",
        ".jpg",
        ".html",
        ".htm",
        ".nii",
        ".nii.gz",
        ".pt",
        ".pth",
        ".h5",
    ),
)
# Tables that a JSON file of the same stem may describe.
_TABLES = (".tsv", ".csv", ".txt")


def named_files(
    values: Mapping[str, object], of_files: Collection[str]
) -> dict[Path, str]:
    """Return the files that the values of parameters stand for, and those beside them.

    Sequences and dictionaries are looked into. Parameters in `of_files` take files,
    folders and globs, and ``[FILE,1]`` for the inverse of a transform; text for another
    one stands for a file of this name only. The result has the name of the parameter by
    file.
    """
    found: dict[Path, str] = {}
    for name, value in values.items():
        find = matching_files if name in of_files else _file_named
        for given in _paths_in(value):
            # As it stands it may be a glob as well.
            for path in dict.fromkeys((given, split_inverted(given)[0])):
                for file in find(path):
                    for each in (file, *_beside(file)):
                        found.setdefault(each, name)
    return found


def check_apart(outputs: Mapping[str, Path], inputs: Mapping[Path, str]) -> None:
    """Check that no output is an input or another output.

    Files are compared as the system does: links of both kinds, ``..``, and letters of
    either case where the disk does not tell them apart. `outputs` has the path by
    parameter, `inputs` the parameter by path.
    """
    known = {key: file for file in inputs for key in _identities(file)}
    written: dict[object, str] = {}
    for name, path in outputs.items():
        keys = _identities(path)
        for key in keys:
            if key in known:
                file = known[key]
                same = "" if file == path else f"; it is {file}"
                raise ValueError(
                    f"{path} is an input and an output ({inputs[file]}, {name}{same}): "
                    "give another --out_dir or name, or name the inputs one by one."
                )
            if key in written:
                raise ValueError(
                    f"two outputs have one name, {path} ({written[key]}, {name}): give "
                    "each its own."
                )
        written.update(dict.fromkeys(keys, name))


def check_log_name(path: str | os.PathLike) -> None:
    """Check that a file for messages, or what it links to, has no extension of data."""
    for name in (path, os.path.realpath(path)):
        extension = split_extension(name)[1]
        if extension.lower() in _DATA_EXTENSIONS:
            raise ValueError(
                f"--log_file {path}: messages are added to text, and {extension} is an "
                "extension of data: give a name that ends in .txt or .log"
            )


def sidecars(outputs: Mapping[str, Path]) -> dict[str, Path]:
    """Return the JSON files that may be written beside tractograms among outputs."""
    beside = {
        f"{name} (its record)": sidecar_path(path)
        for name, path in outputs.items()
        if path.suffix.lower() in TRACTOGRAM_EXTENSIONS
    }
    named = set(outputs.values())
    return {name: path for name, path in beside.items() if path not in named}


def _paths_in(value: object) -> Iterator[str | os.PathLike]:
    if isinstance(value, (str, os.PathLike)):
        if value:
            yield value
    elif isinstance(value, Mapping):
        yield from _paths_in(list(value.values()))
    elif isinstance(value, (list, tuple, set)):
        for each in value:
            yield from _paths_in(each)


def _file_named(path: str | os.PathLike) -> list[Path]:
    return [Path(path)] if os.path.isfile(path) else []


def _beside(file: Path) -> Iterator[Path]:
    """Yield what is read beside a file, if it is there."""
    paths = [sidecar_path(file)]
    if file.suffix.lower() in _TABLES:
        paths.append(file.with_suffix(".json"))
    for path in paths:
        if path.exists():
            yield path


def _identities(path: Path) -> set:
    """Return what identifies a file: its real path, and its number on the disk."""
    found: set = set()
    with suppress(OSError, ValueError):
        found.add(os.path.realpath(path))
        status = os.stat(path)
        # Some network disks number no file.
        if status.st_ino:
            found.add((status.st_dev, status.st_ino))
    return found
