"""What is different in the bundles of one subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class BundleEffect:
    """Mean and covariance of a subject's bundle.

    Attributes
    ----------
    shift : ndarray of shape (w,)
        Mean of the numbers computed from points, standardised, and of the active
        latents, less what the model expects.
    covariance : ndarray of shape (w, w)
        Their covariance.
    residual : ndarray of shape (nb_points, 3), optional
        Mean of the subject's streamlines less that of their reconstructions, in mm:
        what latents do not tell of where the bundle lies.
    nb_streamlines : int
        Streamlines that the subject was known by; 0 for one that was drawn.
    weight : float
        What these count, from 0 (the model alone) to 1 (the subject alone).
    shift_mm : float or None
        Mean distance between the mean streamlines of subject and model; None for a
        subject that was drawn.
    """

    shift: np.ndarray
    covariance: np.ndarray
    residual: np.ndarray | None = None
    nb_streamlines: int = 0
    weight: float = 1.0
    shift_mm: float | None = None


@dataclass
class SubjectEffect:
    """One subject, known by its streamlines or drawn at random.

    `generate` of a model takes it as ``like``. Streamlines that are generated for the
    same effect belong to the same subject.

    Attributes
    ----------
    bundles : dict of int to BundleEffect
        What is different, by the code of the bundle. Others are as the model has them.
    conditions : dict of str to (str or float)
        Conditions of the subject, such as its age, which are requested by default.
    """

    bundles: Mapping[int, BundleEffect]
    conditions: dict[str, str | float] = field(default_factory=dict)

    def to_dict(self, bundle_names: Sequence[str]) -> dict:
        """Return what the subject was known by, and how far its bundles lie.

        `bundle_names` are those of the model.
        """
        known = ("nb_streamlines", "weight", "shift_mm")
        bundles = {
            bundle_names[bundle]: {name: getattr(one, name) for name in known}
            for bundle, one in self.bundles.items()
        }
        return {"conditions": self.conditions, "bundles": bundles}
