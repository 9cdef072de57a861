"""A command on a cohort whose subjects take no model, for benchmarks of its mechanism.

Each subject has one file, copied to three outputs after some seconds. It is noted in a
file of its own when it is begun and when the copies are whole; "again" when it is begun
although its record says that they are whole already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import sys
import time

from dipy_tractogen.streamlines.bids.tree import find_sessions
from dipy_tractogen.utils.versions import versions_to_use
from dipy_tractogen.workflows import cli
from dipy_tractogen.workflows.cohorts.flow import CohortFlow
from dipy_tractogen.workflows.cohorts.records import Record
from dipy_tractogen.workflows.cohorts.run import open_run
from dipy_tractogen.workflows.cohorts.task import Task
from dipy_tractogen.workflows.cohorts.workers import WorkerOptions
from dipy_tractogen.workflows.options.parameters import with_parameters_of
from dipy_tractogen.workflows.runtime.interrupts import INTERRUPTS

NAME = "copy_cohort"


@dataclass(frozen=True)
class CopyTask(Task):
    """Copies of the file of a subject.

    Parameters
    ----------
    seconds : float
        Time that it takes.
    """

    seconds: float

    def make(self) -> None:
        """Write three copies."""
        known = Record(self.out_dir, self.part.name).outputs()
        self._note("again" if known else "begun")
        content = self.inputs[0].read_bytes()
        if content == b"broken":
            raise ValueError(f"{self.inputs[0]} is broken")
        self.part.folder.mkdir(parents=True)
        for number in range(3):
            time.sleep(self.seconds / 3)
            Path(self.part.folder, f"copy_{number}.bin").write_bytes(content)
        self._note("made")

    def _note(self, what: str) -> None:
        with (self.root / "notes.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"{self.part.name} {what}\n")


class CopyCohortFlow(CohortFlow):
    """Copy the file of each subject."""

    short_name = NAME

    @with_parameters_of(WorkerOptions)
    def run(
        self,
        bids_dir,
        output_dir,
        seconds=0.5,
        participant_label=None,
        out_table="logs/cohort.tsv",
        **given,
    ):
        """Copy the file of each subject.

        Parameters
        ----------
        bids_dir : string or Path
            Root of the inputs.
        output_dir : string or Path
            Root of the outputs.
        seconds : float, optional
            Time that a subject takes.
        participant_label : variable string, optional
            Subjects to copy; all by default.
        out_table : string, optional
            Table of what became of each.
        """
        paths = self.outputs(output_dir, again=True, out_table=out_table)
        root, target = Path(bids_dir).absolute(), Path(output_dir).absolute()
        asked = {"versions": versions_to_use()}
        tasks = [
            CopyTask(
                session,
                root,
                (root / session.folder / "file.bin",),
                target,
                asked,
                seconds,
            )
            for session in find_sessions(root, participant_label)
        ]
        with open_run(target, [paths["out_table"]]) as mark:
            self.work_on(tasks, paths["out_table"], given, mark)


def main() -> int:
    """Run the command as the console scripts do."""
    cli.cli_flows[NAME] = ("cohort_copies", "CopyCohortFlow")
    INTERRUPTS.raise_once()
    code = cli.main(NAME)
    INTERRUPTS.ignore()
    return code


if __name__ == "__main__":
    sys.exit(main())
