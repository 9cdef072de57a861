"""Room on the disk and time that many streamlines take, said before they are made."""

from __future__ import annotations

import logging
from pathlib import Path
import time

logger = logging.getLogger("dipy_tractogen")

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
_SAID_BYTES = 10**9
# Seconds after which the time of a run is estimated, and from which it is said.
_MEASURED, _SAID = 5.0, 60.0


def check_room(folder: str | Path, what: str, nb_bytes: int) -> None:
    """Refuse outputs for which there is no room on the disk.

    Parameters
    ----------
    folder : str or Path
        Where they are written; it need not be there yet. Empty: the current one.
    what : str
        What asks for them, such as ``--nb_streamlines 1000``.
    nb_bytes : int
        About how many bytes they have.

    Raises
    ------
    ValueError
        If the disk has less room.
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


class Pace:
    """Says how long a run is going to take, once it is known from its beginning.

    Parameters
    ----------
    total : int
        Streamlines in all.
    """

    def __init__(self, total: int):
        self._total, self._done = total, 0
        self._began, self._is_said = time.perf_counter(), False

    def update(self, nb_streamlines: int) -> None:
        """Count streamlines; say the time where it is long and not said yet.

        Parameters
        ----------
        nb_streamlines : int
            How many more are done.
        """
        self._done += nb_streamlines
        spent = time.perf_counter() - self._began
        if self._is_said or spent < _MEASURED:
            return
        self._is_said = True
        whole = spent * self._total / self._done
        if whole > _SAID:
            logger.info("It is going to take about %s", duration(whole))


def duration(seconds: float) -> str:
    """Write a time as it is said.

    Parameters
    ----------
    seconds : float
        The time.

    Returns
    -------
    str
        Such as ``"3 min 20 s"``.
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _size(nb_bytes: int) -> str:
    """Write a number of bytes with a unit."""
    power = min((len(str(nb_bytes)) - 1) // 3, len(_UNITS) - 1)
    number = nb_bytes / 1000**power if nb_bytes < 10**300 else float("inf")
    return f"{number:,.3g} {_UNITS[power]}"
