"""Conditions on a command line, and in the files that are written."""

from __future__ import annotations

import logging

logger = logging.getLogger("dipy_tractogen")


def split_conditions(texts: list[str] | None) -> dict[str, str]:
    """Split what is asked into names and values.

    Parameters
    ----------
    texts : list of str, optional
        Each ``NAME=VALUE``.

    Returns
    -------
    dict of str to str
        Value by name.

    Raises
    ------
    ValueError
        If one has another form, or a name is given twice.
    """
    if texts is None:
        return {}
    asked: dict[str, str] = {}
    for text in texts or [""]:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise ValueError(
                f"--conditions {text}: give NAME=VALUE, NAME=LOW:HIGH or NAME=A,B, "
                "such as length=80:140."
            )
        if name in asked:
            raise ValueError(f"--conditions {text}: {name} is given twice.")
        asked[name] = value
    return asked


def parse_conditions(asked: dict[str, str], conditions) -> dict:
    """Read the values by the kinds of a model's conditions.

    Parameters
    ----------
    asked : dict of str to str
        As `split_conditions` gives it.
    conditions : Conditions
        What the model knows of its streamlines.

    Returns
    -------
    dict
        By name a list of categories, a number, or a range (low, high).

    Raises
    ------
    ValueError
        If a name is unknown, or what should be a number is none.
    """
    parsed = {}
    for name, text in asked.items():
        one = conditions[name]
        if not one.is_categorical:
            parsed[name] = _numbers(name, text)
        elif text in one.categories:
            # The name of a category may hold a comma.
            parsed[name] = [text]
        else:
            parsed[name] = [part.strip() for part in text.split(",")]
    return parsed


def values_to_write(conditions, values: dict) -> dict:
    """Turn conditions into numbers, which a tractogram can hold.

    Parameters
    ----------
    conditions : Conditions
        What a model knows of its streamlines; they give each category a number.
    values : dict of str to ndarray of shape (n,)
        Text or numbers by name.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        Codes of categories, and numbers.
    """
    import numpy as np

    written = {}
    for name, given in values.items():
        if given.dtype.kind == "U":
            categories, codes = np.unique(given, return_inverse=True)
            known = [conditions[name].code(str(text)) for text in categories]
            given = np.array(known, dtype=np.int32)[codes]
        written[name] = given
    return written


def log_codes(conditions) -> None:
    """Say which number stands for which category in ``data_per_streamline``.

    Parameters
    ----------
    conditions : Conditions
        What the model knows of its streamlines, the bundle first.
    """
    for one in conditions.categorical[1:]:
        logger.info(
            'data_per_streamline["%s"]: %s',
            one.name,
            ", ".join(f"{code} is {text}" for code, text in enumerate(one.categories)),
        )


def _numbers(name: str, text: str) -> float | tuple[float, float]:
    try:
        numbers = [float(part) for part in text.split(":")]
        if len(numbers) == 1:
            return numbers[0]
        low, high = numbers
        return low, high
    except ValueError:
        raise ValueError(
            f"--conditions {name}={text}: give a number or a range, LOW:HIGH."
        ) from None
