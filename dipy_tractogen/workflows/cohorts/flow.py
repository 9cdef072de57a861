"""Base of the commands that work on all subjects of a cohort."""

from __future__ import annotations

from collections.abc import Sequence
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import MOST_LISTED, format_count
from dipy_tractogen.utils.progress import Progress

from ..flows.base import TractogenFlow
from .distribute import WorkersLost
from .table import NOT_BEGUN, OutcomeTable
from .task import DONE, FAILED, FOUND, Task
from .workers import open_workers, outcomes

logger = logging.getLogger("dipy_tractogen")


class CohortFlow(TractogenFlow):
    """Work on all subjects, and write what became of each."""

    # As applications of BIDS have it.
    _WRITTEN = ("output_dir",)

    def work_on(
        self, tasks: Sequence[Task], path: Path, given: dict, mark: Path
    ) -> None:
        """Work on tasks that are not done yet.

        Parameters
        ----------
        tasks : sequence of Task
            One a subject and session.
        path : Path
            Table of what became of each.
        given : dict
            Values of `WorkerOptions`.
        mark : Path
            Mark of the run, as from `open_run`.

        Raises
        ------
        ValueError
            At the end, if a subject failed.
        OSError
            If workers or their scheduler cannot be found, or are lost.
        """
        table = OutcomeTable(path, tasks, anew=self.force)
        try:
            with table:
                self._work(table, given, mark)
        except WorkersLost as lost:
            nb_left = len(table.of(NOT_BEGUN))
            rest = f"{format_count(nb_left, 'subject')} of {len(table)} left to do"
            if nb_left < len(table):
                # No table is left behind where no subject was worked on.
                rest = f"{rest}, see {path}"
            raise lost.with_rest(rest) from lost
        failed = table.of(FAILED)
        logger.info(
            "%s done, %s done already, %s failed: %s",
            *(len(table.of(status)) for status in (DONE, FOUND, FAILED)),
            path,
        )
        if failed:
            raise ValueError(
                f"{format_count(len(failed), 'subject')} of {len(table)} failed, the "
                f"first, {failed[0].part.name}: {failed[0].reason}; {path} has "
                "the reasons, and the same command tries them again."
            )

    def _work(self, table: OutcomeTable, given: dict, mark: Path) -> None:
        """Work on what is left, and add the outcomes to the table."""
        if not table.left:
            return
        shown = {"show_bar": self.show_progress, "unit": "subject"}
        nb_failed = 0
        with (
            open_workers(given, mark) as work,
            Progress(len(table.left), "Subjects", **shown) as progress,
        ):
            for outcome in outcomes(work, table.left, force=self.force):
                table.add(outcome)
                if outcome.status == FAILED:
                    nb_failed += 1
                    if nb_failed <= MOST_LISTED:
                        name = outcome.part.name
                        logger.error("%s: %s", name, outcome.reason)
                progress.advance()
