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


def takes(*declared: type[Parameters]) -> Callable[[Callable], Callable]:
    """Give a class or a function the parameters of dataclasses, checked and documented.

    Their entries, and the section Raises where there is none, stand where its docstring
    has ``{parameters}``. The function, or the constructor of the class, gets all values
    by its ``**`` argument, given or default. Without a constructor they become
    attributes, and entries of ``get_config``; other arguments go to the base, as a
    layer of Keras takes them.

    Parameters
    ----------
    *declared : type
        Subclasses of `Parameters`.
    """

    def decorate(target: Callable) -> Callable:
        own, is_class = target, inspect.isclass(target)
        if is_class:
            own = vars(target).get("__init__") or _assign_attributes(target, declared)
        merged = _merged_signature(own, declared)

        @wraps(own)
        def call(*args, **kwargs):
            try:
                bound = merged.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{target.__name__}() {error}") from None
            bound.apply_defaults()
            arguments = dict(bound.arguments)
            arguments |= arguments.pop("kwargs", {})
            for each in declared:
                arguments.update(vars(each(**each.pop_from(arguments))))
            return own(**arguments)

        call.__signature__ = merged
        if is_class:
            target.__init__ = call
        return documented(*declared)(target if is_class else call)

    return decorate


def documented(
    *declared: type[Parameters], raises: bool = True
) -> Callable[[Callable], Callable]:
    """Give a docstring the entries of parameters, those of the class by default.

    The section Raises is added where there is none, and it `raises` for a bad value.
    """

    def decorate(cls: Callable) -> Callable:
        text = inspect.cleandoc(cls.__doc__ or "")
        every = [one for each in declared or (cls,) for one in each.declared().values()]
        entries = "".join(one.entry() for one in every)
        if "kwargs" in inspect.signature(cls).parameters:
            entries += "**kwargs\n    Arguments of the base of the class.\n"
        if raises and "Raises\n" not in text:
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
