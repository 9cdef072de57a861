"""Constructors that take declared parameters, which document them as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
import inspect

from .parameters import Parameters

_PLACE = "{parameters}"
_RAISES = """
Raises
------
ValueError
    If a parameter is out of its range, or a choice is unknown.
"""


def takes(*declared: type[Parameters]) -> Callable[[type], type]:
    """Give a class the parameters of dataclasses, checked and documented.

    Their entries, and the section Raises where there is none, stand where its docstring
    has ``{parameters}``. A constructor of its own gets all values by its ``**``
    argument, given or default. Without one they become attributes, and entries of
    ``get_config``; other arguments go to the base, as a layer of Keras takes them.

    Parameters
    ----------
    *declared : type
        Subclasses of `Parameters`.
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
        text = inspect.cleandoc(cls.__doc__ or "")
        every = [one for each in declared or (cls,) for one in each.declared().values()]
        entries = "".join(one.entry() for one in every)
        if "kwargs" in inspect.signature(cls).parameters:
            entries += "**kwargs\n    Arguments of the base of the class.\n"
        if "Raises\n" not in text:
            entries += _RAISES
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
