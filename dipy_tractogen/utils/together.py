"""Files that are written together, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .files import replacing


@contextmanager
def replacing_all(paths: Mapping, *, force: bool = False) -> Iterator[dict]:
    """Write several files, of which none takes its name before all are whole.

    Parameters
    ----------
    paths : mapping of str to Path
        Final names.
    force : bool, optional
        Whether existing files may be replaced.

    Yields
    ------
    temporary : dict of str to Path
        Temporary names, as those of `replacing`, by the same keys.
    """
    with ExitStack() as stack:
        yield {
            key: stack.enter_context(replacing(path, force=force))
            for key, path in paths.items()
        }


@contextmanager
def removing_new_files(paths: Iterable[Path]) -> Iterator[None]:
    """Remove files that the body has made, if it raises.

    Parameters
    ----------
    paths : iterable of Path
        The files; those that are there already stay.
    """
    new = [path for path in paths if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
