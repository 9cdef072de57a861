"""Files that are written together, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .files import replacing


@contextmanager
def replacing_all(paths: Mapping, *, force: bool = False) -> Iterator[dict]:
    """Yield temporary paths by key, as `replacing`; renamed once all are whole."""
    with ExitStack() as stack:
        yield {
            key: stack.enter_context(replacing(path, force=force))
            for key, path in paths.items()
        }


@contextmanager
def removing_new_files(paths: Iterable[Path]) -> Iterator[None]:
    """Remove the files of `paths` that the body has made, if it raises."""
    new = [path for path in paths if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
