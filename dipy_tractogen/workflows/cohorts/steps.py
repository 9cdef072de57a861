"""The commands that a cohort is processed with, in turn, and their options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dipy_tractogen.utils.files import file_digest
from dipy_tractogen.utils.schema import plain_values

from .commands import Command

_OWN = ("model_file", "input_files")


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


STEPS = {
    "label": Step(
        Command("dipy_label_streamlines", _OWN, needed=("thresholds_file",)),
        {
            "out_tractogram": "desc-labelled_tractogram.trx",
            "out_counts": "desc-labelled_counts.tsv",
            "out_metrics": "desc-labelled_metrics.json",
        },
        passes_on=True,
    ),
    "filter": Step(
        Command("dipy_filter_streamlines", _OWN, needed=("thresholds_file",)),
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
        for name in self.names:
            _check_needed(name, self.options.get(name, {}))

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

    def run(self, inputs: Sequence[Path], folder: Path, begins: str) -> Iterator[tuple]:
        """Run the steps, and yield name, outputs by parameter and inputs of each.

        Parameters
        ----------
        inputs : sequence of Path
            The tractograms that the first step reads.
        folder : Path
            Where the outputs go.
        begins : str
            Beginning of their names.
        """
        files = list(inputs)
        for name in self.names:
            step = STEPS[name]
            made = {key: f"{begins}_{end}" for key, end in step.outputs.items()}
            given = {**self.options.get(name, {}), **made}
            flow = step.command.flow(quiet=True)
            flow.run(self.model_file, files, out_dir=str(folder), **given)
            yield name, {key: folder / each for key, each in made.items()}, files
            if step.passes_on:
                files = [folder / made["out_tractogram"]]


def _check_needed(name: str, given: dict) -> None:
    """Raise ValueError for a step without an option that it needs."""
    command = STEPS[name].command
    for key in command.needed:
        if given.get(key) is None:
            raise ValueError(
                f"the step {name} needs {key} in the table [{name}] of --options: "
                f"{command.name} --reference_files writes one, for all subjects."
            )
