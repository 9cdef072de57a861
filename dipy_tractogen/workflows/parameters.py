"""Parameters that several commands share, written down once.

DIPY's parser reads the signature and the docstring of a ``run`` method. A command that
shares parameters with others names its own only; the rest is added to both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
import inspect

_SECTION = "Parameters\n----------\n"


def with_parameters_of(shared: Callable) -> Callable:
    """Give a ``run`` method the parameters of another function after its own.

    Parameters
    ----------
    shared : callable
        Its signature and the Parameters section of its docstring, the last one, are
        added. All its parameters have defaults.

    Returns
    -------
    callable
        A decorator for a method whose last argument is ``**``: it gets the values of
        all shared parameters, given or default.

    Raises
    ------
    TypeError
        If a parameter is in both.
    """
    added = list(inspect.signature(shared).parameters.values())
    text = inspect.getdoc(shared).split(_SECTION)[1]

    def decorate(run: Callable) -> Callable:
        signature = inspect.signature(run)
        own = list(signature.parameters.values())[:-1]
        twice = {one.name for one in own} & {one.name for one in added}
        if twice:
            raise TypeError(f"{run.__qualname__} and {shared.__name__} share {twice}.")
        merged = signature.replace(parameters=own + added)

        @wraps(run)
        def run_with_all(*args, **kwargs):
            bound = merged.bind(*args, **kwargs)
            bound.apply_defaults()
            return run(**bound.arguments)

        run_with_all.__signature__ = merged
        run_with_all.__doc__ = f"{inspect.getdoc(run)}\n{text}"
        return run_with_all

    return decorate
