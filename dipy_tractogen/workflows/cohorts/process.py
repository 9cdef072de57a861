"""`dipy_process_cohort`: the commands for tractograms on all subjects of a tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from dipy_tractogen.streamlines.bids.tree import (
    Session,
    find_sessions,
    find_tractograms,
)
from dipy_tractogen.utils.tables import write_table
from dipy_tractogen.utils.versions import versions_to_use

from ..options.inputs import load_trained_model, model_kept
from ..options.parameters import with_parameters_of
from .commands import read_options
from .flow import CohortFlow
from .records import FOLDER
from .run import open_run
from .scores import write_cohort_scores
from .steps import STEPS, Steps
from .subjects import (
    SubjectFiles,
    check_columns,
    find_subject_files,
    find_table,
    names_in_norms,
)
from .task import Task
from .workers import WorkerOptions

_IGNORED = ("*_tractogram.*", "*_latents.npz", "*_counts.tsv", "*_metrics.json")
_IGNORED = (*_IGNORED, "*_scores.*", "scores.tsv", f"{FOLDER}/")
_TABLE = Path("participants.tsv")
_SCORE = "score"


@dataclass(frozen=True)
class ProcessTask(Task):
    """The steps on the tractograms of a subject.

    Parameters
    ----------
    steps : Steps
        The steps and their options.
    tractograms : tuple of Path
        Those of the subject, among its inputs.
    known : SubjectFiles
        What else is known of the subject.
    """

    steps: Steps
    tractograms: tuple[Path, ...]
    known: SubjectFiles

    def make(self) -> None:
        """Run the steps, and describe each tractogram that they write.

        Raises ValueError for a subject without a tractogram, an image or a condition.
        """
        if not self.tractograms:
            raise ValueError(
                f"no tractogram in {self.root / self.part.folder}: check --pattern"
            )
        self.known.check(self.part, ())
        describe_session(self.part)
        place = self.part.folder / "dwi"
        place.mkdir(parents=True)
        begins = begin_name(self.part, common_entities(self.tractograms))
        given = self.tractograms, place, begins, self._of_subject
        with model_kept(), self._table():
            for name, made, files in self.steps.run(*given):
                if "out_tractogram" in made:
                    describe_tractogram(
                        made["out_tractogram"],
                        STEPS[name].command.name,
                        [self._source(file) for file in files],
                        Model={"Digest": self.asked["model"]},
                    )

    @contextmanager
    def _table(self) -> Iterator[None]:
        """Have a table of this subject alone, as it is in this session."""
        if self.known.row is None:
            yield
            return
        names = ("participant_id", *self.known.row)
        values = ("n/a" if one is None else one for one in self.known.row.values())
        write_table(_TABLE, names, [(self.part.subject, *values)], force=False)
        try:
            yield
        finally:
            _TABLE.unlink()

    def _of_subject(self, step: str) -> dict:
        """Return options of a step that are those of the subject."""
        found: dict = {}
        if step in self.known.maps:
            found["maps"] = self.known.maps[step]
        if STEPS[step].command.reads_subjects:
            names = self._conditions(step)
            self.known.check(self.part, names)
            if names:
                found["participants"] = str(_TABLE)
        return found

    def _conditions(self, step: str) -> list[str]:
        """Return the conditions that a step needs to know of the subject."""
        from dipy_tractogen.nn.subjects.norms import read_conditions

        model = load_trained_model(self.steps.model_file)
        names = read_conditions(model)
        if step == _SCORE and model.record.norms is not None:
            names += model.record.norms.design.conditions.names
            said = {*self.steps.conditions_said, *model.record.norms.reference_group}
            names = [name for name in dict.fromkeys(names) if name not in said]
        return names

    def _source(self, file: Path) -> str:
        """Return the URI of an input, or of what a step before has made."""
        if file in self.tractograms:
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
        participants_file=None,
        participant_label=None,
        pattern="*",
        out_table="logs/cohort.tsv",
        out_scores="scores.tsv",
        **given,
    ):
        """Process the tractograms of all subjects of a BIDS tree.

        For each subject and session the steps are done one after another, as the
        commands of their names do them, by this process or by many. Thresholds of label
        and filter are learnt before, once for all subjects. A subject that is
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
            Model file of a dipy_train command, or name of a model, such as human20; for
            the step score, one with norms from dipy_fit_norms.
        steps : variable string, optional
            Steps in their order: label, filter, encode, reconstruct, score. Steps after
            label and filter read the tractograms that these write; the first one
            reads those of the subject.
        options : string or Path, optional
            TOML file with a table a step, such as [filter], and in it options of its
            command. With reference_files, thresholds are learnt from these, kept in
            logs/ and used for all subjects; thresholds_file names some that were learnt
            before. Files are named as from the folder of the TOML file. maps are
            patterns with * for all labels: of the images that match, a subject takes
            the one with its sub- and ses- labels.
        participants_file : string or Path, optional
            Table of the subjects, by default the participants.tsv of bids_dir, where a
            step needs conditions of theirs, such as the age; those of a session are in
            sub-01/sub-01_sessions.tsv beside it.
        participant_label : variable string, optional
            Subjects to process, with or without sub-; all by default.
        pattern : string, optional
            Pattern of the names of the tractograms to read, as "*_space-MNI*", where
            a session has several.
        out_table : string, optional
            Table of what became of each subject: done, already done, or failed and
            why.
        out_scores : string, optional
            Table of the step score: for each subject, bundle and value, how unusual it
            is, and at which nodes.
        """
        names = {"out_table": out_table, "out_scores": out_scores}
        paths = self.outputs(output_dir, again=True, **names)
        if model_file is None:
            raise ValueError("no --model_file: give the model that the steps use.")
        commands = {name: step.command for name, step in STEPS.items()}
        tables = read_options(Path(options), commands) if options else {}
        root, target = Path(bids_dir).absolute(), Path(output_dir).absolute()
        if root.resolve() == target.resolve():
            raise ValueError(
                f"{output_dir} is the tree that is read: give another folder, such as "
                f"{Path(bids_dir, 'derivatives', 'dipy_tractogen')}."
            )
        model = Path(self.given["model_file"]).absolute()
        asked = Steps(tuple(steps or ()), model, tables)
        asked.describe()
        sessions = find_sessions(root, participant_label)
        known = _known(sessions, root, asked, participants_file)
        with open_run(target, [*paths.values(), *described(target)]) as mark:
            describe_derivatives(
                target,
                "Processed tractograms",
                source=root,
                command=self.command,
                ignored=_IGNORED,
            )
            asked = asked.learn(root=root, out_dir=target, force=self.force)
            tasks = _tasks(known, root, target, asked, pattern)
            try:
                self.work_on(tasks, paths["out_table"], given, mark)
            finally:
                if _SCORE in asked.names:
                    ends = STEPS[_SCORE].outputs["out_table"]
                    write_cohort_scores(paths["out_scores"], target, ends, mark)


def _known(
    sessions, root: Path, steps: Steps, participants_file
) -> dict[Session, SubjectFiles]:
    """Return what steps may read of each session beside its tractograms."""
    table = None
    if steps.reads_subjects:
        table = find_table(root, participants_file)
    elif participants_file is not None:
        raise ValueError(
            f"--participants_file {participants_file}: none of the steps reads it; "
            "leave it out."
        )
    found = find_subject_files(sessions, root, table, steps.maps)
    if _SCORE in steps.names:
        names = names_in_norms(steps.model_file)
        said = steps.conditions_said
        names = [name for name in names if name not in said]
        check_columns(found.values(), table, names)
    return found


def _tasks(
    known: dict[Session, SubjectFiles], root, target, steps: Steps, pattern: str
) -> list[ProcessTask]:
    """Return the task of each session."""
    stated = {"pattern": pattern, "versions": versions_to_use(), **steps.describe()}
    tasks = []
    for session, one in known.items():
        tractograms = tuple(find_tractograms(root, session, pattern))
        asked = {**stated, **one.describe(root)}
        inputs = (*tractograms, *one.images)
        given = session, root, inputs, target, asked, steps, tractograms, one
        tasks.append(ProcessTask(*given))
    return tasks
