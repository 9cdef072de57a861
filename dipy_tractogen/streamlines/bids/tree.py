"""Subjects and sessions of a tree as in BIDS, and their tractograms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
import os
from pathlib import Path
import re

from dipy_tractogen.utils.files import TRACTOGRAM_EXTENSIONS
from dipy_tractogen.utils.messages import listed

_SUBJECT = re.compile(r"sub-[0-9A-Za-z+]+")
_SESSION = re.compile(r"ses-[0-9A-Za-z+]+")


@dataclass(frozen=True, order=True)
class Session:
    """A session of a subject, or a subject without sessions.

    Parameters
    ----------
    subject : str
        Name of the subject, such as ``"sub-01"``.
    session : str
        Name of the session, such as ``"ses-1"``; empty without sessions.

    Raises
    ------
    ValueError
        If the names are not those of folders in BIDS.
    """

    subject: str
    session: str = ""

    def __post_init__(self):
        is_session = not self.session or _SESSION.fullmatch(self.session)
        if not (_SUBJECT.fullmatch(self.subject) and is_session):
            raise ValueError(
                f"{self.name} is no name of a subject or session as in BIDS: give "
                "sub-<label>, with letters and digits only"
            )

    @property
    def name(self) -> str:
        """Beginning of the names of its files, such as ``"sub-01_ses-1"``."""
        return "_".join(filter(None, (self.subject, self.session)))

    @property
    def folder(self) -> Path:
        """Its folder below the root of a tree."""
        return Path(self.subject, self.session)


def find_sessions(
    root: str | os.PathLike, labels: Iterable[str] | None = None
) -> list[Session]:
    """Return the sessions of all subjects of a tree, in the order of their names.

    Parameters
    ----------
    root : str or Path
        A dataset or derivatives as in BIDS :footcite:p:`Gorgolewski2016`, with a folder
        ``sub-<label>`` a subject and perhaps ``ses-<label>`` in it.
    labels : iterable of str, optional
        The subjects to return, with or without ``sub-``; all by default.

    Returns
    -------
    list of Session
        One a session, or one a subject that has no folders of sessions.

    Raises
    ------
    OSError
        If the folder is missing or cannot be read.
    ValueError
        If there is no subject in it, or not one of `labels`.

    References
    ----------
    .. footbibliography::
    """
    root = Path(root)
    subjects = _folders(root, _SUBJECT)
    if not subjects:
        raise ValueError(
            f"{root} has no folder sub-<label>: give the root of a dataset or of "
            "derivatives as in BIDS"
        )
    if labels is not None:
        asked = {f"sub-{label.removeprefix('sub-')}" for label in labels}
        missing = sorted(asked.difference(subjects))
        if missing:
            raise ValueError(f"{root} has no folder {listed(missing)}: check the names")
        subjects = [subject for subject in subjects if subject in asked]
    return [
        Session(subject, session)
        for subject in subjects
        for session in _folders(root / subject, _SESSION) or [""]
    ]


def find_tractograms(
    root: str | os.PathLike, session: Session, pattern: str = "*"
) -> list[Path]:
    """Return the tractograms of a session, sorted, below its folder at any depth.

    `pattern` is that of their names, as ``"*_space-MNI*"``. Hidden files are left out.
    """
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(Path(root) / session.folder)
        for name in names
        if Path(name).suffix.lower() in TRACTOGRAM_EXTENSIONS
        and not name.startswith(".")
        and fnmatchcase(name, pattern)
    )


def _folders(root: Path, pattern: re.Pattern) -> list[str]:
    """Return the names of folders that match a pattern, sorted."""
    with os.scandir(root) as entries:
        return sorted(
            entry.name
            for entry in entries
            if pattern.fullmatch(entry.name) and entry.is_dir()
        )
