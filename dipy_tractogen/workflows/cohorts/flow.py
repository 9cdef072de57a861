"""Base of the commands that work on all subjects of a cohort."""

from __future__ import annotations

from collections.abc import Sequence
import logging
from pathlib import Path

from dipy_tractogen.utils.messages import MOST_LISTED, format_count
from dipy_tractogen.utils.progress import Progress
from dipy_tractogen.utils.tables import write_table

from ..flows.base import TractogenFlow
from .records import FOLDER
from .task import DONE, FAILED, FOUND, Outcome, Task
from .workers import open_workers, outcomes

logger = logging.getLogger("dipy_tractogen")

_COLUMNS = ("participant_id", "session_id", "status", "seconds", "reason")
_NOT_BEGUN = "not begun"


class CohortFlow(TractogenFlow):
    """Work on all subjects, and write what became of each."""

    # As applications of BIDS have it.
    _WRITTEN = ("output_dir",)

    def work_on(
        self, tasks: Sequence[Task], out_dir: Path, table: Path, given: dict
    ) -> None:
        """Work on tasks that are not done yet.

        Parameters
        ----------
        tasks : sequence of Task
            One a subject and session.
        out_dir : Path
            Root of the outputs.
        table : Path
            Table of what became of each.
        given : dict
            Values of `WorkerOptions`.

        Raises
        ------
        ValueError
            At the end, if a subject failed.
        """
        (out_dir / FOLDER).mkdir(parents=True, exist_ok=True)
        known = {task.session: Outcome(task.session, _NOT_BEGUN) for task in tasks}
        left = [task for task in tasks if self.force or not task.is_done]
        wanted = {task.session for task in left}
        known |= {one: Outcome(one, FOUND) for one in known if one not in wanted}
        try:
            if left:
                self._work(left, known, given)
        finally:
            self._write(table, known.values())
        failed = [one for one in known.values() if one.status == FAILED]
        logger.info(
            "%s done, %s done already, %s failed: %s",
            *(_count(known, status) for status in (DONE, FOUND, FAILED)),
            table,
        )
        if failed:
            raise ValueError(
                f"{format_count(len(failed), 'subject')} of {len(known)} failed, the "
                f"first, {failed[0].session.name}: {failed[0].reason}; {table} has "
                "the reasons, and the same command tries them again."
            )

    def _work(self, tasks: list[Task], known: dict, given: dict) -> None:
        """Work on tasks, and put their outcomes in place of those known."""
        shown = {"show_bar": self.show_progress, "unit": "subject"}
        nb_failed = 0
        with (
            open_workers(given) as work,
            Progress(len(tasks), "Subjects", **shown) as progress,
        ):
            for outcome in outcomes(work, tasks, force=self.force):
                known[outcome.session] = outcome
                if outcome.status == FAILED:
                    nb_failed += 1
                    if nb_failed <= MOST_LISTED:
                        name = outcome.session.name
                        logger.error("%s: %s", name, outcome.reason)
                progress.advance()

    def _write(self, table: Path, found) -> None:
        rows = (
            (
                one.session.subject,
                one.session.session or "n/a",
                one.status,
                round(one.seconds, 2),
                one.reason or "n/a",
            )
            for one in found
        )
        write_table(table, _COLUMNS, rows, force=True)


def _count(known: dict, status: str) -> int:
    return sum(one.status == status for one in known.values())
