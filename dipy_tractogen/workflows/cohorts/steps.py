"""The commands that a cohort is processed with, in turn, and their options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
import inspect
from pathlib import Path

from dipy_tractogen.sampling.condition_text import split_conditions
from dipy_tractogen.utils.files import file_digest
from dipy_tractogen.utils.schema import plain_values
from dipy_tractogen.utils.versions import versions_to_use

from .commands import Command
from .thresholds import THRESHOLDS, check_thresholds, with_thresholds

_OWN = ("model_file", "input_files", "participants")


@dataclass(frozen=True)
class Step:
    """A command as a step.

    Parameters
    ----------
    command : Command
        The command.
    outputs : mapping of str to str
        End of the name of each output, by the parameter for it.
    passes_on : bool
        Whether the following steps read its tractogram.
    """

    command: Command
    outputs: Mapping[str, str]
    passes_on: bool = False

    @property
    def learns(self) -> bool:
        """Whether it needs thresholds, which may be learnt for all subjects."""
        return THRESHOLDS in inspect.signature(self.command.flow.run).parameters


STEPS = {
    "label": Step(
        Command("dipy_label_streamlines", _OWN),
        {
            "out_tractogram": "desc-labelled_tractogram.trx",
            "out_counts": "desc-labelled_counts.tsv",
            "out_metrics": "desc-labelled_metrics.json",
        },
        passes_on=True,
    ),
    "filter": Step(
        Command("dipy_filter_streamlines", _OWN),
        {
            "out_tractogram": "desc-plausible_tractogram.trx",
            "out_metrics": "desc-plausible_metrics.json",
        },
        passes_on=True,
    ),
    "encode": Step(
        Command("dipy_encode_streamlines", _OWN),
        {"out_latents": "desc-encoded_latents.npz"},
    ),
    "reconstruct": Step(
        Command("dipy_reconstruct_streamlines", _OWN),
        {"out_tractogram": "desc-reconstructed_tractogram.trx"},
    ),
    "score": Step(
        Command("dipy_score_subject", _OWN),
        {
            "out_table": "desc-norms_scores.tsv",
            "out_scores": "desc-norms_scores.json",
            "out_report": "desc-norms_scores.html",
        },
    ),
}
"""The steps by name."""


@dataclass(frozen=True)
class Steps:
    """Steps in their order, with the options of each.

    Parameters
    ----------
    names : tuple of str
        Keys of `STEPS`.
    model_file : Path
        The model that all of them use.
    options : dict of str to dict
        Values of options by name, by step.
    """

    names: tuple[str, ...]
    model_file: Path
    options: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self):
        unknown = [name for name in self.names if name not in STEPS]
        if unknown or not self.names:
            what = f"--steps {' '.join(self.names)}" if unknown else "no --steps"
            raise ValueError(f"{what}: give one or more of {', '.join(STEPS)}.")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"--steps {' '.join(self.names)}: name each step once.")
        for name in filter(lambda each: STEPS[each].learns, self.names):
            check_thresholds(name, STEPS[name].command, self.options.get(name, {}))

    @property
    def maps(self) -> dict[str, list[str]]:
        """Images or globs by step, as NAME=FILE, of the steps that have some."""
        given = {name: self.options.get(name, {}).get("maps") for name in self.names}
        return {name: texts for name, texts in given.items() if texts}

    @property
    def conditions_said(self) -> set[str]:
        """Conditions that the options of the step score say of all subjects."""
        texts = self.options.get("score", {}).get("conditions")
        return set(split_conditions(texts or ()))

    @property
    def reads_subjects(self) -> bool:
        """Whether a step may need conditions of subjects."""
        return any(STEPS[name].command.reads_subjects for name in self.names)

    def learn(self, **options) -> Steps:
        """Return the steps with thresholds, which are learnt if need be.

        Options are those of `with_thresholds`.
        """
        found = dict(self.options)
        stated = {"model": file_digest(self.model_file), "versions": versions_to_use()}
        options |= {"model_file": self.model_file, "stated": stated}
        for name in filter(lambda each: STEPS[each].learns, self.names):
            own = found.get(name, {})
            command = STEPS[name].command
            found[name] = with_thresholds(name, command, own, **options)
        return replace(self, options=found)

    def describe(self) -> dict:
        """Return all that results depend on, with the digests of the files."""
        options = {
            name: STEPS[name].command.describe(self.options.get(name, {}))
            for name in self.names
        }
        return plain_values(
            {
                "steps": self.names,
                "model": file_digest(self.model_file),
                "options": options,
            }
        )

    def run(
        self,
        inputs: Sequence[Path],
        folder: Path,
        begins: str,
        of_subject: Callable[[str], dict],
    ) -> Iterator[tuple]:
        """Run the steps, and yield name, outputs by parameter and inputs of each.

        Parameters
        ----------
        inputs : sequence of Path
            The tractograms that the first step reads.
        folder : Path
            Where the outputs go.
        begins : str
            Beginning of their names.
        of_subject : callable
            Values of options that are those of the subject, by the name of a step.
        """
        files = list(inputs)
        for name in self.names:
            step = STEPS[name]
            made = {key: f"{begins}_{end}" for key, end in step.outputs.items()}
            given = {**self.options.get(name, {}), **of_subject(name), **made}
            flow = step.command.flow(quiet=True)
            flow.run(self.model_file, files, out_dir=str(folder), **given)
            yield name, {key: folder / each for key, each in made.items()}, files
            if step.passes_on:
                files = [folder / made["out_tractogram"]]
