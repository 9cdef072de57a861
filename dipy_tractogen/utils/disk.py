"""Errors of full disks: one line with file and cause, whatever a library raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import errno
import os
from pathlib import Path
import secrets
import shutil
import tempfile

# Full disk, quota, limit on the size of files, read-only disk.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_SAID = tuple(os.strerror(code) for code in _FULL)
_PROBE = bytes(2**16)
_TEMPORARY = "make room there, or name another folder by TMPDIR"


class DiskError(OSError):
    """A disk is full; the message is complete."""


class WriteError(DiskError):
    """A file cannot be written, or a temporary file of `folder` that it needs."""

    def __init__(
        self,
        path: str | os.PathLike,
        cause: str,
        folder: str | os.PathLike | None = None,
    ):
        self.path, self.cause, self.folder = Path(path), cause, folder
        advice = "make room there, or give another folder"
        if folder is not None:
            cause = f"{cause} in {folder}, where temporary files go"
            advice = _TEMPORARY
        super().__init__(f"{path} cannot be written ({cause}): {advice}")


@contextmanager
def write_errors(
    path: str | os.PathLike, *, under: Path | None = None
) -> Iterator[None]:
    """Raise WriteError, with file and cause, where the disk takes no more in the body.

    Libraries raise errors of any kind on a full disk, so a test file is written to find
    out. Other errors pass. `under` is the temporary name of the file meanwhile.
    """
    written = Path(under or path)
    try:
        yield
    except WriteError as error:
        if under is None or error.path != under:
            raise
        raise WriteError(path, error.cause, error.folder) from error
    except DiskError:
        raise
    except Exception as error:
        # On a full disk libraries raise errors of any kind.
        found = _write_error(path, written, error, probe=written if under else None)
        if found is None:
            raise
        raise found from error


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a temporary folder, removed at the end; DiskError on a full disk."""
    try:
        with tempfile.TemporaryDirectory(prefix="dipy_tractogen_") as name:
            yield Path(name)
    except Exception as error:
        # As in `write_errors`.
        cause = disk_full_reason(error)
        if cause is None:
            raise
        raise DiskError(_no_temporary(cause)) from error


def check_temporary_room(path: str | os.PathLike, nb_bytes: int) -> None:
    """Raise DiskError where temporary files have no room for so many bytes."""
    if shutil.disk_usage(tempfile.gettempdir()).free < nb_bytes:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise temporary_error(path, full)


def temporary_error(path: str | os.PathLike, error: BaseException) -> DiskError | None:
    """Return a DiskError if a file cannot be read for lack of room; else None."""
    if isinstance(error, DiskError):
        return error
    cause = disk_full_reason(error)
    if cause is None:
        return None
    return DiskError(f"{path} cannot be read: {_no_temporary(cause)}")


def disk_full_reason(error: BaseException | None) -> str | None:
    """Return what the system said, such as "No space left on device", or None.

    The errors that an error came from are searched as well.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _FULL:
            return os.strerror(error.errno)
        for text in _SAID:
            if text in str(error):
                return text
        error = error.__cause__ or error.__context__
    return None


def _no_temporary(cause: str) -> str:
    where = tempfile.gettempdir()
    return f"temporary files cannot be written in {where} ({cause}): {_TEMPORARY}"


def _write_error(path, written: Path, error: Exception, probe) -> WriteError | None:
    """Return the error to raise if one is that a file cannot be written."""
    name = getattr(error, "filename", None)
    if isinstance(name, (str, os.PathLike)) and Path(name) == written:
        return WriteError(path, error.strerror or str(error))
    cause = disk_full_reason(error)
    has_number = isinstance(error, OSError) and error.errno is not None
    if cause is None and (has_number or not isinstance(error, (OSError, RuntimeError))):
        return None
    full = _try(probe, "ab") if probe else _try_new(written.parent)
    if full:
        return WriteError(path, full)
    folder = tempfile.gettempdir()
    full = _try_new(folder)
    if full:
        return WriteError(path, full, folder)
    if cause is None:
        return None
    # A temporary file of a library may be gone by now, so that there is room again.
    is_temporary = isinstance(name, str) and Path(folder) in Path(name).parents
    return WriteError(path, cause, folder if is_temporary else None)


def _try_new(folder: str | os.PathLike) -> str | None:
    """Write a little to a new file of a folder; give the cause if that cannot be."""
    place = Path(folder, f".dipy_tractogen-{secrets.token_hex(4)}")
    try:
        return _try(place, "xb")
    finally:
        place.unlink(missing_ok=True)


def _try(place: Path, mode: str) -> str | None:
    try:
        with place.open(mode) as stream:
            stream.write(_PROBE)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        return error.strerror if error.errno in _FULL else None
    return None
