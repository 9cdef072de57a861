"""Messages of a command: to the user, into a file, and as notes of what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
import logging
import re
import sys

from dipy_tractogen.utils.messages import briefly

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
"""Names of the levels, from the gravest."""

logger = logging.getLogger("dipy_tractogen")

_SHOWN = "%(levelname)s: %(message)s"
_FILED = "%(asctime)s %(levelname)s: %(message)s"

_ALIASES = {"out_of_bounds": "outside_box"}

# A literal of Python, or a word in capitals that stands for one, and then an end.
_VALUE = (
    r"""'[^']*'|"[^"]*"|\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|"""
    r"""-?[\d.]+(?:e[+-]?\d+)?|\w+"""
)
_PARAMETER = re.compile(
    rf"(?<![\w./=\-'\"])(?P<name>[a-z]\w*)=(?P<value>{_VALUE})(?=[,;:.]?(?:\s|$)|\))"
)
# A name alone; without an underscore it might be a word of the language.
_NAME = re.compile(r"(?<![\w./=\-'\"\\])(?P<name>[a-z]+_\w+)(?=[,;:.]?(?:\s|$)|\))")
_ADVICE = re.compile(
    rf"(?:(?:,? or |; )[^,;:()]*| )\((?P<name>[a-z]\w*)=(?P<value>{_VALUE})\)"
)
_ITEMS = re.compile(r"""['"]: ['"]""")
_QUOTES_AND_COMMAS = re.compile(r"""['",\s]+""")


class _Formatter(logging.Formatter):
    """Formatter of messages on one line, whatever the names of files in it are.

    Bytes that are not UTF-8 and control characters are spelled, and passwords are left
    out.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        from dipy_tractogen.utils.messages import printable

        return printable(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        from dipy_tractogen.utils.messages import encodable, without_passwords

        # With the traceback, where there is one.
        return encodable(without_passwords(super().format(record)))


class OptionWords(logging.Filter):
    """Filter that writes parameters in messages as options of the command line.

    The library writes ``name='value'`` or ``a_name``; the command line has ``--name
    value`` and ``--a_name``. Advice in parentheses on a parameter that is no option of
    the command is left out, with its clause.

    Parameters
    ----------
    options : collection of str
        Names of the options of the command.
    typed : sequence of str, optional
        Arguments as they were typed, which are not changed.
    """

    def __init__(self, options: Collection[str], typed: Sequence[str] = ()):
        super().__init__()
        self._options = frozenset(options)
        self._typed = tuple(typed)

    def filter(self, record: logging.LogRecord) -> bool:
        """Reword a message, and let it through."""
        record.msg, record.args = self.reword(record.getMessage()), None
        return True

    def reword(self, text: str) -> str:
        """Return a text with options in place of parameters.

        ``"huber_mm=-1: give 1"`` becomes ``"--huber_mm -1: give 1"``.
        """
        in_python = "--" not in text
        text = _ADVICE.sub(self._advice, text)
        text = _PARAMETER.sub(self._option, text)
        return _NAME.sub(self._bare, text) if in_python else text

    def _advice(self, found: re.Match) -> str:
        return found[0] if self._name_of(found) in self._options else ""

    def _option(self, found: re.Match) -> str:
        name = self._name_of(found)
        given = any(each.startswith(found[0]) for each in self._typed)
        if name not in self._options or given:
            return found[0]
        if found["value"] in ("False", "None"):
            return f"no --{name}"
        if found["value"] == "True":
            return f"--{name}"
        # A mapping is given as NAME=VALUE.
        values = _ITEMS.sub("=", found["value"]).strip("()[]{}")
        values = " ".join(_QUOTES_AND_COMMAS.split(values))
        return f"--{name} {values.strip()}"

    def _bare(self, found: re.Match) -> str:
        known = self._name_of(found) in self._options
        given = any(each.startswith(found[0]) for each in self._typed)
        return f"--{self._name_of(found)}" if known and not given else found[0]

    @staticmethod
    def _name_of(found: re.Match) -> str:
        return _ALIASES.get(found["name"], found["name"])


class _FileHandler(logging.FileHandler):
    """Handler that adds messages to a file, and tells `give_up` of errors."""

    def __init__(
        self, file: str, give_up: Callable[[logging.Handler, Exception], None]
    ):
        super().__init__(file, encoding="utf-8")
        self._give_up = give_up

    def handleError(self, record: logging.LogRecord) -> None:
        """Call `give_up` for a message that cannot be written."""
        self._give_up(self, sys.exception())

    def close(self) -> None:
        """Close the file; what its buffer holds may not be written either."""
        try:
            super().close()
        except OSError as error:
            self._give_up(self, error)


class Log:
    """Messages of this package and of DIPY for the user, and for a file.

    Used in a ``with`` statement, which leaves the loggers as they were.

    Parameters
    ----------
    stream : file object
        Where the user reads.
    file : str, optional
        A file that messages are added to, with the time; none if empty.
    words : logging.Filter, optional
        Rewords the messages of this package.

    Attributes
    ----------
    is_whole : bool
        Whether the file, if there is one, has all messages.

    Raises
    ------
    OSError
        If the file cannot be opened. If it cannot be written later, an error is logged.
    """

    is_whole = True

    def __init__(self, stream, file: str = "", words: logging.Filter | None = None):
        self._shown = logging.StreamHandler(stream)
        self._shown.setFormatter(_Formatter(_SHOWN))
        self._handlers: list[logging.Handler] = [self._shown]
        self._targets = [logger, logging.getLogger("dipy")]
        self._before = [(target.handlers[:], target.level) for target in self._targets]
        self._words = words
        if file:
            self._handlers.append(_FileHandler(file, self._give_up))
            self._handlers[-1].setFormatter(_Formatter(_FILED))

    def set_level(self, level: str, *, quiet: bool = False) -> None:
        """Write messages of a level of `LEVELS` and above; quiet hides INFO."""
        if level not in LEVELS:
            accepted = ", ".join(LEVELS)
            raise ValueError(f"--log_level {briefly(level)}: accepted are {accepted}.")
        for handler in self._handlers:
            handler.setLevel(level)
        if quiet and level == "INFO":
            self._shown.setLevel("WARNING")
        # What is noted of a run does not depend on what is shown.
        logger.setLevel(min(getattr(logging, level), logging.WARNING))
        # DIPY's messages at INFO are about its insides; its warnings matter.
        inner = "WARNING" if level == "INFO" else level
        logging.getLogger("dipy").setLevel(inner)

    def file(self, message: str) -> None:
        """Write a message to the file alone, if there is one."""
        for handler in self._handlers[1:]:
            record = (logger.name, logging.INFO, __file__, 0, message, (), None)
            handler.handle(logger.makeRecord(*record))

    def _give_up(self, handler: logging.Handler, error: Exception) -> None:
        """Log an error once, and go on without the file."""
        if handler not in self._handlers:
            return
        self._handlers.remove(handler)
        for target in self._targets:
            if handler in target.handlers:
                target.removeHandler(handler)
        handler.close()
        self.is_whole = False
        logger.error(
            "The log file %s cannot be written (%s): messages are only shown",
            handler.baseFilename,
            one_line(error),
        )

    def __enter__(self) -> Log:
        for target in self._targets:
            target.handlers[:] = self._handlers
        if self._words is not None:
            logger.addFilter(self._words)
        return self

    def __exit__(self, kind, error, trace) -> None:
        for target, (handlers, level) in zip(self._targets, self._before):
            target.handlers[:] = handlers
            target.setLevel(level)
        if self._words is not None:
            logger.removeFilter(self._words)
        for handler in list(self._handlers):
            handler.close()


@contextmanager
def noted_warnings() -> Iterator[list[str]]:
    """Yield a list of the warnings of this package in the body."""
    notes: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: notes.append(record.getMessage())
    logger.addHandler(handler)
    try:
        yield notes
    finally:
        logger.removeHandler(handler)


def one_line(error: BaseException) -> str:
    """Return the text of an error on one line, with the name of its file."""
    if isinstance(error, MemoryError):
        said = str(error).rstrip(".") or "no more can be had"
        advice = "" if "batch_size" in said else " Give fewer streamlines."
        return f"Not enough memory: {said}.{advice}"
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
