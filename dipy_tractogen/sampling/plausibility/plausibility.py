"""Criteria together, and how many streamlines each of them rejects."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dipy_tractogen.utils.messages import listed

from .criterion import Criterion

# Streamlines that tell whether a criterion rejects too many.
_ENOUGH_TO_TELL = 1000


class Plausibility:
    """Judges streamlines by criteria, and counts.

    Every criterion sees every streamline, so that what it rejects does not depend on
    the others, nor on their order. The counts are of the last generation.

    Parameters
    ----------
    criteria : iterable of Criterion
        A streamline is plausible if all of them accept it.

    Attributes
    ----------
    nb_tried, nb_rejected : int
        Streamlines that were judged, and those of them that any criterion rejected.
    rejections : dict of str to int
        Streamlines that each criterion rejected, by its name.
    shortfall : dict of str to int
        Streamlines that are missing from what was asked for, by the name of the bundle;
        bundles that are complete are not in it.

    Raises
    ------
    ValueError
        If there is no criterion, or two have one name.
    """

    def __init__(self, criteria: Iterable[Criterion]):
        self.criteria = tuple(criteria)
        names = [one.name for one in self.criteria]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f"The criteria are {listed(names)}: give one or more, "
                "each of its own name."
            )
        self.restart()

    def restart(self) -> None:
        """Set all counts to zero, as a generation does when it begins."""
        self.nb_tried = self.nb_rejected = 0
        self.rejections = dict.fromkeys((one.name for one in self.criteria), 0)
        self.shortfall: dict[str, int] = {}

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Return which streamlines are plausible, and count the others.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in RASMM mm.

        Returns
        -------
        ndarray of shape (m,), bool
            Whether each is.
        """
        return self.count(self.judge(points))

    def judge(self, points: np.ndarray) -> np.ndarray:
        """Say what each criterion accepts, without counting; can be called in threads.

        Parameters
        ----------
        points : ndarray of shape (m, nb_points, 3)
            Points in RASMM mm.

        Returns
        -------
        ndarray of shape (nb_criteria, m), bool
            Whether each criterion accepts each streamline.
        """
        return np.stack([one.accepts(points) for one in self.criteria])

    def count(self, accepted: np.ndarray) -> np.ndarray:
        """Count what was judged.

        Parameters
        ----------
        accepted : ndarray of shape (nb_criteria, m), bool
            What `judge` gave.

        Returns
        -------
        ndarray of shape (m,), bool
            Which streamlines are plausible.
        """
        for name, rejected in zip(self.rejections, (~accepted).sum(axis=1)):
            self.rejections[name] += int(rejected)
        plausible = accepted.all(axis=0)
        self.nb_tried += len(plausible)
        self.nb_rejected += int((~plausible).sum())
        return plausible

    def check(self, *, at_end: bool = False) -> None:
        """Give up where a criterion rejects more than it may.

        Parameters
        ----------
        at_end : bool, optional
            Whether no more streamlines are going to be judged, so that few tell enough.

        Raises
        ------
        ValueError
            If one does.
        """
        for one, nb_rejected in zip(self.criteria, self.rejections.values()):
            most = getattr(one, "most", None)
            if most is None or nb_rejected <= most * self.nb_tried:
                continue
            if at_end or not most or self.nb_tried >= _ENOUGH_TO_TELL:
                raise ValueError(one.complaint(nb_rejected, self.nb_tried))

    def miss(self, bundle: str, nb_streamlines: int) -> None:
        """Note that streamlines of a bundle could not be found.

        Parameters
        ----------
        bundle : str
            Name of the bundle.
        nb_streamlines : int
            How many more are missing.
        """
        if nb_streamlines:
            already = self.shortfall.get(bundle, 0)
            self.shortfall[bundle] = already + nb_streamlines

    def describe_rejections(self) -> str:
        """Say how many streamlines were rejected, and why.

        Returns
        -------
        str
            Such as ``Rejected 120 of 5120: winding 80, mask 60``, most frequent reasons
            first. A streamline may be rejected for several.
        """
        said = f"Rejected {self.nb_rejected} of {self.nb_tried}"
        counts = sorted(self.rejections.items(), key=lambda pair: -pair[1])
        reasons = ", ".join(f"{name} {count}" for name, count in counts if count)
        return f"{said}: {reasons}" if reasons else said

    def describe_shortfall(self) -> str:
        """Say how many streamlines are missing, of which bundles and why.

        Returns
        -------
        str
            Such as ``40 streamlines are missing: AF_L 30, CST_R 10. Rejected 960 of
            1000: mask 960``.
        """
        missing = listed(f"{name} {n}" for name, n in self.shortfall.items())
        return (
            f"{sum(self.shortfall.values())} streamlines are missing: {missing}. "
            f"{self.describe_rejections()}"
        )
