"""Where every console script begins, and how it ends when it is interrupted.

What ends a job on a cluster, SIGTERM, is taken for an interrupt, so that nothing that
is half written stays behind. Nothing is imported here that takes time: an interrupt
while libraries are imported is one line, too.
"""

from __future__ import annotations

from contextlib import suppress
import gc
from importlib.machinery import ModuleSpec, PathFinder
import os
import sys

from .interrupts import INTERRUPTED, INTERRUPTS, LINE

# What Keras imports for wrappers and galleries that no command uses, and does without.
_NOT_FOR_KERAS = frozenset({"sklearn", "matplotlib"})
# Objects that are made, and collections of the youngest and of the younger ones, before
# the next collection.
_COLLECTED_AFTER = (50_000, 20, 100)


class LeanKeras:
    """Finder and loader of modules that Keras goes without while it is imported itself.

    They take as long as a third of it. Who needs them imports them afterwards.
    """

    def find_spec(self, name, path=None, target=None) -> ModuleSpec | None:
        """Return a spec of these modules for Keras, as PyTorch asks for; else None."""
        keras = sys.modules.get("keras") if name in _NOT_FOR_KERAS else None
        if not getattr(getattr(keras, "__spec__", None), "_initializing", False):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None:
            found.loader = self
        return found

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make the empty module."""

    def exec_module(self, module) -> None:
        """Raise ModuleNotFoundError, which Keras takes for a missing package."""
        raise ModuleNotFoundError(f"{module.__name__} is left out")


def run() -> None:
    """Run the command that the console script is named after, and end the process."""
    INTERRUPTS.end_at_once()
    sys.meta_path.insert(0, LeanKeras())
    # Of the many objects that imports and tracing make, nearly all stay.
    gc.set_threshold(*_COLLECTED_AFTER)
    from ..cli import load_flow, main

    command = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    with suppress(ValueError, ImportError):
        # Imports DIPY; whatever is wrong, the command says so.
        load_flow(command)
    INTERRUPTS.raise_once()
    try:
        code = main(command)
        INTERRUPTS.ignore()
    except (Exception, KeyboardInterrupt):
        if not INTERRUPTS.seen:
            raise
        INTERRUPTS.ignore()
        os.write(2, LINE)
        code = INTERRUPTED
    sys.exit(code)
