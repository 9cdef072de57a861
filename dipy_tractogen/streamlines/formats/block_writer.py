"""Base class of writers of tractograms block by block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .sidecar import Description


class BlockWriter:
    """A tractogram that is written block by block.

    Constructors take a Path, the Reference, the names of the bundles that labels point
    to, and the type of the points: "float32", or "float16" for a TRX.
    """

    keeps_data = False
    """Whether the format holds values of streamlines."""
    keeps_point_data = False
    keeps_bundles = False
    most_columns: int | None = None
    """Number of values by name that it holds; None without a limit."""
    most_point_data: int | None = None
    keeps_types = False
    keeps_description = False

    def write(
        self,
        points: np.ndarray,
        lengths: np.ndarray,
        labels: np.ndarray | None,
        data: dict[str, np.ndarray],
        of_points: dict[str, np.ndarray],
    ) -> None:
        """Write points (k, 3), lengths (m,), labels (m,) and values by name.

        Values of streamlines are (m, j), those of points (k, j) and float32.
        """
        raise NotImplementedError

    def finish(self, categories: Mapping[str, Mapping[int, str]]) -> Description:
        """Write what follows the last block; return names and codes of the values.

        `categories` are what codes stand for, by the name of the values.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""
        self._file.close()
