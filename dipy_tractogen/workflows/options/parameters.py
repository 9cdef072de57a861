"""Parameters that several commands share, written down once.

DIPY's parser reads the signature and the docstring of a ``run`` method. A command that
shares parameters with others names its own only; the rest is added to both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
import inspect
import re

_SECTION = "Parameters\n----------\n"
_ENTRY = re.compile(r"^(?=\w+ : )", re.MULTILINE)


def with_parameters_of(*shared: Callable) -> Callable:
    """Give a ``run`` method the parameters of other functions after its own.

    Parameters without a default come before all others, and outputs, ``out_dir`` and
    what begins with ``out_``, after them, as DIPY's parser wants it.

    Parameters
    ----------
    *shared : callable
        Their parameters are added, with the entries in the Parameters section of their
        docstrings, which is the last one.

    Returns
    -------
    callable
        A decorator for a method whose last argument is ``**``: it gets the values of
        all shared parameters, given or default.

    Raises
    ------
    TypeError
        If a parameter is in two of them.
    """

    def decorate(run: Callable) -> Callable:
        signature = inspect.signature(run)
        merged = list(signature.parameters.values())[:-1]
        prose, entries = _documented(run)
        for function in shared:
            added = inspect.signature(function).parameters
            twice = {one.name for one in merged} & set(added)
            if twice:
                raise TypeError(
                    f"{run.__qualname__} has {twice} twice, from {function.__name__}."
                )
            merged += added.values()
            entries.update(_documented(function)[1])
        merged = signature.replace(parameters=sorted(merged, key=_place))

        @wraps(run)
        def run_with_all(*args, **kwargs):
            bound = merged.bind(*args, **kwargs)
            bound.apply_defaults()
            return run(**bound.arguments)

        run_with_all.__signature__ = merged
        text = "".join(entries[name] for name in list(merged.parameters)[1:])
        run_with_all.__doc__ = f"{prose}{_SECTION}{text}"
        return run_with_all

    return decorate


def _documented(function: Callable) -> tuple[str, dict[str, str]]:
    """Split a docstring into its prose and the entries of its parameters."""
    prose, _, text = f"{inspect.getdoc(function)}\n".partition(_SECTION)
    entries = [entry for entry in _ENTRY.split(text) if entry]
    return f"{prose.rstrip()}\n\n", {entry.split(" : ")[0]: entry for entry in entries}


def _place(parameter: inspect.Parameter) -> int:
    if parameter.default is parameter.empty:
        return 0
    return 2 if parameter.name.startswith("out_") else 1
