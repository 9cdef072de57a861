"""What steps read of a subject beside its tractograms: conditions, and images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
import zipfile

from dipy_tractogen.streamlines.bids.tree import Session
from dipy_tractogen.streamlines.participants import (
    Participants,
    read_participants,
    session_rows,
)
from dipy_tractogen.streamlines.point_data.maps import MapFiles, parse_maps
from dipy_tractogen.utils.messages import listed

from .records import path_below

_TABLE = "participants.tsv"
_ASSETS, _RECORD = "assets/", "record.json"


@dataclass(frozen=True)
class SubjectFiles:
    """What a task knows of its subject.

    Parameters
    ----------
    row : dict of str to (str or None), optional
        What the tables say of the subject in the session; None without a row.
    table : Path or None
        The table of the subjects.
    maps : dict of str to list of str
        Images of values by step, as NAME=FILE.
    missing : str
        Why an image is missing.
    """

    row: Mapping[str, str | None] | None = None
    table: Path | None = None
    maps: Mapping[str, list[str]] = field(default_factory=dict)
    missing: str = ""

    @property
    def images(self) -> list[Path]:
        """The images."""
        named = self._by_name.values()
        files = {Path(path) for each in named for path in each.values()}
        return sorted(files)

    def describe(self, root: Path) -> dict:
        """Return what a record says: the row, and of which value each image is."""
        found = {} if self.row is None else {"row": dict(self.row)}
        if self.maps:
            found["images"] = {
                step: {name: path_below(root, path) for name, path in each.items()}
                for step, each in self._by_name.items()
            }
        return found

    @property
    def _by_name(self) -> dict[str, dict[str, str]]:
        return {step: parse_maps(texts) for step, texts in self.maps.items()}

    def check(self, session: Session, names: Iterable[str]) -> None:
        """Raise ValueError where an image, or one of the conditions, is missing."""
        if self.missing:
            raise ValueError(self.missing)
        names = list(names)
        if not names:
            return
        if self.table is None:
            raise ValueError(
                f"{listed(names)} of {session.name} are needed: give "
                "--participants_file, a table that has them"
            )
        if self.row is None:
            raise ValueError(f"{self.table} has no row of {session.subject}: add one")
        missing = [name for name in names if self.row.get(name) is None]
        if missing:
            raise ValueError(
                f"{self.table}, or the table of the sessions beside it, does not tell "
                f"{listed(missing)} of {session.name}, which is needed: give it"
            )


def find_table(root: Path, given: str | None) -> Participants | None:
    """Return the table of the subjects that is given, or else that of the tree.

    None where the tree has none. Raises OSError or ValueError if it cannot be read.
    """
    if given is None and not (root / _TABLE).is_file():
        return None
    return read_participants(Path(given or root / _TABLE).absolute())


def find_subject_files(
    sessions: Iterable[Session],
    root: Path,
    table: Participants | None,
    maps: Mapping[str, Iterable[str]],
) -> dict[Session, SubjectFiles]:
    """Return what is known of each session.

    Parameters
    ----------
    sessions : iterable of Session
        The sessions.
    root : Path
        Root of the tree.
    table : Participants or None
        Table of the subjects.
    maps : mapping of str to iterable of str
        Images or globs by step, as NAME=FILE.

    Raises
    ------
    OSError
        If no image matches a pattern.
    ValueError
        If a text is no NAME=FILE, or a table of sessions is none.
    """
    finders = {step: MapFiles(parse_maps(texts)) for step, texts in maps.items()}
    found = {}
    for session in sessions:
        row = None
        if table is not None and session.subject in table.rows:
            rows = session_rows(table, session.subject)
            row = rows.get(session.session, table.rows[session.subject])
        # Labels are those of names, as of a tractogram.
        place, images, missing = root / session.folder / session.name, {}, ""
        for step, finder in finders.items():
            try:
                named = {name: finder.find(name, place) for name in finder.names}
            except ValueError as error:
                missing = str(error)
                break
            images[step] = [f"{name}={path}" for name, path in named.items()]
        path = None if table is None else table.path
        found[session] = SubjectFiles(row, path, images, missing)
    return found


def names_in_norms(model_file: Path) -> list[str]:
    """Return the conditions that the norms in a model's file need of a subject.

    The model is not loaded. Raises ValueError if it has no norms.
    """
    from dipy_tractogen.norms.storage import load_norms
    from dipy_tractogen.utils.array_schema import DAMAGE
    from dipy_tractogen.utils.schema import file_errors

    with (
        file_errors(model_file, "a model file", OSError, *DAMAGE),
        zipfile.ZipFile(model_file) as archive,
    ):
        place = zipfile.Path(archive, _ASSETS)
        if not (place / _RECORD).exists():
            raise ValueError(f"there is no {_RECORD} in it")
        norms = load_norms(place)
    if norms is None:
        raise ValueError(
            f"{model_file} holds a model without norms, which the step score needs: "
            "learn some by dipy_fit_norms."
        )
    names = norms.design.conditions.names
    return [name for name in names if name not in norms.reference_group]


def check_columns(
    known: Iterable[SubjectFiles], table: Participants | None, names: list[str]
) -> None:
    """Raise ValueError for conditions that the tables have of no subject."""
    if table is None and names:
        raise ValueError(
            f"the norms need {listed(names)} of each subject: give "
            "--participants_file, a table that has them."
        )
    told = {key for one in known for key in one.row or ()}
    missing = [name for name in names if name not in told]
    if missing:
        raise ValueError(
            f"{table.path} has no column {listed(missing)}, which the norms need: its "
            f"columns are {listed(table.columns)}."
        )
