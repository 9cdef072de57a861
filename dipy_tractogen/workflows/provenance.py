"""How a result was made, for the JSON file that tells of it."""

from __future__ import annotations

from pathlib import Path


def make_record(flow, model_file, **facts) -> dict:
    """Return what is needed to make a result again, and to judge it.

    That is the command, the values of its parameters, its warnings, the versions of the
    software and the digest of the model, beside the facts.

    Parameters
    ----------
    flow : TractogenFlow
        What made the result.
    model_file : str or Path
        The model that it was made with.
    **facts
        What else is known, as plain values.

    Returns
    -------
    dict
        Plain values.

    Raises
    ------
    OSError
        If the model file cannot be read.
    """
    from dipy_tractogen.streamlines.files import file_digest
    from dipy_tractogen.streamlines.messages import printable
    from dipy_tractogen.streamlines.versions import current_versions

    return {
        "command": printable(flow.command),
        "versions": current_versions(),
        "model": {"file": printable(model_file), "digest": file_digest(model_file)},
        "parameters": _plain(flow.given),
        "warnings": [printable(one) for one in flow.warnings],
        **({"screening": flow.screening} if flow.screening else {}),
        **facts,
    }


def _plain(value):
    """Make of a value what JSON holds: paths become text that can be written."""
    from dipy_tractogen.streamlines.messages import printable

    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return printable(value) if isinstance(value, (str, Path)) else value
