"""The table of what became of each subject."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
import os
from pathlib import Path
import time

from dipy_tractogen.utils.tables import write_table

from .records import FOLDER
from .task import FOUND, Outcome, Task

NOT_BEGUN = "not begun"
"""Status of a subject that is not done, and did not fail."""

_COLUMNS = ("participant_id", "session_id", "status", "seconds", "reason")
_SECONDS_BETWEEN = 30.0
# Of all time.
_SHARE = 0.01
_NB_THREADS = 16


class OutcomeTable:
    """What became of each subject, and the file that says so.

    Parameters
    ----------
    path : Path
        The file.
    tasks : sequence of Task
        The work on all subjects.
    anew : bool
        Whether what is done already is made anew.
    """

    def __init__(self, path: Path, tasks: Sequence[Task], *, anew: bool):
        self.path, self._anew = path, anew
        self.left = list(tasks)
        if not anew:
            self.left = [task for task, is_done in _with_done(tasks) if not is_done]
        self._known = {task.part: Outcome(task.part, FOUND) for task in tasks}
        for task in self.left:
            self._known[task.part] = Outcome(task.part, NOT_BEGUN)
        self._written, self._seconds = 0.0, 0.0

    def __enter__(self) -> OutcomeTable:
        self.write()
        return self

    def __exit__(self, *_) -> None:
        """Write the table, whatever ended the work."""
        try:
            self._find_done_by_others()
            self.write()
        except KeyboardInterrupt:
            # There is no second one, as `Interrupts` has it.
            self.write()
            raise

    def __len__(self) -> int:
        return len(self._known)

    def add(self, outcome: Outcome) -> None:
        """Take an outcome; from time to time, write the table."""
        self._known[outcome.part] = outcome
        waited = time.monotonic() - self._written
        if waited > max(_SECONDS_BETWEEN, self._seconds / _SHARE):
            # There may be room again at the end.
            with suppress(OSError):
                self.write()

    def of(self, status: str) -> list[Outcome]:
        """Return the outcomes of a status."""
        return [one for one in self._known.values() if one.status == status]

    def write(self) -> None:
        """Write the table."""
        began = time.monotonic()
        rows = (
            (
                one.part.subject,
                one.part.session or "n/a",
                one.status,
                round(one.seconds, 2),
                one.reason or "n/a",
            )
            for one in self._known.values()
        )
        write_table(self.path, _COLUMNS, rows, force=True)
        self._written = time.monotonic()
        self._seconds = self._written - began

    def _find_done_by_others(self) -> None:
        """Look whether other processes have done what this one has not begun."""
        waiting = [
            task
            for task in self.left
            if self._known[task.part].status == NOT_BEGUN and not self._anew
        ]
        if not waiting:
            return
        recorded = set(os.listdir(waiting[0].out_dir / FOLDER))
        made = [one for one in waiting if f"{one.part.name}.json" in recorded]
        for task, is_done in _with_done(made):
            if is_done:
                self._known[task.part] = Outcome(task.part, FOUND)


def _with_done(tasks: Sequence[Task]) -> list[tuple[Task, bool]]:
    """Return tasks with whether they are done; disks of the network answer late."""
    with ThreadPoolExecutor(_NB_THREADS) as pool:
        return list(zip(tasks, pool.map(lambda task: task.is_done, tasks)))
