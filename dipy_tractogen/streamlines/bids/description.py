"""What BIDS wants beside derivatives: their description, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
import logging
import os
from pathlib import Path

from dipy_tractogen import __version__
from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.schema import read_json, record, text, write_json

from .tree import Session

logger = logging.getLogger("dipy_tractogen")

BIDS_VERSION = "1.10.0"
"""Version of the standard that descriptions name."""

_NAME = "dipy_tractogen"
_ABOUT = "dataset_description.json"
_README = """\
{title}

Made by {command}, of dipy_tractogen {version}.

Each sub-<label> has the files of a subject, and a JSON file beside each tractogram says
what it was made of. logs/ has a record of each subject, with digests of all that was
read, and a table of what became of it. Names are those of derivatives of BIDS and of
its extension proposal 46, for tractograms; .bidsignore names what the standard does not
have, and sub-<label>_scans.tsv, which lists the scans of a subject, has no row.
"""
# Of the tables of all sessions, as validators want each described.
_SCANS = """\
{"Description": "Scans of a session, of which tractograms are none"}
"""
_DESCRIPTION = record({"Name": text()})


def describe_derivatives(
    root: Path,
    name: str,
    *,
    source: Path | None,
    command: str,
    ignored: Iterable[str] = (),
) -> None:
    """Write ``dataset_description.json``, ``.bidsignore``, ``README``, ``scans.json``.

    What other software wrote is left as it is.

    Parameters
    ----------
    root : Path
        Root of the derivatives.
    name : str
        Name of the dataset.
    source : Path or None
        Root of the dataset that they were made of.
    command : str
        The command that made them.
    ignored : iterable of str, optional
        Patterns of names that the standard does not have.
    """
    made_by = {"Name": _NAME, "Version": __version__, "Description": command}
    said: dict = {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{key: each for key, each in made_by.items() if each}],
    }
    if source is not None:
        place = Path(os.path.relpath(source, root)).as_posix()
        said["SourceDatasets"] = [{"URL": Path(source).resolve().as_uri()}]
        said["DatasetLinks"] = {"source": place}
    path = root / _ABOUT
    if not path.exists() or _is_ours(path):
        write_json(path, said, force=True)
    else:
        logger.info("%s is there, and left as it is", path)
    texts = {
        ".bidsignore": "".join(f"{one}\n" for one in ignored),
        "README": _README.format(
            title=f"{name}\n{'=' * len(name)}",
            command=command or _NAME,
            version=__version__,
        ),
        "scans.json": _SCANS,
    }
    for file, content in texts.items():
        if not (root / file).exists():
            # The same command may run twice.
            with suppress(FileExistsError), atomic_write(root / file) as temporary:
                temporary.write_text(content, encoding="utf-8")


def described(root: Path) -> list[Path]:
    """Return the files that `describe_derivatives` writes."""
    return [root / name for name in (_ABOUT, ".bidsignore", "README", "scans.json")]


def describe_tractogram(
    path: Path, description: str, sources: Iterable[str], **facts
) -> None:
    """Write the JSON file of a tractogram, of the same stem, with what it is made of.

    `sources` are URIs of BIDS, as from `bids_uri`.
    """
    said: Mapping = {"Description": description, "Sources": list(sources), **facts}
    write_json(path.with_suffix(".json"), said, force=False)


def describe_session(session: Session) -> None:
    """Write the table of the scans of a session, below the current folder.

    It has no row: validators that know no tractograms find the subject by it.
    """
    session.folder.mkdir(parents=True, exist_ok=True)
    path = session.folder / f"{session.name}_scans.tsv"
    path.write_text("filename\n", encoding="utf-8")


def bids_uri(dataset: str, path: Path) -> str:
    """Return the URI of a file by its path below the root of a dataset.

    It is ``bids::a/b`` in the same dataset, whose name is empty.
    """
    return f"bids:{dataset}:{path.as_posix()}"


def _is_ours(path: Path) -> bool:
    """Return whether this package wrote a description."""
    try:
        said = read_json(path, _DESCRIPTION, "the description of a dataset")
    except (OSError, ValueError):
        return False
    makers = said.get("GeneratedBy")
    return isinstance(makers, list) and any(
        isinstance(one, dict) and one.get("Name") == _NAME for one in makers
    )
