"""How a tractogram was made: a JSON file beside it, as BIDS has them."""

from __future__ import annotations

from pathlib import Path

from .tables import write_json


def record_name(tractogram: str) -> str:
    """Name the JSON file of a tractogram.

    Parameters
    ----------
    tractogram : str
        File name of the tractogram.

    Returns
    -------
    str
        The same with the extension ``.json``.
    """
    from dipy_tractogen.streamlines.files import split_extension

    stem, _ = split_extension(tractogram)
    return str(Path(tractogram).with_name(f"{stem}.json"))


def write_record(path: Path, flow, model_file, **facts) -> None:
    """Write what is needed to make a tractogram again, and to judge it.

    That is the command, the values of its parameters, its warnings, the versions of the
    software and the digest of the model, beside the facts.

    Parameters
    ----------
    path : Path
        The JSON file.
    flow : TractogenFlow
        What made the tractogram.
    model_file : str or Path
        The model that it was made with.
    **facts
        What else is known, as plain values.

    Raises
    ------
    FileExistsError
        If the file exists and may not be replaced.
    OSError
        If a file cannot be read or written.
    """
    from dipy_tractogen.streamlines.files import file_digest
    from dipy_tractogen.streamlines.versions import current_versions

    record = {
        "command": flow.command,
        "versions": current_versions(),
        "model": {"file": str(model_file), "digest": file_digest(model_file)},
        "parameters": _plain(flow.given),
        "warnings": list(flow.warnings),
        **facts,
    }
    write_json(path, record, force=flow.force)


def _plain(value):
    """Make of a value what JSON holds: paths become text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
