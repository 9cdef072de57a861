"""What is said about files that cannot be read, and how it is logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import logging
import os
from pathlib import Path
import warnings

logger = logging.getLogger("dipy_tractogen")


@contextmanager
def warnings_logged(path: str | os.PathLike) -> Iterator[None]:
    """Log the Python warnings of the body, each once and on one line.

    Parameters
    ----------
    path : str or Path
        The file that is read, named in the log.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        logger.warning("%s: %s", path, " ".join(text.split()))


def read_error(path: str | os.PathLike, error: Exception) -> Exception:
    """Turn what a reader raised into one line that names the file.

    Parameters
    ----------
    path : str or Path
        The file that could not be read.
    error : Exception
        What the reader raised.

    Returns
    -------
    error : OSError or ValueError
        The same type of OSError for what the system refuses (missing, permission);
        ValueError for contents that could not be understood.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return type(error)(
            f"{path} cannot be read ({reason(error)}): check the file and its "
            "permissions"
        )
    if isinstance(error, MemoryError):
        return ValueError(
            f"{path} asks for more memory than there is: it is damaged, or too large "
            "for this machine; split it"
        )
    kind = Path(path).suffix.lower()
    return ValueError(
        f"{path} is not a whole {kind} file ({reason(error)}): it may be cut short, "
        "damaged or of another format; copy or export it again"
    )


def reason(error: Exception) -> str:
    """Say on one line why something failed.

    Parameters
    ----------
    error : Exception
        What was raised.

    Returns
    -------
    reason : str
        The first line of its message, without a full stop.
    """
    text = (getattr(error, "strerror", None) or str(error)).strip()
    lines = text.splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def first_difference(there: dict, now: dict) -> str:
    """Name the first setting that differs from what it was.

    Parameters
    ----------
    there, now : dict
        Settings, as plain values; a dictionary in them counts entry by entry.

    Returns
    -------
    str
        Its name and both values; empty where none differs.
    """
    for name in {**there, **now}:
        old, new = there.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = first_difference(old, new)
            if inner:
                return inner
        elif old != new:
            return f"{name} ({old}, now {new})"
    return ""
