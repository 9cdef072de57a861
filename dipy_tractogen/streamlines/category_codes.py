"""Categories of streamlines as numbers, which are all that a tractogram can hold."""

from __future__ import annotations

from collections.abc import Mapping
import logging

import numpy as np

from dipy_tractogen.utils.messages import listed

from .condition import Condition
from .conditions import Conditions, requested_name
from .naming import categories_of

logger = logging.getLogger("dipy_tractogen")

# Up to here single precision holds all whole numbers.
_LARGEST_WHOLE = 2**24


def values_to_numbers(
    conditions: Conditions, values: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return values (n,) of conditions as numbers, for `data_per_streamline`.

    Of categories, given by name or code, these are the codes, or the names where all of
    them are numbers; other numbers are in single precision unless too large for it.
    """
    written = dict(values)
    for one in conditions.continuous:
        for name in (one.name, requested_name(one.name)):
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


def values_from_numbers(
    conditions: Conditions, values: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return values with the names of categories in place of codes.

    Other software keeps the numbers of `values_to_numbers` alone. Values are text or
    numbers (n,), codes are text. Raises ValueError for a code that the model does not
    know.
    """
    read = dict(values)
    for one in conditions.categorical:
        # A category that was trained on from such a file has a number for its name.
        if one.name not in values or _are_numbers(one.categories):
            continue
        texts, inverse = np.unique(values[one.name], return_inverse=True)
        if not set(texts.tolist()) <= set(one.categories):
            names = [_name_of_code(one, str(text)) for text in texts]
            read[one.name] = np.array(names, dtype=str)[inverse]
    return read


def code_tables(conditions: Conditions) -> dict[str, tuple[str, ...]]:
    """Return the names of categories in the order of their codes, by condition.

    Conditions whose categories are written as the numbers in their names are left out.
    """
    return {
        one.name: one.categories
        for one in conditions.categorical
        if not _are_numbers(one.categories)
    }


def log_codes(conditions: Conditions) -> None:
    """Log the codes of all categories but the bundle, which comes first."""
    bundle = conditions.categorical[0].name
    for name, categories in code_tables(conditions).items():
        if name != bundle:
            codes = (f"{code} is {text}" for code, text in enumerate(categories))
            logger.info('data_per_streamline["%s"]: %s', name, listed(codes))


def _are_numbers(categories: tuple[str, ...]) -> bool:
    """Return whether names of categories are numbers that a tractogram gives back."""
    try:
        numbers = np.array(categories, dtype=np.float32)
    except ValueError:
        return False
    return bool(np.isfinite(numbers).all()) and (
        sorted(categories) == list(categories_of(numbers)[1])
    )


def _name_of_code(condition: Condition, text: str) -> str:
    """Return the name of the category that a text is the code or the name of."""
    codes = [str(code) for code in range(len(condition.categories))]
    if text in codes:
        return condition.categories[codes.index(text)]
    return condition.categories[condition.code(text)]
