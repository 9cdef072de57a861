"""How near reconstructed streamlines are to the original ones."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.dataset import BundleSet

from .content import (
    OVERALL,
    Cell,
    Column,
    Table,
    count_cell,
    number_cell,
    text_cell,
)


def reconstruction_table(reconstructed: BundleSet) -> Table:
    """Return the point errors of reconstructed streamlines.

    Parameters
    ----------
    reconstructed : BundleSet
        With ``error_mm`` among its values.

    Returns
    -------
    Table
        A row a bundle.
    """
    columns = [
        Column("bundle", numeric=False),
        Column("streamlines"),
        Column("mean (mm)", meaning="mean of the point errors of its streamlines"),
        Column("95th percentile (mm)"),
        Column("largest (mm)"),
    ]
    errors, labels = reconstructed.values["error_mm"], reconstructed.labels
    rows = [
        _error_row(name, errors[labels == label])
        for label, name in enumerate(reconstructed.bundle_names)
        if (labels == label).any()
    ]
    title = "Point error of the reconstruction"
    return Table("reconstruction", title, columns, rows, _error_row(OVERALL, errors))


def _error_row(name: str, errors: np.ndarray) -> list[Cell]:
    figures = (errors.mean(), np.percentile(errors, 95), errors.max())
    cells = (number_cell(float(each), 2) for each in figures)
    return [text_cell(name), count_cell(len(errors)), *cells]
