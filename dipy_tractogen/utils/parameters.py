"""Parameters that are declared once, as fields of dataclasses.

From the declaration come the checks and the documentation of a constructor, the options
of a command, and what the file of a model may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import wraps
import inspect
import math
from numbers import Integral, Real
from os import PathLike
import re
from textwrap import fill

from . import schema
from .messages import briefly

SMALLEST, LARGEST = 1e-12, 1e12
"""Sizes of numbers beside zero: beyond, single precision has no square of them."""

# Kinds of values, as DIPY's parser and as numpydoc name them.
_KINDS = {
    "int": ("int", "int"),
    "float": ("float", "float"),
    "bool": ("bool", "bool"),
    "str": ("string", "str"),
    "Path": ("string or Path", "str or Path"),
    "Sequence[int]": ("variable int", "sequence of int"),
    "Sequence[float]": ("variable float", "sequence of float"),
    "Sequence[str]": ("variable string", "sequence of str"),
    "Sequence[Path]": ("variable string or Path", "sequence of str or Path"),
    "Sequence": ("", "sequence"),
    "Mapping[str, int]": ("", "mapping of str to int"),
}
_SEQUENCE = re.compile(r"Sequence\[(\w+)\]")
_PLACE = "{parameters}"
_MOST_ITEMS = 100


@dataclass(frozen=True)
class Parameter:
    """What is declared of one parameter; see `parameter`."""

    prose: str
    name: str = ""
    kind: str = ""
    default: object = None
    takes_none: bool = False
    low: float = -LARGEST
    high: float = LARGEST
    open_low: bool = False
    open_high: bool = False
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
        if self.unset:
            return None
        return False if self.negated else self.default

    def _text(self, option: bool) -> str:
        """Return the prose, with unit and default."""
        if option and self.negated:
            return self.negated
        more = f", in {self.unit}" * bool(self.unit)
        default = self.by_default
        if option and self.unset:
            values = self.default if self._is_sequence else [self.default]
            default = " ".join(
                f"{one:g}" if isinstance(one, float) else str(one) for one in values
            )
        more += f"; by default {default}" * bool(default)
        first, dot, rest = self.prose.partition(". ")
        return f"{first.rstrip('.')}{more}{dot or '.'}{rest}"

    def entry(self, *, option: bool = False) -> str:
        """Return the entry in the Parameters section of a docstring."""
        words = _SEQUENCE.sub(r"sequence of \1", self.kind).replace(" | ", " or ")
        kind = _KINDS.get(self.kind, ("", words))[not option]
        if self.choices and not option:
            kind = "{" + ", ".join(f'"{one}"' for one in self.choices) + "}"
        if self.takes_none and self.default is not None and not option:
            kind = f"{kind} or None"
        optional = ", optional" * (not self.is_needed)
        lines = fill(
            self._text(option), 80, initial_indent="    ", subsequent_indent="    "
        )
        return f"{self.option if option else self.name} : {kind}{optional}\n{lines}\n"

    def as_schema(self) -> schema.Check:
        """Return the check of the parameter in the file of a model."""
        checks = {
            "int": schema.integer(self.low, self.high),
            "float": schema.number(self.low, self.high),
            "bool": schema.boolean,
            "str": schema.one_of(*self.choices) if self.choices else schema.text(100),
        }
        check = checks[self._item_kind]
        if self._is_sequence:
            check = schema.list_of(check, most=_MOST_ITEMS)
        return schema.optional(check) if self.takes_none else check

    @property
    def _is_sequence(self) -> bool:
        return self.kind.startswith("Sequence[")

    @property
    def _item_kind(self) -> str:
        return self.kind.removeprefix("Sequence[").removesuffix("]")

    def check(self, value: object, *, option: bool = False) -> None:
        """Check a value.

        Parameters
        ----------
        value : object
            What was given.
        option : bool, optional
            Whether it was given as an option, so that messages name that.

        Raises
        ------
        ValueError
            If it is not accepted.
        """
        if value is None and (self.takes_none or (option and self.unset)):
            return
        if self._is_sequence:
            self._check_size(value, option)
        one_by_one = self._is_sequence and self._item_kind != "Path"
        for one in value if one_by_one else [value]:
            if fault := self._fault(one):
                raise ValueError(f"{self._named(one, option)}: {fault}.")

    def _check_size(self, values: object, option: bool) -> None:
        # A single file is as good as a list of one.
        is_text = isinstance(values, str) and self._item_kind != "Path"
        if is_text or not isinstance(values, (Sequence, PathLike)):
            raise ValueError(f"{self._named(values, option)}: give a sequence.")
        if not isinstance(values, Sequence):
            return
        if len(values) < (1 if option else self.least_items):
            or_none = ", or leave it out" * option
            raise ValueError(
                f"{self._named(values, option)}: give one or more{or_none}."
            )

    def _named(self, value: object, option: bool) -> str:
        if option:
            return (
                f"--{self.option} {briefly(value)}"
                if value != []
                else f"--{self.option}"
            )
        shown = repr(value) if self.choices else schema.short_repr(value)
        return f"{self.name}={shown}"

    def _fault(self, value: object) -> str:
        """Return what is accepted in place of a value; nothing if it is accepted."""
        if self.choices:
            known = isinstance(value, str) and value in self.choices
            return "" if known else f"accepted are {', '.join(self.choices)}"
        if self._item_kind not in ("int", "float"):
            return ""
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        fits = is_number and self._is_inside(value)
        fits = fits or (self.may_be_infinite and value == math.inf)
        if self._item_kind == "int":
            fits = fits and isinstance(value, Integral)
            return "" if fits else f"give a whole number from {self.low} to {self.high}"
        return "" if fits else f"give a number {self._limits(value)}"

    def _is_inside(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below and (value == 0 or abs(value) >= SMALLEST)

    def _limits(self, value: object) -> str:
        if isinstance(value, Real) and 0 < abs(value) < SMALLEST:
            return f"from {SMALLEST:g} to {self.high:g}"
        limits = []
        if self.low > -LARGEST:
            limits.append(
                f"{'more than' if self.open_low else 'at least'} {self.low:g}"
            )
        if self.high < LARGEST or (isinstance(value, Real) and value > 0):
            limits.append(
                f"{'less than' if self.open_high else 'at most'} {self.high:g}"
            )
        return " and ".join(limits) or "that is finite"


def parameter(default: object, prose: str, **declared) -> Field:
    """Declare a parameter, as a field of a subclass of `Parameters`.

    Parameters
    ----------
    default : object
        Its default; ``dataclasses.MISSING`` where there is none.
    prose : str
        What it is, in plain text, which is the entry in docstrings and in ``--help``.
    **declared
        ``low``, ``high``, ``open_low``, ``open_high``: limits of a number, and whether
        a limit itself is refused; ``choices`` of a text; ``least_items`` of a sequence;
        ``unit`` and ``by_default``, which are added to the prose; ``essential``,
        whether ``--help`` has the option among the first; ``option``, its name on the
        command line where that is another, or None; ``negated``, the prose of the
        option where it turns off what is true by default; ``unset``, whether the option
        is None by default, so that a command knows whether it was given;
        ``may_be_infinite``, whether infinity is a value of a number: no limit.

    Returns
    -------
    dataclasses.Field
        The field. Its annotation says the kind of the values, such as ``int``,
        ``Sequence[str]`` or ``float | None``.
    """
    return field(default=default, metadata={"declared": Parameter(prose, **declared)})


@dataclass
class Parameters:
    """Base of dataclasses of parameters; values are checked when one is made.

    Raises
    ------
    ValueError
        If a value is not accepted.
    """

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
            # As text where annotations are evaluated, too, without their modules.
            text = one.type
            if not isinstance(text, str):
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
    def options(cls) -> dict[str, Parameter]:
        """Return the parameters that are options of a command, by the option's name."""
        every = cls.declared().values()
        return {one.option: one for one in every if one.option is not None}

    @classmethod
    def from_options(cls, given: Mapping[str, object]) -> dict:
        """Return the parameters that a command was given, by name.

        Parameters
        ----------
        given : mapping of str to object
            Values by the names of the options, among others.

        Returns
        -------
        dict
            Arguments of what takes the parameters; not those that are left to it.
        """
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


def takes(*declared: type[Parameters]) -> Callable[[type], type]:
    """Give a class the parameters of dataclasses, checked and documented.

    Their entries stand where its docstring has ``{parameters}``. A constructor of its
    own gets all values by its ``**`` argument, given or default. Without one they
    become attributes, and entries of ``get_config``; other arguments go to the base, as
    a layer of Keras takes them.

    Parameters
    ----------
    *declared : type
        Subclasses of `Parameters`.

    Returns
    -------
    callable
        A decorator for the class.
    """

    def decorate(cls: type) -> type:
        own = vars(cls).get("__init__") or _assign_attributes(cls, declared)
        merged = _merged_signature(own, declared)

        @wraps(own)
        def __init__(self, *args, **kwargs):
            try:
                bound = merged.bind(self, *args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}() {error}") from None
            bound.apply_defaults()
            arguments = dict(bound.arguments)
            arguments |= arguments.pop("kwargs", {})
            for each in declared:
                arguments.update(vars(each(**each.pop_from(arguments))))
            own(**arguments)

        __init__.__signature__ = merged
        cls.__init__ = __init__
        return documented(*declared)(cls)

    return decorate


def documented(*declared: type[Parameters]) -> Callable[[type], type]:
    """Give the docstring of a class the entries of parameters, its own by default."""

    def decorate(cls: type) -> type:
        text = inspect.cleandoc(cls.__doc__)
        every = [one for each in declared or (cls,) for one in each.declared().values()]
        entries = "".join(one.entry() for one in every)
        cls.__doc__ = text.replace(_PLACE, entries.rstrip())
        return cls

    return decorate


def _merged_signature(own: Callable, declared) -> inspect.Signature:
    """Return the parameters of a constructor and those declared, but no ``**``."""
    merged = list(inspect.signature(own).parameters.values())
    rest = merged.pop()
    for each in declared:
        merged += inspect.signature(each).parameters.values()
    if rest.name == "kwargs":
        # Of a class without a constructor of its own.
        merged = [one.replace(kind=one.POSITIONAL_OR_KEYWORD) for one in merged]
        return inspect.Signature([*merged, rest])
    return inspect.Signature(sorted(merged, key=lambda one: one.kind))


def _assign_attributes(cls: type, declared) -> Callable:
    """Return the constructor of a class that has none, and give it a `get_config`."""
    names = [name for each in declared for name in each.declared()]

    def __init__(self, **kwargs):
        values = {name: kwargs.pop(name) for name in names}
        super(cls, self).__init__(**kwargs)
        for name, value in values.items():
            setattr(self, name, value)

    def get_config(self) -> dict:
        """Return the parameters, as plain values."""
        own = {name: _plain(getattr(self, name)) for name in names}
        return {**super(cls, self).get_config(), **own}

    cls.get_config = get_config
    return __init__


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
