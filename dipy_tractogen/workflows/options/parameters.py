"""Options of a command, from the declarations of parameters that it shares.

DIPY's parser reads the signature and the docstring of a ``run`` method. A command that
shares parameters with others names its own only; the rest is added to both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
import inspect
import re

from dipy_tractogen.utils.parameters import Parameters

_SECTION = "Parameters\n----------\n"
_ENTRY = re.compile(r"^(?=\w+ : )", re.MULTILINE)


def with_parameters_of(*shared: type[Parameters]) -> Callable:
    """Give a ``run`` method the options of dataclasses of parameters after its own.

    Parameters without a default come before all others, and outputs, ``out_dir`` and
    what begins with ``out_``, after them, as DIPY's parser wants it. Those that are
    shared are checked in the words of the command line.

    Parameters
    ----------
    *shared : type
        Subclasses of `Parameters`.

    Returns
    -------
    callable
        A decorator for a method whose last argument is ``**``: it gets the values of
        all shared parameters, given or default. Its attribute ``declared`` has their
        declarations by the name of the option.

    Raises
    ------
    TypeError
        If a parameter is in two of them.
    """

    def decorate(run: Callable) -> Callable:
        signature = inspect.signature(run)
        merged = list(signature.parameters.values())[:-1]
        prose, entries = _documented(run)
        declared = {}
        for each in shared:
            options = each.options()
            # The same in both, such as an option of each backbone, is one.
            options = {n: one for n, one in options.items() if declared.get(n) != one}
            twice = {one.name for one in merged} & set(options)
            if twice:
                raise TypeError(
                    f"{run.__qualname__} has {twice} twice, from {each.__name__}."
                )
            merged += [_as_argument(name, one) for name, one in options.items()]
            entries.update((n, one.entry(option=True)) for n, one in options.items())
            declared.update(options)
        merged = signature.replace(parameters=sorted(merged, key=_place))

        @wraps(run)
        def run_with_all(*args, **kwargs):
            bound = merged.bind(*args, **kwargs)
            bound.apply_defaults()
            return run(**bound.arguments)

        run_with_all.__signature__ = merged
        run_with_all.declared = declared
        text = "".join(entries[name] for name in list(merged.parameters)[1:])
        run_with_all.__doc__ = f"{prose}{_SECTION}{text}"
        return run_with_all

    return decorate


def defaults_of(*shared: type[Parameters]) -> dict[str, object]:
    """Return the defaults of the options of dataclasses of parameters, by name."""
    return {
        name: one.option_default
        for each in shared
        for name, one in each.options().items()
    }


def _as_argument(name: str, declared) -> inspect.Parameter:
    kind, empty = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    default = empty if declared.is_needed else declared.option_default
    return inspect.Parameter(name, kind, default=default)


def _documented(run: Callable) -> tuple[str, dict[str, str]]:
    """Split a docstring into its prose and the entries of its parameters."""
    prose, _, text = f"{inspect.getdoc(run)}\n".partition(_SECTION)
    entries = [entry for entry in _ENTRY.split(text) if entry]
    return f"{prose.rstrip()}\n\n", {entry.split(" : ")[0]: entry for entry in entries}


def _place(parameter: inspect.Parameter) -> int:
    if parameter.default is parameter.empty:
        return 0
    return 2 if parameter.name.startswith("out_") else 1
