"""Commands that the commands on cohorts run, and their options in a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import inspect
from pathlib import Path

from dipy.workflows.docstring_parser import NumpyDocString

from dipy_tractogen.utils.files import file_digest, split_inverted
from dipy_tractogen.utils.messages import listed, read_error
from dipy_tractogen.utils.schema import read_toml

from ..options.arguments import check_options
from ..options.loading import maps_of
from ..runtime.protection import named_files


@dataclass(frozen=True)
class Command:
    """A command that is run on each subject of a cohort.

    Parameters
    ----------
    name : str
        Its name.
    own : tuple of str
        Parameters that are not for the user to give.
    """

    name: str
    own: tuple[str, ...]

    @property
    def flow(self) -> type:
        """Its workflow."""
        from ..cli import load_flow

        return load_flow(self.name)

    @property
    def reads_subjects(self) -> bool:
        """Whether it may need conditions of subjects."""
        return "participants" in inspect.signature(self.flow.run).parameters

    def describe(self, given: Mapping) -> dict:
        """Return the values of options, with the digests of files for their names.

        Not the maps: of their images, those that are read for a tractogram are inputs
        as it is. Raises FileNotFoundError for a file that is missing.
        """
        of_files = self.flow.of_files()
        return {
            key: digests_of(value, " in --options") if key in of_files else value
            for key, value in given.items()
            if key != "maps"
        }

    def with_lists(self, given: Mapping) -> dict:
        """Return the values of options, a list where several may be given."""
        documented = NumpyDocString(inspect.getdoc(self.flow.run))["Parameters"]
        several = {name for name, kind, _ in documented if kind.startswith("variable")}
        return {
            key: [value] if key in several and isinstance(value, str) else value
            for key, value in given.items()
        }

    def check(self, given: Mapping) -> None:
        """Raise ValueError for an unknown option, or a value that is not accepted."""
        run = self.flow.run
        parameters = inspect.signature(run).parameters
        known = [
            key
            for key in list(parameters)[1:]
            if not key.startswith("out_") and key not in self.own
        ]
        unknown = [key for key in given if key not in known]
        if unknown:
            raise ValueError(
                f"no option {listed(unknown)}: those of {self.name} are "
                f"{', '.join(known)}"
            )
        for key, value in given.items():
            if isinstance(parameters[key].default, bool) != isinstance(value, bool):
                raise ValueError(f"{key} = {value!r} is of a wrong type")
        check_options(given, getattr(run, "declared", {}))

    def from_folder(self, given: Mapping, folder: Path) -> dict:
        """Return the values of options with files named as from a folder."""
        of_files = self.flow.of_files()
        found = {
            key: _from(folder, value) if key in of_files else value
            for key, value in given.items()
        }
        if maps := maps_of(given):
            found["maps"] = [f"{name}={_from(folder, maps[name])}" for name in maps]
        return found


def read_options(path: Path, commands: Mapping[str, Command]) -> dict[str, dict]:
    """Read options of commands from a TOML file, with a table a command.

    Parameters
    ----------
    path : Path
        The TOML file. Files in it are named as from its folder.
    commands : mapping of str to Command
        The commands by the names of their tables.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, or an option is unknown or has a bad value.
    """
    try:
        tables = read_toml(path)
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error
    options = {}
    for name, given in tables.items():
        if name not in commands or not isinstance(given, dict):
            tables_known = ", ".join(f"[{one}]" for one in commands)
            raise ValueError(f"{path}: {name} is none of the tables {tables_known}")
        given = commands[name].with_lists(given)
        try:
            commands[name].check(given)
            options[name] = commands[name].from_folder(given, path.parent.absolute())
        except ValueError as error:
            raise ValueError(f"{path}: [{name}]: {error}") from error
    return options


def digests_of(value, where: str = "") -> list[str]:
    """Return the digests of the files that an option names; inverses are marked.

    Raises FileNotFoundError for a file that is missing; `where` says where it is named.
    """
    found = []
    for one in value if isinstance(value, (list, tuple)) else [value]:
        files = named_files({"": one}, {""})
        if not files:
            raise FileNotFoundError(f"{one} does not exist: check the name{where}")
        flag = split_inverted(one)[1]
        found += [f"{file_digest(file)}{flag and f',{flag}'}" for file in files]
    return found


def _from(folder: Path, value):
    """Return names of files as from a folder."""
    if isinstance(value, list):
        return [_from(folder, each) for each in value]
    if not isinstance(value, str):
        return value
    path, flag = split_inverted(value)
    return f"[{folder / path},{flag}]" if flag else str(folder / path)
