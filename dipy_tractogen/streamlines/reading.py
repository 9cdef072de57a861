"""What a person is told while files are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import logging
from pathlib import Path

from tqdm.auto import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from .checks import ScreeningReport

logger = logging.getLogger("dipy_tractogen")

MOST_NAMED = 20
"""Files that are named one by one; of more only the first few that lack something."""


class Reading:
    """Tells which files are read and what is dropped, briefly where they are many.

    Parameters
    ----------
    files : sequence of Path
        The files.

    Attributes
    ----------
    report : ScreeningReport
        What was found in all of them so far.
    """

    def __init__(self, files: Sequence[Path]):
        self.files = files
        self.report = ScreeningReport(0, 0)
        self._nb_flawed = 0

    def each(self, *, show_progress: bool = False) -> Iterator[Path]:
        """Walk through the files, with a bar of the bytes that are read.

        Parameters
        ----------
        show_progress : bool, optional
            Whether there is a bar.

        Yields
        ------
        Path
            A file.
        """
        sizes = [file.stat().st_size for file in self.files]
        named = logging.INFO if len(self.files) <= MOST_NAMED else logging.DEBUG
        if len(self.files) > MOST_NAMED:
            size = tqdm.format_sizeof(sum(sizes), "B")
            logger.info("Reading %d files, %s", len(self.files), size)
        options = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
        options["disable"] = not show_progress
        with (
            logging_redirect_tqdm([logger] if show_progress else []),
            tqdm(total=sum(sizes), desc="Reading", **options) as bar,
        ):
            for file, size in zip(self.files, sizes):
                logger.log(named, "Reading %s", file)
                yield file
                bar.update(size)

    def found(self, file: Path, report: ScreeningReport) -> None:
        """Count what was found in a file, and say it if it has flaws.

        Parameters
        ----------
        file : Path
            The file.
        report : ScreeningReport
            What was kept and dropped of it.
        """
        self.report += report
        if not report.counts:
            return
        self._nb_flawed += 1
        if self._nb_flawed <= MOST_NAMED:
            logger.warning("%s: %s", file, report.summary())

    def end(self) -> None:
        """Say what was kept and dropped in all, where several files have flaws."""
        if self._nb_flawed > 1:
            logger.warning(
                "%d of %d files: %s",
                self._nb_flawed,
                len(self.files),
                self.report.summary(),
            )
