"""Bundles of streamlines, as their file names them."""

from __future__ import annotations

from collections.abc import Mapping
import logging
import math
from pathlib import Path

import numpy as np

from dipy_tractogen.utils.messages import format_count, listed

from .conditions import BUNDLE
from .formats.readers import TractogramContents

logger = logging.getLogger("dipy_tractogen")

UNASSIGNED = "unassigned"
"""Name of what is in no bundle, in files that dipy_label_streamlines writes."""


def bundle_labels(
    contents: TractogramContents, bundles_from: str, *, stem: str, path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the bundle of each streamline of a file, (n,), and the names, sorted.

    `bundles_from` is that of `io.load_bundles`, `stem` the name of the file without
    folders and extension. Some names may have no streamline. Raises ValueError if the
    file lacks the requested groups or key, or they make no sense.
    """
    n = len(contents.streamlines)
    if bundles_from == "groups" or (bundles_from == "auto" and contents.groups):
        return _labels_from_groups(contents.groups, n, stem, path)
    key = values_with_bundles(contents, bundles_from)
    if key is None:
        return np.zeros(n, dtype=np.int32), (stem,)
    return _labels_from_values(contents, key, path)


def values_with_bundles(contents: TractogramContents, bundles_from: str) -> str | None:
    """Return the key of ``data_per_streamline`` with the bundles, or None."""
    if bundles_from != "auto":
        return None if bundles_from in ("stem", "groups") else bundles_from
    coded = not contents.groups and BUNDLE in contents.categories
    return BUNDLE if coded else None


def _labels_from_groups(
    groups: dict[str, np.ndarray], n: int, stem: str, path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Label streamlines by TRX group; those in none by the stem of the file."""
    if not groups:
        raise ValueError(
            f"{path} has no groups to name bundles from: only .trx files may have "
            "some; take the names from the files (bundles_from='stem')"
        )
    names = sorted({*groups, stem})
    labels = np.full(n, -1, dtype=np.int32)
    members = np.zeros(n, dtype=np.uint8)
    for name in sorted(groups):
        indices = np.unique(groups[name]).astype(np.int64)
        members[indices] = np.minimum(members[indices] + 1, 2)
        free = indices[labels[indices] < 0]
        labels[free] = names.index(name)
    labels[labels < 0] = names.index(stem)
    if (members > 1).any():
        logger.warning(
            "%s: in several groups: %s; each counts for the first in alphabetical "
            "order",
            path,
            format_count(int((members > 1).sum()), "streamline"),
        )
    return labels, tuple(names)


def _labels_from_values(
    contents: TractogramContents, key: str, path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Label streamlines by the values of a key of ``data_per_streamline``."""
    data = contents.data_per_streamline
    if key not in data:
        has = f"it has {listed(sorted(data))}" if data else "it has none"
        raise ValueError(
            f"{path} has no data_per_streamline {key!r} to name bundles from: {has}; "
            "'auto', 'stem' and 'groups' are accepted too"
        )
    values = column_of(data, key, path)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{path}: data_per_streamline {key!r} cannot name bundles: it holds NaN or "
            "infinite values, and a bundle needs a finite one"
        )
    return categories_of(values, contents.categories.get(key))


def column_of(data: dict[str, np.ndarray], key: str, path: Path) -> np.ndarray:
    """Return values (n,) of a name; ValueError if each is several numbers."""
    values = np.asarray(data[key])
    values = values.reshape(len(values), math.prod(values.shape[1:]))
    if values.shape[1] != 1:
        raise ValueError(
            f"{path}: data_per_streamline {key!r} has {values.shape[1]} numbers a "
            "streamline where one is needed: write them under a name each"
        )
    return values[:, 0]


def categories_of(
    values: np.ndarray, table: Mapping[int, str] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the category of each of the finite numbers (n,), and the names, sorted.

    Names are those of the `table` of codes, or else the numbers as text.
    """
    unique, codes = np.unique(values, return_inverse=True)
    texts = [str(int(v)) if v == int(v) else str(v) for v in unique]
    if table is not None:
        texts = [table[int(v)] for v in unique]
    names = sorted(set(texts))
    codes_of = {name: code for code, name in enumerate(names)}
    order = np.array([codes_of[text] for text in texts], dtype=np.int32)
    return order[codes], tuple(names)
