"""What the workflows share: outputs that are refused early, and notes of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
import inspect
import logging
from pathlib import Path
import sys

from dipy.workflows.docstring_parser import NumpyDocString
from dipy.workflows.workflow import Workflow

from dipy_tractogen.utils.disk import WriteError
from dipy_tractogen.utils.files import (
    check_outputs,
    expand_inputs,
    remove_new_folders_on_error,
)
from dipy_tractogen.utils.messages import normalized_name
from dipy_tractogen.utils.model_names import find_model

from ..options.arguments import check_options
from ..options.loading import maps_of
from ..runtime.logs import noted_warnings, one_line
from ..runtime.protection import (
    check_apart,
    check_log_name,
    named_files,
    sidecars,
)

logger = logging.getLogger("dipy_tractogen")


class OutputsMissing(OSError):
    """Optional outputs that could not be written; all others are there."""


# Parameters that name bundles and values, read as the names in files are.
_NAMING = {"bundles", "conditions", "proportions", "require", "first_bundle"}
_NAMING |= {"second_bundle", "bundle", "interpolate", "color_by", "bundles_from"}
_NAMING |= {"categorical", "continuous", "attribute", "space"}


class TractogenFlow(Workflow):
    """A DIPY workflow whose outputs are checked before any work.

    DIPY's own iterator gives every input its output and returns an empty list when an
    output exists. A training gathers all its inputs, and a pipeline needs an exit
    code, so here an existing output raises FileExistsError.

    Parameters
    ----------
    force : bool, optional
        Overwrite outputs that exist.
    quiet : bool, optional
        Show no progress bar; there is none either where stderr is not a terminal.

    Attributes
    ----------
    command : str
        The command line as it was typed; empty where the flow is run from Python.
    writes : bool
        Whether this process writes the outputs.
    given : dict
        Values of all parameters of the last run, given or default.
    warnings : list of str
        Warnings of the last run.
    missing : dict of Path to str
        Optional outputs that the last run could not write, with the reasons.
    screening : dict of str to dict
        Counts of what was kept and dropped, by kind of tractogram.
    registrations : dict of str to dict
        How tractograms were brought to the space of the model, by kind.
    """

    short_name = ""
    # Whether several processes can run it together (`hosts`).
    on_several_hosts = False

    # Options that --help of this command lists among the advanced ones, whatever they
    # are elsewhere.
    advanced: tuple[str, ...] = ()

    # Parameters that name what is written, beside those that begin with out_.
    _WRITTEN = ("tensorboard",)

    def __init_subclass__(cls, **kwargs):
        """Wrap the run of each workflow."""
        super().__init_subclass__(**kwargs)
        if "run" in cls.__dict__:
            cls.run = _noted(cls.run)

    @classmethod
    def get_short_name(cls) -> str:
        """Return the ``short_name`` of the class, for DIPY."""
        return cls.short_name

    @classmethod
    def advanced_options(cls) -> set[str]:
        """Return the names of the options that ``--help`` lists after all others."""
        declared = getattr(cls.run, "declared", {})
        inputs = {
            name
            for name, one in inspect.signature(cls.run).parameters.items()
            if one.default is not one.empty and not name.startswith("out_")
        }
        first = {name for name, one in declared.items() if one.essential}
        first.difference_update(cls.advanced)
        last = {*cls.advanced, *declared} & inputs - first
        return last if last < inputs else set()

    def __init__(self, *, force: bool = False, quiet: bool = False):
        super().__init__(force=force)
        self.quiet = quiet
        self.command = ""
        self.log_file = ""
        self.writes = True
        self.given: dict = {}
        self.warnings: list[str] = []
        self.missing: dict[Path, str] = {}
        self.screening: dict[str, dict] = {}
        self.registrations: dict[str, dict] = {}

    @property
    def force(self) -> bool:
        """Whether outputs that exist are overwritten."""
        return self._force_overwrite

    @property
    def show_progress(self) -> bool:
        """Whether progress bars are shown."""
        return not self.quiet and sys.stderr.isatty()

    def outputs(
        self, out_dir: str | Path, *, again: bool = False, **names: str
    ) -> dict[str, Path]:
        """Return the path of each output, after checks that it can be written.

        The JSON file that may stand beside a tractogram counts as an output, too.

        Parameters
        ----------
        out_dir : str or Path
            Folder of the outputs; made if it is not there. Empty: the current one.
        again : bool, optional
            Whether outputs that exist are of the same work, which is gone on with.
        **names : str
            File name of each output.

        Returns
        -------
        dict of str to Path
            The paths, also kept in ``last_generated_outputs``.

        Raises
        ------
        ValueError
            If a name is empty, or an output is an input or another output.
        OSError
            If an output exists, without `force`, or the folder cannot be written.
        """
        paths = {}
        for key, name in names.items():
            if not name or name == "None":
                raise ValueError(f"--{key}: give a file name; it is empty.")
            if Path(name).name in ("", ".."):
                raise ValueError(f"--{key} {name}: give the name of a file, no folder.")
            paths[key] = Path(out_dir or ".") / name
        self._check_apart(paths)
        beside = sidecars(paths).values()
        check_outputs([*paths.values(), *beside], force=self.force or again)
        self.flat_outputs = [str(path) for path in paths.values()]
        self.last_generated_outputs = paths
        return paths

    def inputs(self, input_files) -> list[Path]:
        """Return the tractograms of files, folders and globs."""
        return expand_inputs(input_files)

    def make_record(self, model_file: str | Path, **facts) -> dict:
        """Return what is needed to make a result again, and to judge it.

        That is the command, the values of its parameters, its warnings, the versions of
        the software and the digest of the model, beside the facts, as plain values.
        """
        from dipy_tractogen.utils.files import file_digest
        from dipy_tractogen.utils.schema import plain_values
        from dipy_tractogen.utils.versions import current_versions

        record = {
            "command": self.command,
            "versions": current_versions(),
            "model": {"file": str(model_file), "digest": file_digest(model_file)},
            "parameters": self.given,
            **self.make_notes(),
            **facts,
        }
        return plain_values(record)

    def make_notes(self) -> dict:
        """Return the ``warnings`` of a run so far, and its ``screening``.

        And ``registrations``, where there are some.
        """
        notes = {"warnings": list(self.warnings), "screening": self.screening}
        if self.registrations:
            notes["registrations"] = self.registrations
        return notes

    @contextmanager
    def optional(self, *paths: Path) -> Iterator[None]:
        """Log an error of the body, which writes outputs that no other one needs.

        At its end the run raises `OutputsMissing`, unless it raises something else.
        """
        try:
            yield
        except Exception as error:
            # Whatever it is, it is reported and does not cost the other outputs.
            message = one_line(error)
            if not isinstance(error, WriteError):
                names = " and ".join(map(str, paths))
                verb = "is" if len(paths) == 1 else "are"
                message = f"{names} {verb} not written: {message}"
            logger.error(message)
            logger.debug("Where it came from:", exc_info=True)
            self.missing |= dict.fromkeys(paths, message)

    def _find_model(self, given: dict) -> None:
        """Put the file of a model in place of its name, where there is one."""
        if given.get("model_file"):
            # A missing one is an error where it is read, after checks of the options.
            with suppress(FileNotFoundError):
                found = find_model(
                    given["model_file"], show_progress=self.show_progress
                )
                given["model_file"] = self.given["model_file"] = found

    def log_written(self, paths: Iterable[Path]) -> None:
        """Log the outputs of the run, but for those that are missing."""
        for path in paths:
            if path not in self.missing:
                logger.info("Wrote %s", path)

    def check_named(self, given: dict) -> None:
        """Check that no file on the command line has an empty name."""
        parameters = inspect.signature(self.run).parameters
        of_files = self.of_files()
        for name, value in given.items():
            if name.startswith("out_"):
                # An output that is empty by default is one that may be left out.
                needed = parameters[name].default != ""
            else:
                needed = name in of_files
            if needed and "" in (value if isinstance(value, list) else [value]):
                is_option = parameters[name].default is not inspect.Parameter.empty
                raise ValueError(
                    f"{'--' * is_option}{name}: the name of a file is empty, as from a "
                    "variable that is not set: give one, or leave it out."
                )

    def log_to(self, log_file: str, given: dict) -> None:
        """Check the file of the messages against those of the run, and keep it."""
        if not log_file:
            return
        check_log_name(log_file)
        self.log_file = log_file
        parameters = inspect.signature(self.run).parameters.values()
        values = {one.name: one.default for one in parameters} | given
        folder = Path(values.get("out_dir") or ".")
        written = {
            name: folder / value
            for name, value in values.items()
            if name.startswith("out_") and name != "out_dir" and value
        }
        check_apart({"log_file": Path(log_file)}, self._read(given))
        for name, path in written.items():
            check_apart({"log_file": Path(log_file), name: path}, {})

    def _check_apart(self, paths: dict[str, Path]) -> None:
        """Check that outputs are not inputs, or one another."""
        others = {name: self.given.get(name) for name in self._WRITTEN}
        others["log_file"] = self.log_file
        others = {name: Path(value) for name, value in others.items() if value}
        check_apart({**paths, **others, **sidecars(paths)}, self._read(self.given))
        for name, path in others.items():
            if name in self._WRITTEN and path.exists() and not path.is_dir():
                raise ValueError(f"--{name} {path}: give a folder; it is a file.")

    def _read(self, given: dict) -> dict[Path, str]:
        """Return the files that are read, by the values of the parameters."""
        read = {
            name: value
            for name, value in given.items()
            if not name.startswith("out_") and name not in self._WRITTEN
        }
        read["maps"] = list(maps_of(given).values())
        return named_files(read, self.of_files() | {"maps"})

    @classmethod
    def of_files(cls) -> set[str]:
        """Return the parameters that take files or folders."""
        documented = NumpyDocString(inspect.getdoc(cls.run) or "")["Parameters"]
        return {name for name, kind, _ in documented if "Path" in kind}


def _noted(run: Callable) -> Callable:
    """Wrap a run such that its flow knows the parameters and the warnings.

    A run that fails leaves no new empty folder.
    """
    signature = inspect.signature(run)
    named = _NAMING & signature.parameters.keys()

    @wraps(run)
    def noted(self, *args, **kwargs):
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        names = {name: _true_names(bound.arguments[name]) for name in named}
        bound.arguments.update(names)
        self.given = dict(list(bound.arguments.items())[1:])
        check_options(self.given, getattr(run, "declared", {}))
        maps_of(self.given)
        self._find_model(bound.arguments)
        self.missing, self.screening, self.registrations = {}, {}, {}
        with (
            noted_warnings() as self.warnings,
            remove_new_folders_on_error(),
        ):
            result = run(*bound.args, **bound.kwargs)
        if self.missing:
            raise OutputsMissing("; ".join(dict.fromkeys(self.missing.values())))
        return result

    noted.__signature__ = signature
    return noted


def _true_names(given):
    """Return names as they are compared; other values as they are."""
    if isinstance(given, (list, tuple)):
        return [_true_names(each) for each in given]
    return normalized_name(given) if isinstance(given, str) else given
