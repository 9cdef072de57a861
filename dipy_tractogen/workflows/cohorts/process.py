"""`dipy_process_cohort`: the commands for tractograms on all subjects of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dipy_tractogen.streamlines.bids.description import (
    bids_uri,
    describe_derivatives,
    describe_session,
    describe_tractogram,
    described,
)
from dipy_tractogen.streamlines.bids.names import begin_name, common_entities
from dipy_tractogen.streamlines.bids.tree import find_sessions, find_tractograms
from dipy_tractogen.utils.versions import versions_to_use

from ..options.inputs import model_kept
from ..options.parameters import with_parameters_of
from .commands import read_options
from .flow import CohortFlow
from .records import FOLDER
from .run import open_run
from .steps import STEPS, Steps
from .task import Task
from .workers import WorkerOptions

_IGNORED = ("*_tractogram.*", "*_latents.npz", "*_counts.tsv", "*_metrics.json")
_IGNORED = (*_IGNORED, f"{FOLDER}/")


@dataclass(frozen=True)
class ProcessTask(Task):
    """The steps on the tractograms of a subject.

    Parameters
    ----------
    steps : Steps
        The steps and their options.
    """

    steps: Steps

    def make(self) -> None:
        """Run the steps, and describe each tractogram that they write.

        Raises ValueError for a subject without a tractogram.
        """
        if not self.inputs:
            raise ValueError(
                f"no tractogram in {self.root / self.part.folder}: check --pattern"
            )
        describe_session(self.part)
        place = self.part.folder / "dwi"
        place.mkdir(parents=True)
        begins = begin_name(self.part, common_entities(self.inputs))
        with model_kept():
            for name, made, files in self.steps.run(self.inputs, place, begins):
                if "out_tractogram" in made:
                    describe_tractogram(
                        made["out_tractogram"],
                        STEPS[name].command.name,
                        [self._source(file) for file in files],
                        Model={"Digest": self.asked["model"]},
                    )

    def _source(self, file: Path) -> str:
        """Return the URI of an input, or of what a step before has made."""
        if file in self.inputs:
            return bids_uri("source", file.relative_to(self.root))
        return bids_uri("", file)


class ProcessCohortFlow(CohortFlow):
    """Process the tractograms of all subjects of a BIDS tree."""

    short_name = "process_cohort"

    @with_parameters_of(WorkerOptions)
    def run(
        self,
        bids_dir,
        output_dir,
        model_file=None,
        steps=None,
        options=None,
        participant_label=None,
        pattern="*",
        out_table="logs/cohort.tsv",
        **given,
    ):
        """Process the tractograms of all subjects of a BIDS tree.

        For each subject and session the steps are done one after another, as the
        commands of their names do them, by this process or by many. A subject that is
        done is known by its record, with digests of its files, of the model and of
        what the options name, and is not made again; one that fails does not stop the
        others. The same command, after a fault or an interrupt, goes on; started
        twice, it shares the work.

        Parameters
        ----------
        bids_dir : string or Path
            Root of a dataset or of derivatives as in BIDS, with a folder sub-01 a
            subject and perhaps ses-1 in it.
        output_dir : string or Path
            Root of the outputs, derivatives as in BIDS.
        model_file : string or Path, optional
            Model file of a dipy_train command, or name of a model, such as human20.
        steps : variable string, optional
            Steps in their order: label, filter, encode, reconstruct. Steps after
            label and filter read the tractograms that these write; the first one
            reads those of the subject.
        options : string or Path, optional
            TOML file with a table a step, such as [filter], and in it options of its
            command, as thresholds_file = "filter.npz". Files are named as from the
            folder of the TOML file.
        participant_label : variable string, optional
            Subjects to process, with or without sub-; all by default.
        pattern : string, optional
            Pattern of the names of the tractograms to read, as "*_space-MNI*", where
            a session has several.
        out_table : string, optional
            Table of what became of each subject: done, already done, or failed and
            why.
        """
        paths = self.outputs(output_dir, again=True, out_table=out_table)
        if model_file is None:
            raise ValueError("no --model_file: give the model that the steps use.")
        commands = {name: step.command for name, step in STEPS.items()}
        tables = read_options(Path(options), commands) if options else {}
        model = Path(self.given["model_file"]).absolute()
        asked = Steps(tuple(steps or ()), model, tables)
        stated = {**asked.describe(), "pattern": pattern, "versions": versions_to_use()}
        root, target = Path(bids_dir).absolute(), Path(output_dir).absolute()
        if root.resolve() == target.resolve():
            raise ValueError(
                f"{output_dir} is the tree that is read: give another folder, such as "
                f"{Path(bids_dir, 'derivatives', 'dipy_tractogen')}."
            )
        sessions = find_sessions(root, participant_label)
        tasks = [
            ProcessTask(
                session,
                root,
                tuple(find_tractograms(root, session, pattern)),
                target,
                stated,
                asked,
            )
            for session in sessions
        ]
        with open_run(target, [paths["out_table"], *described(target)]) as mark:
            describe_derivatives(
                target,
                "Processed tractograms",
                source=root,
                command=self.command,
                ignored=_IGNORED,
            )
            self.work_on(tasks, paths["out_table"], given, mark)
