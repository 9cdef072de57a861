"""Messages while files are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import logging
from pathlib import Path
import time

from tqdm.auto import tqdm

from dipy_tractogen.utils.progress import Progress

from .screening import NON_FINITE, OUT_OF_BOUNDS, ScreeningReport
from .values import WITHOUT_VALUE

logger = logging.getLogger("dipy_tractogen")

MOST_NAMED = 20
"""Files that are named one by one; of more only the first few that lack something."""

MOST_OUTSIDE = 0.1
"""Share of streamlines out of the box from which on the grid is taken for wrong."""

# A file that loses more than this share of its streamlines, and not only a few, is in
# another space than the rest.
_MOST = 0.5
_FEWEST = 10


class ReadProgress:
    """Progress of reading files, and what is dropped, briefly where they are many.

    `report` is what was found in all of them so far.
    """

    def __init__(self, files: Sequence[Path]):
        self.files = files
        self.report = ScreeningReport(0, 0)
        self._nb_flawed = 0
        self._outside: list[tuple[int, int, Path]] = []

    def iterate(self, *, show_progress: bool = False) -> Iterator[Path]:
        """Yield the files, with a bar or lines of the bytes that are read."""
        sizes = [file.stat().st_size for file in self.files]
        named = logging.INFO if len(self.files) <= MOST_NAMED else logging.DEBUG
        if len(self.files) > MOST_NAMED:
            size = tqdm.format_sizeof(sum(sizes), "B")
            logger.info("Reading %d files, %s", len(self.files), size)
        options = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
        options["show_bar"] = show_progress
        with Progress(sum(sizes), "Reading", **options) as progress:
            for file, size in zip(self.files, sizes):
                logger.log(named, "Reading %s", file)
                began = time.perf_counter()
                yield file
                logger.debug(
                    "%s, %sB, is read in %.2f s",
                    file,
                    tqdm.format_sizeof(size),
                    time.perf_counter() - began,
                )
                progress.advance(size)

    def add(self, file: Path, report: ScreeningReport) -> None:
        """Add what was found in a file, and log it if something was dropped."""
        self.report += report
        if not report.counts:
            return
        outside = report.dropped.get(OUT_OF_BOUNDS, 0)
        if outside:
            self._outside.append((outside, report.total, file))
        self._nb_flawed += 1
        if self._nb_flawed <= MOST_NAMED:
            logger.warning("%s: %s", file, report.summary())

    def finish(self) -> None:
        """Log what was kept and dropped in all, if several files have flaws."""
        if self._nb_flawed > 1:
            logger.warning(
                "%d of %d files: %s",
                self._nb_flawed,
                len(self.files),
                self.report.summary(),
            )

    def check_kept(self, min_length: float = 0.0) -> None:
        """Raise ValueError where nothing is left, or so little that files are wrong.

        That is where more than a tenth are out of the box, or most of a file, most
        points are not finite, or most lack a value. `min_length` is that of the loading
        (mm).
        """
        total, dropped = self.report.total, self.report.dropped
        if not total:
            raise ValueError(
                f"no streamlines are in {self._where()}: give tractograms with some"
            )
        self._check_box()
        for reason, count in dropped.items():
            advice = _advice(reason)
            if advice and count > _MOST * total:
                raise ValueError(
                    f"most streamlines of {self._where()} cannot be used: "
                    f"{self.report.summary()}; {advice}"
                )
        if not self.report.kept:
            shorter = ", allow shorter ones (min_length=0)" if min_length else ""
            raise ValueError(
                f"no streamlines are left of {self._where()}: {self.report.summary()}; "
                f"check the files{shorter}"
            )

    def _check_box(self) -> None:
        """Raise ValueError if the grid is not that of the streamlines."""
        total = self.report.total
        outside = self.report.dropped.get(OUT_OF_BOUNDS, 0)
        lost = [each for each in self._outside if each[0] > _MOST * each[1]]
        lost = [each for each in lost if each[0] >= _FEWEST]
        if not lost and outside <= MOST_OUTSIDE * total:
            return
        count, of, worst = max(
            lost or self._outside, key=lambda each: each[0] / each[1]
        )
        said = f"of {total:,} streamlines, {outside:,} {OUT_OF_BOUNDS}"
        if len(self.files) == 1:
            said = f"{worst}: {said}"
        else:
            said += f", of {worst} alone {count:,} of {of:,}"
        raise ValueError(
            f"{said}: so many that the header must be wrong, or the grid that of "
            "another space; give the reference of their own space "
            "(reference='FILE'), or keep them (out_of_bounds='keep')"
        )

    def _where(self) -> str:
        few = len(self.files) == 1
        return str(self.files[0]) if few else f"the {len(self.files)} files"


def _advice(reason: str) -> str | None:
    """Return what to do where most streamlines are dropped for this reason."""
    if reason == NON_FINITE:
        return "the file is damaged, or not of the type that its name says"
    if reason.startswith(WITHOUT_VALUE):
        return "give a table that has it for all, or leave that value out"
    return None
