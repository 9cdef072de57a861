"""How a result was made, for the JSON file that tells of it."""

from __future__ import annotations

from dipy_tractogen.utils.schema import plain_values


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
    from dipy_tractogen.utils.files import file_digest
    from dipy_tractogen.utils.versions import current_versions

    record = {
        "command": flow.command,
        "versions": current_versions(),
        "model": {"file": str(model_file), "digest": file_digest(model_file)},
        "parameters": flow.given,
        **make_notes(flow),
        **facts,
    }
    return plain_values(record)


def make_notes(flow) -> dict:
    """Return what a run has said so far of what it read.

    Parameters
    ----------
    flow : TractogenFlow
        The run.

    Returns
    -------
    dict
        ``warnings``, and ``screening`` with what was kept and dropped of each kind of
        tractogram.
    """
    return {"warnings": list(flow.warnings), "screening": flow.screening}
