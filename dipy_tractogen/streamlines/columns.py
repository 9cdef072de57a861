"""Values of each streamline (``data_per_streamline``) that go with the streamlines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
import logging
import os

import numpy as np

from .messages import listed

logger = logging.getLogger("dipy_tractogen")

Data = dict[str, np.ndarray]


def as_columns(data: Mapping[str, np.ndarray], nb_streamlines: int) -> Data:
    """Return values with a row for each streamline.

    Parameters
    ----------
    data : mapping of str to ndarray of shape (n,) or (n, k)
        Values of each streamline, by name.
    nb_streamlines : int
        Number n of streamlines.

    Returns
    -------
    dict of str to ndarray of shape (n, k)
        The same values, of the same types.

    Raises
    ------
    ValueError
        If there is not one row for each streamline.
    """
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


def written_columns(data: Mapping[str, np.ndarray], nb_streamlines: int) -> Data:
    """Return values in the shape and a type that files have.

    Parameters
    ----------
    data : mapping of str to ndarray of shape (n,) or (n, k)
        Values of each streamline, by name.
    nb_streamlines : int
        Number n of streamlines.

    Returns
    -------
    dict of str to ndarray of shape (n, k)
        The same values, as integers or floating-point numbers of 64 bits at most.

    Raises
    ------
    ValueError
        If there is not a row of numbers for each streamline.
    """
    columns = as_columns(data, nb_streamlines)
    for name, values in columns.items():
        if values.dtype.kind not in "biuf" or not values.shape[1]:
            raise ValueError(
                f"data_per_streamline {name!r} has the shape {values.shape} and "
                f"type {values.dtype}: give one number or more for each streamline"
            )
        if values.dtype.kind == "b" or values.dtype.itemsize > 8:
            # The formats have neither truth values nor extended precision.
            one = np.uint8 if values.dtype.kind == "b" else np.float64
            columns[name] = values.astype(one)
    return columns


def checked_labels(labels: np.ndarray, nb_streamlines: int, nb_names: int):
    """Return labels; refuse those that are not one bundle for each streamline.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Bundle of each streamline, counted from 0.
    nb_streamlines : int
        Number n of streamlines.
    nb_names : int
        Number of bundles.

    Returns
    -------
    ndarray of int, shape (n,)
        The labels.

    Raises
    ------
    ValueError
        If they are of another shape or type, or a bundle is not there.
    """
    labels = np.asarray(labels)
    if labels.shape != (nb_streamlines,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels of the shape {labels.shape} and type {labels.dtype} are given "
            f"for {nb_streamlines} streamlines: give one integer for each"
        )
    if labels.min() < 0 or labels.max() >= nb_names:
        raise ValueError(
            f"labels go from {labels.min()} to {labels.max()}, and there are "
            f"{nb_names} bundle names: labels count from 0"
        )
    return labels


def join_columns(
    parts: Sequence[Mapping[str, np.ndarray]], counts: Sequence[int]
) -> Data:
    """Join the values of several sets of streamlines.

    A set that has no values of a name gets NaN, and whole numbers become float64 for
    it. Values of a name whose width is not the same everywhere are left out. A warning
    names both.

    Parameters
    ----------
    parts : sequence of mapping of str to ndarray of shape (n_i, k)
        Values of each set.
    counts : sequence of int
        Number n_i of streamlines of each. Sets without any do not count.

    Returns
    -------
    dict of str to ndarray of shape (n, k)
        The values of all, one set after the other, of a type that holds them all.
    """
    parts = [part for part, count in zip(parts, counts) if count]
    counts = [count for count in counts if count]
    joined, uneven, incomplete = {}, [], []
    for name in dict.fromkeys(name for part in parts for name in part):
        known = [part[name] for part in parts if name in part]
        widths = {values.shape[1] for values in known}
        if len(widths) > 1:
            uneven.append(name)
            continue
        dtype = np.result_type(*(values.dtype for values in known))
        if len(known) < len(parts):
            incomplete.append(name)
            if dtype.kind != "f":
                dtype = np.dtype(np.float64)
        joined[name] = np.concatenate(
            [
                part[name].astype(dtype)
                if name in part
                else np.full((count, *widths), np.nan, dtype)
                for part, count in zip(parts, counts)
            ]
        )
    if incomplete:
        logger.warning(
            "Not all of the inputs have the data_per_streamline %s: NaN stands where "
            "there is none",
            listed(incomplete),
        )
    if uneven:
        logger.warning(
            "The data_per_streamline %s of the inputs are left out: the inputs have "
            "different numbers of them for each streamline",
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
    """Choose the values of the inputs that a file has room for beside its own.

    Parameters
    ----------
    inherited : mapping of str to ndarray of shape (m, k)
        Values of the inputs.
    own : collection of str
        Names of those that are computed, which take the place of the same names.
    path : str or Path
        The file, for the warnings that say what is left out.
    room : int or None
        Number of names that fit beside the own ones; None where there is no limit.

    Returns
    -------
    list of str
        Names of those that are written.
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
    """Say what files hold that is not written again.

    Parameters
    ----------
    parts : sequence of mapping of str to sequence of str
        For each file names, by what they are names of, such as ``"data_per_point"``.
    """
    for kind in dict.fromkeys(kind for part in parts for kind in part):
        names = sorted({name for part in parts for name in part.get(kind, ())})
        if names:
            logger.warning(
                "The %s %s of the inputs are left out: only values of streamlines are "
                "kept",
                kind,
                listed(names),
            )
