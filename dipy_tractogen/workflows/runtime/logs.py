"""Messages of a command: to the user, into a file, and as notes of what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
import logging
import re
import sys

from ..options.arguments import check_choice

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
"""Names of the levels, from the gravest."""

logger = logging.getLogger("dipy_tractogen")

_SHOWN = "%(levelname)s: %(message)s"
_FILED = "%(asctime)s %(levelname)s: %(message)s"

_ALIASES = {"out_of_bounds": "outside_box"}

# A literal of Python, or a word in capitals that stands for one, and then an end.
_VALUE = r"""'[^']*'|"[^"]*"|\([^()]*\)|\[[^\[\]]*\]|-?[\d.]+(?:e[+-]?\d+)?|\w+"""
_PARAMETER = re.compile(
    rf"(?<![\w./=\-'\"])(?P<name>[a-z]\w*)=(?P<value>{_VALUE})(?=[,;:.]?(?:\s|$)|\))"
)
# A name alone; without an underscore it might be a word of the language.
_NAME = re.compile(r"(?<![\w./=\-'\"\\])(?P<name>[a-z]+_\w+)(?=[,;:.]?(?:\s|$)|\))")
_ADVICE = re.compile(
    rf"(?:(?:,? or |; )[^,;:()]*| )\((?P<name>[a-z]\w*)=(?P<value>{_VALUE})\)"
)
_QUOTES_AND_COMMAS = re.compile(r"""['",\s]+""")


class _Formatter(logging.Formatter):
    """Writes a message on one line, whatever the names of files in it are.

    Bytes that are not UTF-8 are spelled, and so are ends of lines and what a terminal
    would take for commands.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        from dipy_tractogen.utils.messages import printable

        return printable(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        from dipy_tractogen.utils.messages import encodable

        # With the traceback, where there is one.
        return encodable(super().format(record))


class OptionWords(logging.Filter):
    """Writes parameters in messages as the command line has them.

    The library names its parameters in Python's way, ``name='value'`` or ``a_name``;
    whoever typed a command knows ``--name value`` and ``--a_name``. Advice in
    parentheses on a parameter that is not an option of the command is left out, with
    its clause.

    Parameters
    ----------
    options : collection of str
        Names of the options of the command.
    typed : sequence of str, optional
        Arguments as they were typed; what stands there is left as it is.
    """

    def __init__(self, options: Collection[str], typed: Sequence[str] = ()):
        super().__init__()
        self._options = frozenset(options)
        self._typed = tuple(typed)

    def filter(self, record: logging.LogRecord) -> bool:
        """Reword a message; it is always let through."""
        record.msg, record.args = self.reword(record.getMessage()), None
        return True

    def reword(self, text: str) -> str:
        """Return a text with options in place of parameters.

        Parameters
        ----------
        text : str
            Such as ``"huber_mm=-1: give more than 0"``.

        Returns
        -------
        str
            Such as ``"--huber_mm -1: give more than 0"``.
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
        values = " ".join(_QUOTES_AND_COMMAS.split(found["value"].strip("()[]")))
        return f"--{name} {values.strip()}"

    def _bare(self, found: re.Match) -> str:
        known = self._name_of(found) in self._options
        given = any(each.startswith(found[0]) for each in self._typed)
        return f"--{self._name_of(found)}" if known and not given else found[0]

    @staticmethod
    def _name_of(found: re.Match) -> str:
        return _ALIASES.get(found["name"], found["name"])


class _FileHandler(logging.FileHandler):
    """Adds messages to a file; where that fails, another function is told."""

    def __init__(
        self, file: str, give_up: Callable[[logging.Handler, Exception], None]
    ):
        super().__init__(file, encoding="utf-8")
        self._give_up = give_up

    def handleError(self, record: logging.LogRecord) -> None:
        """Tell of a message that cannot be written."""
        self._give_up(self, sys.exception())

    def close(self) -> None:
        """Close the file; what its buffer holds may not be written either."""
        try:
            super().close()
        except OSError as error:
            self._give_up(self, error)


class Log:
    """Sends the messages of this package and of DIPY to the user, and to a file.

    Used in a ``with`` statement, which leaves the loggers as they were.

    Parameters
    ----------
    stream : file object
        Where the user reads.
    file : str, optional
        A file that messages are added to, with the time; none if empty.
    words : logging.Filter, optional
        Rewords the messages of this package.

    Raises
    ------
    OSError
        If the file cannot be opened. If it cannot be written later, that is an error
        in the log, and the others go on.

    Attributes
    ----------
    is_whole : bool
        Whether the file, if there is one, has all messages.
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
        """Choose the messages.

        Parameters
        ----------
        level : str
            One of `LEVELS`: the least grave message that is written.
        quiet : bool, optional
            Show the user no messages below a warning; the file gets them.

        Raises
        ------
        ValueError
            If there is no such level.
        """
        check_choice("log_level", level, LEVELS)
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
        """Write a message to the file alone, if there is one.

        Parameters
        ----------
        message : str
            The message.
        """
        for handler in self._handlers[1:]:
            record = (logger.name, logging.INFO, __file__, 0, message, (), None)
            handler.handle(logger.makeRecord(*record))

    def _give_up(self, handler: logging.Handler, error: Exception) -> None:
        """Go on without the file, and say so, once."""
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
    """Note what is warned of in the body, for the record of what it makes.

    Yields
    ------
    list of str
        Grows by the warnings of this package, in their order.
    """
    notes: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: notes.append(record.getMessage())
    logger.addHandler(handler)
    try:
        yield notes
    finally:
        logger.removeHandler(handler)


def one_line(error: BaseException) -> str:
    """Return what is said of an error, on one line.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        With the name of the file where the system refuses one.
    """
    if isinstance(error, MemoryError):
        said = str(error).rstrip(".") or "no more can be had"
        advice = "" if "batch_size" in said else " Give fewer streamlines."
        return f"Not enough memory: {said}.{advice}"
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
