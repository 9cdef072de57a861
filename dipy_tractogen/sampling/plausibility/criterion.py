"""What every criterion of plausibility offers."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Criterion(Protocol):
    """A reason to reject streamlines.

    Attributes
    ----------
    name : str
        One word, under which rejections are counted.

    Notes
    -----
    A criterion may have ``most``, the largest share of streamlines that it may reject,
    and ``complaint(nb_rejected, nb_tried)``, the text of the error where it rejects
    more.
    """

    name: str

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines are plausible.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in RASMM mm.

        Returns
        -------
        ndarray of shape (m,), bool
            Whether each is.
        """
