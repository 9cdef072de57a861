"""Values of streamlines (``data_per_streamline``) that are read and written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
import logging
import os

import numpy as np

from dipy_tractogen.utils.messages import listed

logger = logging.getLogger("dipy_tractogen")

Data = dict[str, np.ndarray]

EXACT_TO = 2**24
"""Up to here float32 holds every whole number, and others to within a half."""


def as_columns(data: Mapping[str, np.ndarray], nb_streamlines: int) -> Data:
    """Return values by name as (n, k); ValueError without a row for each."""
    columns = {}
    for name, values in data.items():
        values = np.asarray(values)
        if values.ndim not in (1, 2) or len(values) != nb_streamlines:
            raise ValueError(
                f"data_per_streamline {name!r} has the shape {values.shape}, and there "
                f"are {nb_streamlines} streamlines: give a row for each"
            )
        columns[str(name)] = values[:, None] if values.ndim == 1 else values
    return columns


def storable_columns(data: Mapping[str, np.ndarray], nb_streamlines: int) -> Data:
    """Return values by name as files hold them: (n, k), up to 64 bits.

    Raises ValueError if there is not a row of numbers or text for each streamline.
    """
    columns = as_columns(data, nb_streamlines)
    for name, values in columns.items():
        if values.dtype.kind not in "biufU" or not values.shape[1]:
            raise ValueError(
                f"data_per_streamline {name!r} has the shape {values.shape} and "
                f"type {values.dtype}: give one number or more for each streamline"
            )
        too_wide = values.dtype.kind == "f" and values.dtype.itemsize > 8
        if values.dtype.kind == "b" or too_wide:
            # The formats have neither bool nor extended precision.
            one = np.uint8 if values.dtype.kind == "b" else np.float64
            columns[name] = values.astype(one)
    return columns


def codes_to_text(data: Data, tables: Mapping[str, Mapping[int, str]]) -> Data:
    """Return values with the text that a code stands for; "" for NaN."""

    def texts(codes, table):
        unique, inverse = np.unique(codes, return_inverse=True)
        texts = ["" if np.isnan(code) else table[int(code)] for code in unique]
        return np.array(texts, dtype=str)[inverse.reshape(codes.shape)]

    return {
        name: texts(values, tables[name]) if name in tables else values
        for name, values in data.items()
    }


def text_to_codes(data: Data, tables: dict[str, dict[int, str]]) -> Data:
    """Return values with float32 codes in place of text; NaN where the text is empty.

    Codes of further names are added to `tables`.
    """

    def codes(texts, table):
        known = {text: code for code, text in table.items()}
        unique, inverse = np.unique(texts, return_inverse=True)
        for text in unique.tolist():
            if text and text not in known:
                known[text] = max(table, default=-1) + 1
                table[known[text]] = text
        numbers = [known.get(text, np.nan) for text in unique.tolist()]
        return np.array(numbers, dtype=np.float32)[inverse.reshape(texts.shape)]

    return {
        name: codes(values, tables.setdefault(name, {}))
        if values.dtype.kind == "U"
        else values
        for name, values in data.items()
    }


def checked_labels(labels: np.ndarray, nb_streamlines: int, nb_names: int):
    """Return labels (n,); ValueError if one is not the index of a name."""
    labels = np.asarray(labels)
    if labels.shape != (nb_streamlines,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels of the shape {labels.shape} and type {labels.dtype} are given "
            f"for {nb_streamlines} streamlines: give one integer for each"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= nb_names):
        raise ValueError(
            f"labels go from {labels.min()} to {labels.max()}, and there are "
            f"{nb_names} bundle names: labels count from 0"
        )
    return labels


def checked_values(name: str, given: np.ndarray, nb_streamlines: int) -> np.ndarray:
    """Return values in the type of their kind; refuse those that are of none."""
    values = np.asarray(given)
    if values.shape != (nb_streamlines,):
        raise ValueError(
            f"values of {name} of the shape {values.shape} are given for "
            f"{nb_streamlines} streamlines: give one for each"
        )
    if values.dtype.kind == "U":
        return values
    if values.dtype.kind == "O" and all(isinstance(value, str) for value in values):
        return values.astype(str)
    if values.dtype.kind not in "iuf":
        raise ValueError(
            f"values of {name} are of the type {values.dtype}: give text for "
            "categories, numbers otherwise"
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(
            f"values of {name} are not finite for {(~np.isfinite(values)).sum()} of "
            f"{nb_streamlines} streamlines: leave those streamlines out"
        )
    return values


def merged_values(sets: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the joined values of sets that have values of the same names."""
    first = sets[0]
    for other in sets[1:]:
        if set(first) != set(other):
            raise ValueError(
                f"one set of streamlines has values of {listed(first)} "
                f"and another of {listed(other)}: load both with the "
                "same names"
            )
        for name in first:
            if first[name].dtype.kind != other[name].dtype.kind:
                raise ValueError(
                    f"values of {name} are categories in one set of streamlines and "
                    "numbers in another: load both as the same"
                )
    return {name: np.concatenate([each[name] for each in sets]) for name in first}


def merged_units(sets: list[dict[str, str]]) -> dict[str, str]:
    """Return the joined units; ValueError if they differ."""
    merged: dict[str, str] = {}
    for units in sets:
        for name, unit in units.items():
            if merged.setdefault(name, unit) != unit:
                raise ValueError(
                    f"values of {name} are in {merged[name]} in one set of streamlines "
                    f"and in {unit} in another: bring them to one unit"
                )
    return merged


def join_columns(
    parts: Sequence[Mapping[str, np.ndarray]], counts: Sequence[int]
) -> Data:
    """Return the values of several sets of streamlines by name, one after the other.

    `parts` have values (n_i, k) and `counts` numbers of streamlines n_i. A set without
    values of a name gets NaN, for which whole numbers become float64, or empty text.
    Values of different widths, or text in some sets only, are left out. A warning names
    both.
    """
    parts = [part for part, count in zip(parts, counts) if count]
    counts = [count for count in counts if count]
    joined, uneven, incomplete = {}, [], []
    for name in dict.fromkeys(name for part in parts for name in part):
        known = [part[name] for part in parts if name in part]
        widths = {values.shape[1] for values in known}
        if len(widths) > 1 or len({values.dtype.kind == "U" for values in known}) > 1:
            uneven.append(name)
            continue
        dtype = np.result_type(*(values.dtype for values in known))
        if len(known) < len(parts):
            incomplete.append(name)
            if dtype.kind not in "fU":
                dtype = np.dtype(np.float64)
        none = "" if dtype.kind == "U" else np.nan
        joined[name] = np.concatenate(
            [
                part[name] if name in part else np.full((count, *widths), none)
                for part, count in zip(parts, counts)
            ],
            dtype=dtype,
        )
    if incomplete:
        logger.warning(
            "Not all of the inputs have the data_per_streamline %s: NaN stands where "
            "there is none",
            listed(incomplete),
        )
    if uneven:
        logger.warning(
            "The data_per_streamline %s of the inputs are left out: some inputs have "
            "more of them for each streamline than others, or names where others have "
            "numbers",
            listed(uneven),
        )
    return joined


def choose_inherited(
    inherited: Mapping[str, np.ndarray],
    own: Collection[str],
    *,
    path: str | os.PathLike,
    room: int | None,
) -> list[str]:
    """Return the names of values of the inputs that a file has room for beside its own.

    Computed values (`own`) replace those of the same name; `room` is the number of
    further names, or None. Warnings say what is replaced or left out.
    """
    replaced = [name for name in inherited if name in own]
    others = [name for name in inherited if name not in own]
    chosen = others[:room]
    unfit = others[len(chosen) :]
    if replaced:
        logger.warning(
            "%s: the data_per_streamline %s of the inputs are replaced by new values "
            "of the same name: rename those to keep them",
            path,
            listed(replaced),
        )
    if unfit:
        logger.warning(
            "%s: the data_per_streamline %s of the inputs are left out: they are too "
            "many for this format: write a .trx to keep them",
            path,
            listed(unfit),
        )
    return chosen


def warn_of_left_out(parts: Sequence[Mapping[str, Sequence[str]]]) -> None:
    """Warn of what files hold that is not written: names by kind, in each file."""
    names = {
        kind: {name for part in parts for name in part.get(kind, ())}
        for kind in dict.fromkeys(kind for part in parts for kind in part)
    }
    say_left_out(names, "only values of streamlines and of points are kept")


def say_left_out(names: Mapping[str, Collection[str]], why: str) -> None:
    """Warn that names, by kind, of what the inputs hold are not written, and why."""
    for kind, each in names.items():
        if each:
            logger.warning(
                "The %s %s of the inputs are left out: %s",
                kind,
                listed(sorted(each)),
                why,
            )


def text_columns(data: dict[str, np.ndarray], own: Collection[str], path) -> dict:
    """Return values of `data_per_streamline` as columns of text, with all digits.

    Columns whose name is one of `own` are left out, with a warning for the file `path`.
    """
    single = {
        name if values.shape[1] == 1 else f"{name}_{number}": column[:, None]
        for name, values in data.items()
        for number, column in enumerate(values.T, start=1)
    }
    names = choose_inherited(single, own, path=path, room=None)
    return {name: single[name][:, 0].astype(str) for name in names}


def rounds_large(values: np.ndarray) -> bool:
    """Return whether float32 rounds a number above `EXACT_TO`."""
    if np.can_cast(values.dtype, np.float32):
        return False
    with np.errstate(invalid="ignore", over="ignore"):
        # Compared in the type of the values: float64 rounds large whole numbers, too.
        changed = values.astype(np.float32).astype(values.dtype) != values
    large = (values > EXACT_TO) | (values < -EXACT_TO)
    return bool((changed & large).any())
