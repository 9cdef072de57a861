"""Room on the disk that many streamlines take, looked at before they are made."""

from __future__ import annotations

import logging
from pathlib import Path

logger = logging.getLogger("dipy_tractogen")

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
_SAID_BYTES = 10**9


def check_room(folder: str | Path, what: str, nb_bytes: int) -> None:
    """Check that a disk has room for outputs of about `nb_bytes`.

    `what` is the option that asks for them; the folder need not exist yet.
    """
    import shutil

    place = Path(folder or ".").absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if nb_bytes > free:
        raise ValueError(
            f"{what}: some {_size(nb_bytes)} are to be written to {place}, where there "
            f"is room for {_size(free)}: ask for fewer, or give another --out_dir."
        )
    if nb_bytes >= _SAID_BYTES:
        logger.info("Some %s are going to be written", _size(nb_bytes))


def _size(nb_bytes: int) -> str:
    """Return a number of bytes with a unit."""
    power = min((len(str(nb_bytes)) - 1) // 3, len(_UNITS) - 1)
    number = nb_bytes / 1000**power if nb_bytes < 10**300 else float("inf")
    return f"{number:,.3g} {_UNITS[power]}"
