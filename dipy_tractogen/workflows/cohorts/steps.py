"""The commands that a cohort is processed with, in turn, and their options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import inspect
from pathlib import Path
import tomllib

from dipy_tractogen.utils.files import file_digest
from dipy_tractogen.utils.messages import listed, read_error
from dipy_tractogen.utils.schema import plain_values

from ..options.arguments import check_options
from ..runtime.protection import named_files

_LARGEST_TOML = 10**6
# What this command gives itself.
_OWN = ("model_file", "input_files")


@dataclass(frozen=True)
class Step:
    """A command as a step.

    Parameters
    ----------
    command : str
        Its name.
    outputs : mapping of str to str
        End of the name of each output, by the parameter for it.
    needed : tuple of str
        Options without which it cannot be done for a cohort.
    passes_on : bool
        Whether the following steps read its tractogram.
    """

    command: str
    outputs: Mapping[str, str]
    needed: tuple[str, ...] = ()
    passes_on: bool = False


STEPS = {
    "label": Step(
        "dipy_label_streamlines",
        {
            "out_tractogram": "desc-labelled_tractogram.trx",
            "out_counts": "desc-labelled_counts.tsv",
            "out_metrics": "desc-labelled_metrics.json",
        },
        needed=("thresholds_file",),
        passes_on=True,
    ),
    "filter": Step(
        "dipy_filter_streamlines",
        {
            "out_tractogram": "desc-plausible_tractogram.trx",
            "out_metrics": "desc-plausible_metrics.json",
        },
        needed=("thresholds_file",),
        passes_on=True,
    ),
    "encode": Step(
        "dipy_encode_streamlines", {"out_latents": "desc-encoded_latents.npz"}
    ),
    "reconstruct": Step(
        "dipy_reconstruct_streamlines",
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
            name: {
                key: _digests(value) if key in _of_files(name) else value
                for key, value in self.options.get(name, {}).items()
            }
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
        """Run the steps, and yield the path of each output with what it is made of.

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
            flow = _flow(name)(quiet=True)
            given = {**self.options.get(name, {}), **made}
            flow.run(self.model_file, files, out_dir=str(folder), **given)
            yield name, {key: folder / each for key, each in made.items()}, files
            if step.passes_on:
                files = [folder / made["out_tractogram"]]


def read_options(path: Path) -> dict[str, dict]:
    """Read the options of steps from a TOML file, with a table a step.

    Files are named as from the folder of the TOML file. Raises OSError if it cannot be
    read, ValueError if it is no such file, or a step or an option is unknown.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read(_LARGEST_TOML + 1)
        if len(content) > _LARGEST_TOML:
            raise ValueError(f"larger than {_LARGEST_TOML} bytes")
        tables = tomllib.loads(content.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error
    options = {}
    for name, given in tables.items():
        if name not in STEPS or not isinstance(given, dict):
            raise ValueError(
                f"{path}: {name} is no table of a step: the steps are "
                f"{', '.join(STEPS)}"
            )
        _check_known(path, name, given)
        of_files = _of_files(name)
        options[name] = {
            key: _from(path.parent.absolute(), value) if key in of_files else value
            for key, value in given.items()
        }
    return options


def _check_known(path: Path, name: str, given: dict) -> None:
    """Raise ValueError for options that the command of a step does not have."""
    parameters = inspect.signature(_flow(name).run).parameters
    known = [
        key
        for key in list(parameters)[1:]
        if not key.startswith("out_") and key not in _OWN
    ]
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ValueError(
            f"{path}: [{name}] has no option {listed(unknown)}: those of "
            f"{STEPS[name].command} are {', '.join(known)}"
        )
    for key, value in given.items():
        if isinstance(parameters[key].default, bool) != isinstance(value, bool):
            raise ValueError(f"{path}: [{name}] {key} = {value!r} is of a wrong type")
    check_options(given, getattr(_flow(name).run, "declared", {}))


def _check_needed(name: str, given: dict) -> None:
    """Raise ValueError for a step without an option that it needs."""
    for key in STEPS[name].needed:
        if given.get(key) is None:
            raise ValueError(
                f"the step {name} needs {key} in the table [{name}] of --options: "
                f"{STEPS[name].command} --reference_files writes one, for all subjects."
            )


def _flow(name: str) -> type:
    """Return the workflow of a step."""
    from ..cli import load_flow

    return load_flow(STEPS[name].command)


def _of_files(name: str) -> set[str]:
    """Return the options of a step that take files."""
    return _flow(name).of_files()


def _digests(value) -> list[str]:
    """Return the digests of the files that an option names.

    Raises FileNotFoundError if there are none.
    """
    files = named_files({"": value}, {""})
    if not files:
        raise FileNotFoundError(f"{value} does not exist: check the name in --options")
    return [file_digest(file) for file in files]


def _from(folder: Path, value):
    """Return names of files as from a folder."""
    if isinstance(value, list):
        return [_from(folder, each) for each in value]
    return str(folder / value) if isinstance(value, str) else value
