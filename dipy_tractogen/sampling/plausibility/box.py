"""Plausible by lying in the box of a grid."""

from __future__ import annotations

import numpy as np

from dipy_tractogen.streamlines.reference import Reference


class InsideBox:
    """Accepts streamlines that lie in the bounding box of a grid with all their points.

    Other software refuses a file that holds others. Where hardly any lies inside, the
    grid is not that of the streamlines, and a generation ends.

    Parameters
    ----------
    reference : Reference
        The grid.
    margin_mm : float, optional
        Distance that points keep from the border of the box in mm, so that a rounding
        does not take them out of it.
    most : float, optional
        Largest share of streamlines that may be rejected; of none with 0.
    """

    name = "box"

    def __init__(self, reference: Reference, *, margin_mm: float = 1e-3, most=0.9):
        self.reference, self.margin_mm, self.most = reference, margin_mm, most

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines lie in the box; see `Criterion.accepts`."""
        return self.reference.contains(points, margin_mm=self.margin_mm)

    def complaint(self, nb_rejected: int, nb_tried: int) -> str:
        """Say that too many are rejected, and what to do.

        Parameters
        ----------
        nb_rejected, nb_tried : int
            Streamlines that were rejected, and that were judged.

        Returns
        -------
        str
            A line.
        """
        return (
            f"{nb_rejected} of the first {nb_tried} generated streamlines leave the "
            "bounding box of the grid, and other software refuses such a file; give an "
            "image or a tractogram in the space of the training (reference='FILE'), or "
            "keep them (outside_box='keep')"
        )
