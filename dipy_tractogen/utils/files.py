"""Names of input files, and output files that are written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
import glob
import hashlib
import logging
import os
from pathlib import Path
import re
import secrets
from stat import S_ISDIR
import tempfile

from .disk import write_errors
from .messages import listed, reason

logger = logging.getLogger("dipy_tractogen")

#: Extensions of the tractograms that DIPY reads and writes.
TRACTOGRAM_EXTENSIONS = (".trk", ".tck", ".trx", ".vtk", ".vtp", ".fib", ".dpy")

_DOUBLE_EXTENSIONS = (".nii.gz", ".gii.gz", ".tar.gz")
_LONGEST_STEM = 40
_GLOB_CHARACTERS = frozenset("*?[")
_INVERTED = re.compile(r"\[(.+),\s*([01])\]")


def split_extension(path: str | os.PathLike) -> tuple[str, str]:
    """Return stem and extension of a file name.

    Only a known double extension is kept whole: ``"AF_L.v2.trk"`` has the stem
    ``"AF_L.v2"``, ``"fa.nii.gz"`` has ``"fa"``. The extension has its dot and its case.
    """
    name = Path(path).name
    for extension in _DOUBLE_EXTENSIONS:
        if name.lower().endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)], name[-len(extension) :]
    return Path(name).stem, Path(name).suffix


def tractogram_extension(path: str | os.PathLike) -> str:
    """Return the extension of a tractogram in lower case; ValueError for others."""
    extension = split_extension(path)[1]
    if extension.lower() not in TRACTOGRAM_EXTENSIONS:
        shown = f"the extension {extension!r}" if extension else "no extension"
        raise ValueError(
            f"{path} has {shown}, and a tractogram is one of "
            f"{', '.join(TRACTOGRAM_EXTENSIONS)}: convert it or rename it"
        )
    return extension.lower()


def file_digest(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def split_inverted(given: str | os.PathLike) -> tuple[str, str]:
    """Return the path and the flag in ``[FILE,1]``, the inverse of a transform.

    The flag is 1, or 0 for the transform itself, as in ANTs; empty for a plain path.
    """
    matched = _INVERTED.fullmatch(os.fspath(given))
    return matched.groups() if matched else (os.fspath(given), "")


def expand_inputs(paths: str | os.PathLike | Iterable) -> list[Path]:
    """Return the tractograms that files, folders and globs stand for, in order.

    A folder stands for the tractograms directly in it that are not hidden, sorted by
    name, one of shards for these; a glob for what it matches, sorted. A file that is
    named twice is returned once, with a warning. Raises FileNotFoundError if a file is
    missing or a glob matches nothing, and ValueError if nothing is given, something is
    no tractogram, or a shard is missing or cut short.
    """
    one = isinstance(paths, (str, os.PathLike))
    given = [paths] if one else list(paths) if isinstance(paths, Iterable) else [None]
    wrong = [each for each in given if not isinstance(each, (str, os.PathLike))]
    if wrong:
        given_type = type(paths if len(wrong) == len(given) else wrong[0]).__name__
        raise ValueError(
            f"inputs are given as {given_type}: give the names of tractograms, folders "
            "or globs; streamlines in memory make a BundleSet"
        )
    if not given:
        raise ValueError("no input is given: name tractograms, folders or globs")
    files: dict[Path, Path] = {}
    for path in given:
        for file in _expand_one(path):
            tractogram_extension(file)
            if file.resolve() in files:
                logger.warning("%s is named twice among the inputs: read once", file)
            files.setdefault(file.resolve(), file)
    return list(files.values())


def matching_files(path: str | os.PathLike) -> list[Path]:
    """Return the files that a text may stand for as in `expand_inputs`, or none."""
    try:
        return _expand_one(path)
    except (OSError, ValueError):
        return []


def _expand_one(path: str | os.PathLike) -> list[Path]:
    """Expand one input: a file, a folder or a glob."""
    file = Path(path)
    if file.is_dir():
        from .shard_folder import find_shards, is_shard_folder

        if is_shard_folder(file):
            return find_shards(file)
        found = sorted(child for child in file.iterdir() if _is_tractogram(child))
        if not found:
            raise ValueError(
                f"the folder {file} holds no tractogram: it needs files with one of "
                f"the extensions {', '.join(TRACTOGRAM_EXTENSIONS)}; for those in its "
                f"folders, give a glob such as '{file}/**/*.trx'"
            )
        return found
    if file.exists():
        return [file]
    if _GLOB_CHARACTERS.intersection(str(file)):
        matches = sorted(glob.glob(_pattern(file), recursive=True))
        if not matches:
            raise FileNotFoundError(f"no file matches {file}: check the pattern")
        return [found for match in matches for found in _expand_one(match)]
    raise FileNotFoundError(f"{file} does not exist: check the name and the folder")


def _pattern(path: Path) -> str:
    """Return a pattern in which folders that exist stand for themselves."""
    folder, parts = Path(path.anchor), list(path.parts[1 if path.anchor else 0 :])
    while parts and (folder / parts[0]).is_dir():
        folder /= parts.pop(0)
    return os.path.join(glob.escape(str(folder)), *parts)


def _is_tractogram(path: Path) -> bool:
    """Return whether a file of a folder is a tractogram that is not hidden."""
    return (
        path.suffix.lower() in TRACTOGRAM_EXTENSIONS
        and not path.name.startswith(".")
        and path.is_file()
    )


def check_outputs(
    paths: str | os.PathLike | Iterable, *, force: bool = False
) -> list[Path]:
    """Return outputs as paths, once it is sure that they can be written.

    Missing folders are made, and a temporary file is opened in each. Raises
    FileExistsError that names all outputs that exist without `force`, OSError for a
    folder that cannot be written or an output that is a folder, ValueError if two
    outputs have one name.
    """
    one = isinstance(paths, (str, os.PathLike))
    files = [Path(path) for path in ([paths] if one else paths)]
    repeated = sorted({str(file) for file in files if files.count(file) > 1})
    if repeated:
        raise ValueError(
            f"two outputs have one name, {listed(repeated)}: give each its own"
        )
    _check_existing(files, force=force)
    for folder in dict.fromkeys(file.parent for file in files):
        _check_folder(folder)
    # An output may be one of these new folders.
    _check_files(files)
    return files


def _check_files(files: list[Path]) -> None:
    """Raise IsADirectoryError for outputs that are folders."""
    for file in files:
        with suppress(FileNotFoundError, NotADirectoryError):
            if S_ISDIR(file.stat().st_mode):
                raise IsADirectoryError(
                    f"{file} is a folder: give the output the name of a file"
                )


def _check_existing(files: list[Path], *, force: bool) -> None:
    """Raise FileExistsError for outputs that are folders, or exist without `force`."""
    _check_files(files)
    devices = [str(file) for file in files if file.exists() and not file.is_file()]
    if devices:
        raise FileExistsError(
            f"{', '.join(devices)} is no ordinary file, and would be replaced by one: "
            "give another name"
        )
    existing = [str(file) for file in files if file.exists() or file.is_symlink()]
    if existing and not force:
        verb, pronoun = ("exists", "it") if len(existing) == 1 else ("exist", "them")
        raise FileExistsError(
            f"{listed(existing)} {verb}: give force=True to overwrite {pronoun}, or "
            "another name"
        )


def _check_folder(folder: Path) -> None:
    """Create a missing folder and write a temporary file to it."""
    _note_new_folders(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(
            f"{folder} cannot be a folder, as there is a file of that name: choose "
            "another one"
        ) from None
    except OSError as error:
        raise type(error)(
            f"the folder {folder} cannot be written ({reason(error)}): choose "
            "another one, or change its permissions"
        ) from error


@contextmanager
def atomic_write(path: str | os.PathLike, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write; rename it to `path` when the body ends.

    It is a hidden name in the same folder with the same extension, and is removed when
    the body raises. Raises FileExistsError without `force`, OSError if the folder
    cannot be written or the body wrote nothing; what a library raises on a full disk
    becomes a `WriteError`.
    """
    (final,) = check_outputs(path, force=force)
    before, after = _around_token(final)
    temporary = final.with_name(f"{before}{secrets.token_hex(4)}{after}")
    try:
        with write_errors(final, under=temporary):
            yield temporary
            if not temporary.exists():
                raise OSError(f"{final} could not be written: is the disk full?")
            # Another process may have written the file meanwhile.
            _check_existing([final], force=force)
            os.replace(temporary, final)
        logger.debug("%s is written, %d bytes", final, final.stat().st_size)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(paths: Iterable[Path]) -> None:
    """Remove what processes that were killed in `atomic_write` of these have left.

    No other process may be writing them.
    """
    for each in find_temporaries(paths):
        each.unlink(missing_ok=True)


def find_temporaries(paths: Iterable[Path]) -> list[Path]:
    """Return the files with the temporary names of these, in no order."""
    by_folder: dict[Path, list[str]] = {}
    for path in paths:
        pattern = "[0-9a-f]{8}".join(map(re.escape, _around_token(path)))
        by_folder.setdefault(path.parent, []).append(pattern)
    found = []
    for folder, patterns in by_folder.items():
        name = re.compile("|".join(patterns))
        with os.scandir(folder) as entries:
            found += [Path(each.path) for each in entries if name.fullmatch(each.name)]
    return found


def _around_token(path: Path) -> tuple[str, str]:
    """Return the parts of the temporary name of a file around what is random in it."""
    stem, extension = split_extension(path)
    # The name may have the greatest length already.
    return f".{stem[:_LONGEST_STEM]}-", extension


def flush_to_disk(path: Path) -> None:
    """Have the system write a file to its disk now; OSError where that has no room.

    Disks of the network and quotas may say so only then.
    """
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


# Folders that were made in the body of `remove_new_folders_on_error`.
_NEW_FOLDERS: ContextVar[list[Path] | None] = ContextVar("_NEW_FOLDERS", default=None)


@contextmanager
def remove_new_folders_on_error() -> Iterator[None]:
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


def _note_new_folders(folder: Path) -> None:
    """Note a folder that is about to be made, and its parents that do not exist."""
    new = _NEW_FOLDERS.get()
    if new is not None:
        absolute = folder.absolute()
        each_above = (absolute, *absolute.parents)
        new.extend(each for each in each_above if not each.exists())


@contextmanager
def atomic_write_all(paths: Mapping, *, force: bool = False) -> Iterator[dict]:
    """Yield temporary paths by key, as `atomic_write`; renamed once all are whole."""
    with ExitStack() as stack:
        yield {
            key: stack.enter_context(atomic_write(path, force=force))
            for key, path in paths.items()
        }


@contextmanager
def remove_new_files_on_error(paths: Iterable[Path]) -> Iterator[None]:
    """Remove the files of `paths` that the body has made, if it raises."""
    new = [path for path in paths if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
