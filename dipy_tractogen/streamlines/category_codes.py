"""Conditions on a command line, and in the files that are written."""

from __future__ import annotations

import logging
import math

from dipy_tractogen.utils.messages import listed

logger = logging.getLogger("dipy_tractogen")

# Up to here single precision holds all whole numbers.
_LARGEST_WHOLE = 2**24

# Of shares beyond, the smaller one is none of any number of streamlines.
_SMALLEST_SHARE = 1e-9


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
        else:
            parsed[name] = _split(text, one.categories)
    return parsed


def parse_proportions(texts: list[str] | None) -> dict[str, float] | None:
    """Read the proportions in which bundles are asked for.

    Parameters
    ----------
    texts : list of str, optional
        Each ``BUNDLE=SHARE``.

    Returns
    -------
    dict of str to float or None
        Share by the name of the bundle; None where nothing is given.

    Raises
    ------
    ValueError
        If one has another form, or a bundle is given twice.
    """
    if texts is None:
        return None
    shares: dict[str, float] = {}
    for text in texts or [""]:
        # A name may hold the sign itself.
        name, _, number = (part.strip() for part in text.rpartition("="))
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if not (name and _SMALLEST_SHARE <= share <= 1 / _SMALLEST_SHARE):
            raise ValueError(
                f"--proportions {text}: give BUNDLE=SHARE with a positive number, such "
                "as AF_L=2 CST_R=1."
            )
        if name in shares:
            raise ValueError(f"--proportions {text}: {name} is given twice.")
        shares[name] = share
    return shares


def values_to_write(conditions, values: dict) -> dict:
    """Turn conditions into numbers, which a tractogram can hold.

    Parameters
    ----------
    conditions : Conditions
        What a model knows of its streamlines; they give each category a number.
    values : dict of str to ndarray of shape (n,)
        Text or codes of categories, and numbers, by name.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        Numbers: of categories the codes, or what their names say where all of these
        are numbers; others in single precision unless they are too large for it.
    """
    import numpy as np

    from dipy_tractogen.streamlines.conditions import asked_name

    written = dict(values)
    for one in conditions.continuous:
        for name in (one.name, asked_name(one.name)):
            if name in values and max(-one.low, one.high) <= _LARGEST_WHOLE:
                written[name] = np.asarray(values[name], dtype=np.float32)
    for one in conditions.categorical:
        if one.name not in values:
            continue
        codes = values[one.name]
        if codes.dtype.kind == "U":
            categories, inverse = np.unique(codes, return_inverse=True)
            known = [one.code(str(text)) for text in categories]
            codes = np.array(known, dtype=np.int32)[inverse]
        if _are_numbers(one.categories):
            codes = np.array(one.categories, dtype=np.float32)[codes]
        written[one.name] = codes
    return written


def tables_of_codes(conditions) -> dict[str, tuple[str, ...]]:
    """Say what the codes of `values_to_write` stand for.

    Parameters
    ----------
    conditions : Conditions
        What a model knows of its streamlines.

    Returns
    -------
    dict of str to tuple of str
        Names of the categories in the order of their codes, by the name of the
        condition, but for those that are written as the numbers in their names.
    """
    return {
        one.name: one.categories
        for one in conditions.categorical
        if not _are_numbers(one.categories)
    }


def values_that_were_written(conditions, values: dict) -> dict:
    """Turn codes of categories back where a tractogram has lost what they stand for.

    Other software keeps the numbers of `values_to_write` alone.

    Parameters
    ----------
    conditions : Conditions
        What a model knows of its streamlines.
    values : dict of str to ndarray of shape (n,)
        Text or numbers by name; of ``data_per_streamline`` the text of a number.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        Names of categories, and numbers.

    Raises
    ------
    ValueError
        If a category has a code that the model does not know.
    """
    import numpy as np

    read = dict(values)
    for one in conditions.categorical:
        # A category that was trained on from such a file has a number for its name.
        if one.name not in values or _are_numbers(one.categories):
            continue
        texts, inverse = np.unique(values[one.name], return_inverse=True)
        if not set(texts.tolist()) <= set(one.categories):
            names = [_of_code(one, str(text)) for text in texts]
            read[one.name] = np.array(names, dtype=str)[inverse]
    return read


def log_codes(conditions) -> None:
    """Say which number stands for which category in ``data_per_streamline``.

    Parameters
    ----------
    conditions : Conditions
        What the model knows of its streamlines, the bundle first.
    """
    bundle = conditions.categorical[0].name
    for name, categories in tables_of_codes(conditions).items():
        if name != bundle:
            codes = (f"{code} is {text}" for code, text in enumerate(categories))
            logger.info('data_per_streamline["%s"]: %s', name, listed(codes))


def _are_numbers(categories: tuple[str, ...]) -> bool:
    """Whether categories are named as numbers of a tractogram, which give them back."""
    import numpy as np

    from dipy_tractogen.streamlines.naming import categories_of

    try:
        numbers = np.array(categories, dtype=np.float32)
    except ValueError:
        return False
    return bool(np.isfinite(numbers).all()) and (
        sorted(categories) == list(categories_of(numbers)[1])
    )


def _split(text: str, categories: tuple[str, ...]) -> list[str]:
    """Split a text at the commas that are not in the name of a category."""
    parts = text.split(",")
    names = []
    while parts:
        # The longest name that there is, or else what comes before the first comma.
        for end in range(len(parts), 0, -1):
            name = ",".join(parts[:end]).strip()
            if name in categories or end == 1:
                break
        names.append(name)
        parts = parts[end:]
    return names


def _of_code(condition, text: str) -> str:
    """Name of the category whose code a text is, or the name that it is."""
    codes = [str(code) for code in range(len(condition.categories))]
    if text in codes:
        return condition.categories[codes.index(text)]
    return condition.categories[condition.code(text)]


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
