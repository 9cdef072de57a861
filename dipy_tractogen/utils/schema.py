"""Checks of plain values in files, and files of JSON and TOML.

A check takes a value and its place in the file, and raises `SchemaError` if it does not
accept the value. Checks are made by `integer`, `number`, `text`, `list_of`, `record`
and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
import json
import math
import os
from pathlib import Path
import reprlib
import tomllib

from .files import atomic_write
from .messages import briefly, listed, printable, reason

Check = Callable[[object, str], None]

#: Bytes of a JSON file, more than any of ours has.
LARGEST_JSON = 256 * 2**20
_LARGEST_TOML = 10**6

# Levels of lists and objects in a file, and of those that are shown of a value.
_DEEPEST = 40
_LONGEST_PLACE = 80
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxdict, _SHOWN.maxlist = 2, 3, 3
_SHOWN.maxstring = _SHOWN.maxlong = _SHOWN.maxother = 40


class SchemaError(ValueError):
    """A value is not what is accepted at its place, such as "conditions[1].mean"."""

    def __init__(self, place: str, found: str, expected: str):
        if len(place) > _LONGEST_PLACE:
            place = f"{place[:_LONGEST_PLACE]}..."
        super().__init__(f"{place or 'it'} is {found}; expected {expected}")


class EarlierVersionError(ValueError):
    """A file is whole, but lacks what its version of the package did not write."""


def short_repr(value: object) -> str:
    """Return a short form of a plain value on one line, up to 200 characters."""
    return " ".join(_SHOWN.repr(value).split())


def _accepting(accepts: Callable[[object], bool], expected: str) -> Check:
    def check(value, place):
        if not accepts(value):
            raise SchemaError(place, short_repr(value), expected)

    return check


def integer(low: int, high: int) -> Check:
    """Return the check of a whole number from `low` to `high`."""

    def accepts(value):
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and low <= value <= high

    return _accepting(accepts, f"a whole number from {low} to {high}")


def number(
    low: float = -math.inf, high: float = math.inf, *, finite: bool = True
) -> Check:
    """Return the check of a number from `low` to `high`; NaN only if not `finite`."""

    def accepts(value):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        # A whole number of hundreds of digits has no float.
        if isinstance(value, int) and abs(value) > 1e300:
            return False
        return low <= value <= high if math.isfinite(value) else not finite

    limits = [f"from {low:g}"] * (low > -math.inf)
    limits += [f"up to {high:g}"] * (high < math.inf)
    return _accepting(
        accepts, " ".join(["a number", *limits] if limits else ["a finite number"])
    )


def text(longest: int = 10_000, *, least: int = 0) -> Check:
    """Return the check of a text of `least` to `longest` characters."""
    number = f"{least} to {longest}" if least else f"up to {longest}"
    return _accepting(
        lambda value: isinstance(value, str) and least <= len(value) <= longest,
        f"text of {number} characters",
    )


boolean = _accepting(lambda value: isinstance(value, bool), "true or false")
"""Check of a value that is true or false."""


def one_of(*accepted: object) -> Check:
    """Return the check of a value that is one of those accepted."""
    return _accepting(
        lambda value: any(
            type(value) is type(one) and value == one for one in accepted
        ),
        f"one of {', '.join(map(str, accepted))}",
    )


def optional(check_value: Check) -> Check:
    """Return the check of a value that may be null."""
    return lambda value, place: None if value is None else check_value(value, place)


def either(*checks: Check) -> Check:
    """Return the check of a value that one of several checks accepts."""

    def check(value, place):
        found = []
        for each in checks:
            try:
                return each(value, place)
            except SchemaError as error:
                found.append(str(error).rpartition("; expected ")[2])
        raise SchemaError(place, short_repr(value), " or ".join(found))

    return check


def list_of(check_value: Check, least: int = 0, most: int = 10**7) -> Check:
    """Return the check of a list of `least` to `most` values of one kind."""

    def check(value, place):
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            number = f"{least}" if least == most else f"{least} to {most}"
            raise SchemaError(place, _size(value), f"a list of {number}")
        for index, one in enumerate(value):
            check_value(one, f"{place}[{index}]")

    return check


def mapping(
    check_value: Check, most: int = 10**6, *, check_name: Check | None = None
) -> Check:
    """Return the check of an object with names and values of one kind each."""
    check_name = check_name or text()

    def check(value, place):
        if not isinstance(value, dict) or len(value) > most:
            raise SchemaError(place, _size(value), f"an object of up to {most} entries")
        for name, one in value.items():
            check_name(name, f"a name in {place or 'it'}")
            check_value(one, _inside(place, name))

    return check


def record(
    needed: Mapping[str, Check],
    may_have: Mapping[str, Check] | None = None,
    *,
    others: bool = True,
) -> Check:
    """Return the check of an object by the names of its entries.

    It has all of `needed`, may have those of `may_have`, and if `others` any more that
    are plain values.
    """
    known = {**needed, **(may_have or {})}

    def check(value, place):
        if not isinstance(value, dict):
            entries = f" with {_listed(needed)}" if needed else ""
            raise SchemaError(place, _size(value), f"an object{entries}")
        missing = [name for name in needed if name not in value]
        if missing:
            raise SchemaError(
                place, f"without {_listed(missing)}", f"{_listed(needed)}"
            )
        unknown = [name for name in value if name not in known]
        if unknown and not others:
            raise SchemaError(
                place, f"with {_listed(unknown)}", f"only {_listed(known)}"
            )
        for name, one in value.items():
            known.get(name, plain)(one, _inside(place, name))

    return check


def plain(value: object, place: str) -> None:
    """Check that a value is text, numbers, lists and objects, not nested too deeply."""
    _check_plain(value, place, _DEEPEST)


def _check_plain(value, place: str, levels: int) -> None:
    if not levels:
        raise SchemaError(place, "nested too deeply", f"at most {_DEEPEST} levels")
    if isinstance(value, dict):
        for name, one in value.items():
            _check_plain(one, _inside(place, short_repr(name)), levels - 1)
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            _check_plain(one, f"{place}[{index}]", levels - 1)
    elif not isinstance(value, (str, int, float, bool, type(None))):
        raise SchemaError(
            place, short_repr(value), "plain text, a number, a list or an object"
        )


def parse_json(content: bytes | str) -> object:
    """Return the plain values of JSON text; ValueError if it is damaged."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: str | os.PathLike, check: Check, what: str) -> object:
    """Return the plain values of a JSON file that pass a check.

    Raises OSError if it cannot be opened; ValueError, with the file and `what` it
    should be, if it holds something else.
    """
    with file_errors(path, what):
        found = _plain_of(path)
        check(found, "")
    return found


def read_companion(path: Path, of: Path) -> object:
    """Return the plain values of the JSON file beside another file.

    Raises ValueError that names both if it is damaged or cannot be read.
    """
    try:
        return _plain_of(path)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}, which describes {of.name}, cannot be read ({reason(error)}): "
            "mend it or take it away"
        ) from error


def _plain_of(path: str | os.PathLike) -> object:
    with open(path, "rb") as stream:
        content = stream.read(LARGEST_JSON + 1)
    if len(content) > LARGEST_JSON:
        raise SchemaError("", f"larger than {LARGEST_JSON} bytes", "a smaller one")
    return parse_json(content)


def read_toml(path: str | os.PathLike) -> dict:
    """Return the plain values of a TOML file.

    Raises OSError if it cannot be opened; ValueError if it is large or damaged.
    """
    with open(path, "rb") as stream:
        content = stream.read(_LARGEST_TOML + 1)
    if len(content) > _LARGEST_TOML:
        raise SchemaError("", "too large", f"up to {_LARGEST_TOML} bytes")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@contextmanager
def file_errors(
    path: str | os.PathLike, what: str, *damage: type[Exception]
) -> Iterator[None]:
    """Raise ValueError with the file and `what` it should be for errors of the body.

    Those are ValueError, MemoryError and the types of `damage`.
    """
    try:
        yield
    except EarlierVersionError as error:
        raise EarlierVersionError(f"{path}: {error}") from error
    except (ValueError, MemoryError, *damage) as error:
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ValueError(
            f"{path} is not {what}, or is damaged ({said}): give a whole one."
        ) from error


def _listed(names: Iterable[object]) -> str:
    """Return at most ten names, none of them long."""
    return listed(map(briefly, names))


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else str(name)


def _size(value: object) -> str:
    if isinstance(value, (list, tuple, dict)):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}"
    return short_repr(value)


def write_json(path: Path, values: Mapping, *, force: bool) -> None:
    """Write plain values with finite numbers as JSON, whole or not at all."""
    with atomic_write(path, force=force) as temporary:
        text = json.dumps(plain_values(values), indent=2, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def plain_values(value):
    """Return plain values with paths as text, and text as `printable` has it."""
    if isinstance(value, Mapping):
        return {plain_values(name): plain_values(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(each) for each in value]
    return printable(value) if isinstance(value, (str, Path)) else value
