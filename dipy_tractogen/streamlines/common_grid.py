"""The voxel grid that several tractograms share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging
import os
from pathlib import Path

from dipy_tractogen.utils.files import tractogram_extension

from .reference import Reference

logger = logging.getLogger("dipy_tractogen")

_WITH_HEADER = (".trk", ".trx")


def common_grid(
    files: list[Path],
    reference: Reference | str | os.PathLike | None = None,
    *,
    verbose: bool = True,
) -> Reference | None:
    """Return the grid that tractograms share; None if there are only placeholders.

    A `reference` replaces the grids in the headers. Raises ValueError if files have
    different grids and none is given. If `verbose`, other and missing grids are logged.
    """
    if reference is not None:
        reference = Reference.of(reference)
    first, without, replaced = None, [], []
    for file in files:
        grid = own_grid(file)
        if grid is None:
            without.append(file)
        elif reference is not None and not grid.matches(reference):
            replaced.append(file)
        elif first is None:
            first = file, grid
        elif reference is None and not grid.matches(first[1]):
            raise ValueError(
                f"{first[0]} and {file} are in different grids: register them to one "
                "space (register_to='FILE'), or state the common grid "
                "(reference='FILE')"
            )
    if replaced and verbose:
        logger.warning(
            "%s%s another grid than the common one, which holds for all",
            replaced[0],
            f" and {len(replaced) - 1} more have" if replaced[1:] else " has",
        )
    if reference is not None:
        return None if reference.is_placeholder else reference
    if without and verbose:
        use = f"that of {first[0]} is used" if first else "no box is checked for them"
        logger.info(
            "%d of %d files have no voxel grid (%s first): %s, or that of an image if "
            "one is given (reference='FILE')",
            len(without),
            len(files),
            without[0],
            use,
        )
    return first[1] if first else None


def first_grid(
    sets: Mapping[str, list[Path]],
    order: Sequence[str],
    reference: Reference | str | os.PathLike | None = None,
) -> Reference | None:
    """Return the grid of the first set of tractograms that has one, or `reference`.

    The box of one grid has to hold for all sets: one of each would drop streamlines of
    one set that it keeps of another.
    """
    grids = (
        common_grid(sets[name], reference, verbose=False)
        for name in order
        if name in sets
    )
    return next((grid for grid in grids if grid is not None), None)


def own_grid(file: Path) -> Reference | None:
    """Read the grid in the header of a tractogram; None where there is none.

    That is in formats without one, and where it is a placeholder.
    """
    if tractogram_extension(file) not in _WITH_HEADER:
        return None
    grid = Reference.from_file(file)
    return None if grid.is_placeholder else grid
