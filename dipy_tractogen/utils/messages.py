"""Text of messages: errors of reading, names and numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
import logging
import os
from pathlib import Path
import re
from textwrap import shorten
import unicodedata
import warnings

from .disk import temporary_error

logger = logging.getLogger("dipy_tractogen")

# Characters of a library's message, which may quote contents of the file.
_LONGEST = 250

MOST_LISTED = 10
"""Names that a message lists before it counts the others."""

# Control characters and ends of lines.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The password in an address, after the user or among the arguments.
_PASSWORD = re.compile(r"(\w://[^\s:/@]*:)[^\s@]*@|([?&]\w*password=)[^\s&]*")
# Surrogates that do not stand for a byte of a file name.
_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class ThresholdsNotMet(Exception):
    """Measures do not reach the requested thresholds; a line of the text for each.

    Files are written all the same, and a command ends with exit code 3.
    """


@contextmanager
def log_warnings(path: str | os.PathLike) -> Iterator[None]:
    """Log each Python warning of the body once, on one line with the file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        logger.warning("%s: %s", path, " ".join(text.split()))


def printable(text: object) -> str:
    r"""Return text on one line that every terminal, file and page can hold.

    Bytes of a file name that are not UTF-8 are spelled ``\xfc``, control characters
    ``\n``.
    """
    return encodable(_UNWRITABLE.sub(_spelled, str(text)))


def encodable(text: str) -> str:
    r"""Return text that UTF-8 can hold, with other bytes spelled ``\xfc``."""
    text = _SURROGATES.sub(_spelled, text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def without_passwords(text: str) -> str:
    """Return text with ``***`` in place of the passwords of addresses in it.

    Spaces in a password are not foreseen: an address has none.
    """
    return _PASSWORD.sub(lambda at: f"{at[1]}***@" if at[1] else f"{at[2]}***", text)


def normalized_name(text: object) -> str:
    """Return text as a name: as `printable` has it, with composed letters (NFC).

    macOS may give the name of a file with letters and accents apart.
    """
    return unicodedata.normalize("NFC", printable(text))


def format_number(value: float) -> str:
    """Return a number as text, with six digits or those before its point and one more.

    Whole numbers, dates such as 20240131 among them, have no point.
    """
    value = float(value)
    if abs(value) < 2**53 and (abs(value) >= 1e5 or value.is_integer()):
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.6g}"


def _spelled(found: re.Match) -> str:
    """Return a character as Python spells it."""
    return found[0].encode("unicode_escape").decode()


def read_error(path: str | os.PathLike, error: Exception) -> Exception:
    """Return the error to raise for a file that could not be read, in one line.

    The same type of OSError for what the system refuses, ValueError for contents that
    cannot be understood.
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
    """Return the first line of the message of an error, without a full stop."""
    text = (getattr(error, "strerror", None) or str(error)).strip()
    lines = text.splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def first_difference(there: dict, now: dict) -> str:
    """Return name and values of the first setting that differs, or empty text."""
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
    """Return up to ten names, such as "AF_L, AF_R and 70 more", or "none"."""
    texts = [str(name) for name in names]
    more = len(texts) - MOST_LISTED
    line = separator.join(texts[:MOST_LISTED])
    return f"{line} and {more} more" if more > 0 else line or "none"


def briefly(value: object) -> str:
    """Return the text of a value on one line, cut at a word after 100 characters."""
    return shorten(str(value), 100, placeholder=" ...")


def format_count(number: int, noun: str) -> str:
    """Format a number with its noun, as "1 bundle" or "2,000 streamlines"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def check_choice(name: str, value: str, accepted: Collection[str]) -> None:
    """Raise ValueError where a value is none of those that are accepted."""
    if value not in accepted:
        raise ValueError(f"{name}={value!r}: accepted are {', '.join(accepted)}.")
