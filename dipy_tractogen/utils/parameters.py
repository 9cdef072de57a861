"""Parameters that are declared once, as fields of dataclasses.

From the declaration come the checks and the documentation of a constructor, the options
of a command, and what the file of a model may hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import (
    MISSING,
    Field,
    dataclass,
    field,
    fields,
    make_dataclass,
    replace,
)
import inspect
import math
from numbers import Integral, Real
from os import PathLike
import re
from textwrap import fill, indent

from . import schema
from .messages import briefly

SMALLEST, LARGEST = 1e-12, 1e12
"""Sizes of numbers beside zero: beyond, single precision has no square of them."""

LARGEST_SEED = 2**32 - 1
"""Largest seed that NumPy and scikit-learn take."""

POSITIVE = f"(0, {LARGEST}]"
"""Numbers above zero."""

BOX_RULES = ("drop", "keep", "error")
"""What is done with streamlines that leave the bounding box of a grid."""

# How DIPY's parser and numpydoc name what is not called as in Python.
_NAMES = {
    "str": ("string", "str"),
    "Path": ("string or Path", "str or Path"),
    "Sequence": ("", "sequence"),
    "Mapping[str, int]": ("", "mapping of str to int"),
}
_MOST_ITEMS = 100
_LOW = {"[": "at least", "(": "more than"}
_HIGH = {"]": "at most", ")": "less than"}


@dataclass(frozen=True)
class Parameter:
    """What is declared of one parameter; see `parameter`."""

    prose: str
    name: str = ""
    kind: str = ""
    default: object = None
    takes_none: bool = False
    within: str = f"[-{LARGEST}, {LARGEST}]"
    choices: tuple[str, ...] = ()
    least_items: int = 0
    unit: str = ""
    by_default: str = ""
    essential: bool = False
    option: str | None = ""
    negated: str = ""
    unset: bool = False
    may_be_infinite: bool = False

    @property
    def is_needed(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING

    @property
    def option_default(self) -> object:
        """Default of the option: None where it is left to what takes the value."""
        return None if self.unset else False if self.negated else self.default

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest number."""
        low, high = map(float, self.within[1:-1].split(","))
        return (int(low), int(high)) if self._item == "int" else (low, high)

    @property
    def _is_sequence(self) -> bool:
        return self.kind.startswith("Sequence[")

    @property
    def _item(self) -> str:
        return self.kind.removeprefix("Sequence[").removesuffix("]")

    def entry(self, *, option: bool = False) -> str:
        """Return the entry in the Parameters section of a docstring."""
        name = self.option if option else self.name
        kind = _NAMES.get(self._item, (self._item, self._item))[not option]
        if self._is_sequence:
            kind = f"variable {kind}" if option else f"sequence of {kind}"
        if self.choices and not option:
            kind = "{" + ", ".join(f'"{one}"' for one in self.choices) + "}"
        if self.takes_none and self.default is not None and not option:
            kind += " or None"
        kind += ", optional" * (not self.is_needed)
        text = self.negated if option and self.negated else self._text(option)
        return f"{name} : {kind}\n{indent(fill(text, 76), '    ')}\n"

    def _text(self, option: bool) -> str:
        """Return the prose, with unit and default after its first sentence."""
        default = self.by_default
        if option and self.unset:
            values = self.default if self._is_sequence else [self.default]
            default = " ".join(str(one).removesuffix(".0") for one in values)
        first, dot, rest = self.prose.partition(". ")
        more = f", in {self.unit}" * bool(self.unit)
        more += f"; by default {default}" * bool(default)
        return f"{first.removesuffix('.')}{more}{dot or '.'}{rest}"

    def as_schema(self) -> schema.Check:
        """Return the check of the parameter in the file of a model."""
        checks = {
            "int": schema.integer(*self.limits),
            "float": schema.number(*self.limits),
            "bool": schema.boolean,
            "str": schema.one_of(*self.choices) if self.choices else schema.text(100),
        }
        check = checks[self._item]
        if self._is_sequence:
            check = schema.list_of(check, most=_MOST_ITEMS)
        return schema.optional(check) if self.takes_none else check

    def check(self, value: object, *, option: bool = False) -> None:
        """Raise ValueError where a value, or that of an option, is not accepted."""
        if value is None and (self.takes_none or (option and self.unset)):
            return
        values = [value]
        # A single file is as good as a list of one.
        is_file = self._item == "Path" and isinstance(value, (str, PathLike))
        if self._is_sequence and not is_file:
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise ValueError(f"{self._named(value, option)}: give a sequence.")
            if len(value) < (1 if option else self.least_items):
                more = ", or leave it out" * option
                raise ValueError(f"{self._named('', option)}: give one or more{more}.")
            values = value
        for one in values:
            if accepted := self._accepted_for(one):
                raise ValueError(f"{self._named(one, option)}: {accepted}.")

    def _named(self, value: object, option: bool) -> str:
        if option:
            return f"--{self.option} {briefly(value)}".rstrip()
        shown = repr(value) if self.choices else schema.short_repr(value)
        return f"{self.name}={shown}"

    def _accepted_for(self, value: object) -> str:
        """Return what is accepted in place of a value; nothing if it is accepted."""
        if self.choices:
            known = isinstance(value, str) and value in self.choices
            return "" if known else f"accepted are {', '.join(self.choices)}"
        if self._item not in ("int", "float"):
            return ""
        low, high = self.limits
        fits = isinstance(value, Real) and not isinstance(value, bool)
        if self._item == "int":
            fits = fits and isinstance(value, Integral) and low <= value <= high
            return "" if fits else f"give a whole number from {low} to {high}"
        if self.may_be_infinite and value == math.inf:
            return ""
        if fits and 0 < abs(value) < SMALLEST:
            return f"give a number from {SMALLEST:g} to {high:g}"
        fits = fits and (low < value or (low == value and self.within[0] == "["))
        limits = [f"{_LOW[self.within[0]]} {low:g}"] * (low > -LARGEST)
        # The usual upper limit is only told where it was exceeded.
        if high < LARGEST or fits:
            limits.append(f"{_HIGH[self.within[-1]]} {high:g}")
        fits = fits and (value < high or (value == high and self.within[-1] == "]"))
        said = " and ".join(limits) or "that is finite"
        return "" if fits else f"give a number {said}"


def parameter(default: object, prose: str, **declared) -> Field:
    """Declare a parameter, as a field of a subclass of `Parameters`.

    The annotation of the field says what kind of values it has: ``int``, ``float``,
    ``bool``, ``str``, ``Path``, a ``Sequence`` of those, or one of them ``| None``.

    Parameters
    ----------
    default : object
        Its default; ``dataclasses.MISSING`` where there is none.
    prose : str
        What it is, in plain text: the entry in docstrings and in ``--help``.
    **declared
        ``within``, the interval of a number, such as ``"(0, 1]"``, and
        ``may_be_infinite``; ``choices`` of a text; ``least_items`` of a sequence;
        ``unit`` and ``by_default``, which are added to the prose; ``essential``,
        whether ``--help`` has the option among the first; ``option``, its name on the
        command line where that is another, or None; ``negated``, the prose of an option
        that turns off what is true by default; ``unset``, whether the option is None by
        default, so that a command knows whether it was given.
    """
    return field(default=default, metadata={"declared": Parameter(prose, **declared)})


@dataclass
class Parameters:
    """Base of dataclasses of parameters; one with a bad value raises ValueError."""

    def __post_init__(self):
        for name, one in self.declared().items():
            value = getattr(self, name)
            one.check(value)
            if one.kind == "Sequence[int]" and value is not None:
                setattr(self, name, tuple(map(int, value)))
            elif one.kind == "bool":
                setattr(self, name, bool(value))

    @classmethod
    def declared(cls) -> dict[str, Parameter]:
        """Return the parameters by name, in their order."""
        found = {}
        for one in fields(cls):
            declared = one.metadata["declared"]
            text = one.type
            if not isinstance(text, str):
                # Without the modules of the names.
                text = re.sub(r"(\w+\.)+", "", inspect.formatannotation(text))
            kind = text.removesuffix(" | None")
            found[one.name] = replace(
                declared,
                name=one.name,
                kind=kind,
                default=one.default,
                takes_none=kind != text,
                option=one.name if declared.option == "" else declared.option,
            )
        return found

    @classmethod
    def only(cls, *names: str) -> type[Parameters]:
        """Return a class with some of the parameters."""
        some = [
            (one.name, one.type, field(default=one.default, metadata=one.metadata))
            for one in fields(cls)
            if one.name in names
        ]
        return make_dataclass(cls.__name__, some, bases=(Parameters,))

    @classmethod
    def options(cls) -> dict[str, Parameter]:
        """Return the parameters that are options of a command, by the option's name."""
        every = cls.declared().values()
        return {one.option: one for one in every if one.option is not None}

    @classmethod
    def from_options(cls, given: Mapping[str, object]) -> dict:
        """Return arguments made of options of a command, but for those left out."""
        taken = {}
        for option, one in cls.options().items():
            value = given[option]
            if value is not None or not one.unset:
                taken[one.name] = not value if one.negated else value
        return taken

    @classmethod
    def pop_from(cls, given: dict) -> dict:
        """Take the parameters of the class out of a dictionary of arguments."""
        return {name: given.pop(name) for name in cls.declared() if name in given}


def schema_of(
    *declared: type[Parameters], names: Sequence[str] | None = None
) -> dict[str, schema.Check]:
    """Return the checks of parameters in a file, by name; of all, or some of them."""
    every = {name: one for each in declared for name, one in each.declared().items()}
    return {name: every[name].as_schema() for name in names or every}
