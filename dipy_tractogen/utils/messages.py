"""What is said about files that cannot be read, and how it is logged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
import logging
import os
from pathlib import Path
import re
from textwrap import shorten
import warnings

from .disk import temporary_error

logger = logging.getLogger("dipy_tractogen")

# Characters of what a library says of a file, which may hold some of its contents.
_LONGEST = 250

MOST_LISTED = 10
"""Names that a message lists before it counts the others."""

# Control characters and ends of lines.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Those that stand for no byte of a name of a file.
_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


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


def printable(text: object) -> str:
    r"""Return text that every terminal, file and page can hold on one line.

    Parameters
    ----------
    text : object
        A path, or any other text. Python has bytes of a file name that are not UTF-8 as
        characters that cannot be written.

    Returns
    -------
    str
        The same, with ``\xfc`` for such a byte, and control characters spelled in the
        same way, such as ``\n``.
    """
    return encodable(_UNWRITABLE.sub(_spelled, str(text)))


def encodable(text: str) -> str:
    r"""Return text that UTF-8 can hold, with its lines.

    Parameters
    ----------
    text : str
        Any text, with names of files in it perhaps.

    Returns
    -------
    str
        The same, with ``\xfc`` for a byte that is not UTF-8.
    """
    text = _SURROGATES.sub(_spelled, text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def digits_of(value: float) -> str:
    """Return a number with six digits, or with those before its point and one more.

    Parameters
    ----------
    value : float
        Any number; a date in the form 20240131 among them.

    Returns
    -------
    str
        Whole numbers are without a point.
    """
    value = float(value)
    if abs(value) < 2**53 and (abs(value) >= 1e5 or value.is_integer()):
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.6g}"


def _spelled(found: re.Match) -> str:
    """Return a character as Python spells it."""
    return found[0].encode("unicode_escape").decode()


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
    lack = temporary_error(path, error)
    if lack is not None:
        return lack
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
        f"{path} is not a whole {kind} file ({reason(error)[:_LONGEST]}): it may be "
        "cut short, damaged or of another format; copy or export it again"
    )


def reason(error: Exception) -> str:
    """Return on one line why something failed.

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
            return f"{name} ({briefly(old)}, now {briefly(new)})"
    return ""


def listed(names: Iterable, separator: str = ", ") -> str:
    """Return names in one line: at most ten, then how many more there are.

    Parameters
    ----------
    names : iterable
        Names, or other things that are told by their text.
    separator : str, optional
        What stands between two of them.

    Returns
    -------
    str
        Such as ``"AF_L, AF_R and 70 more"``; ``"none"`` where there is none.
    """
    texts = [str(name) for name in names]
    more = len(texts) - MOST_LISTED
    line = separator.join(texts[:MOST_LISTED])
    return f"{line} and {more} more" if more > 0 else line or "none"


def briefly(value: object) -> str:
    """Return the text of a value, cut at a word where it is long.

    Parameters
    ----------
    value : object
        Anything that has a text.

    Returns
    -------
    str
        At most a hundred characters of it, on one line.
    """
    return shorten(str(value), 100, placeholder=" ...")
