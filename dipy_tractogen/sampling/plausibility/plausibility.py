"""Criteria of plausible streamlines, together, with counts of what each rejects."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Protocol

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.spaces.moved import moved_streamlines
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.utils.messages import format_count, listed
from dipy_tractogen.utils.moved import RenamedAttribute

# Points of a streamline that criteria are given of those of any number.
_NB_POINTS = 256
# Streamlines to try before a share of rejections is taken for that of all.
_ENOUGH_TRIED = 1000


class Criterion(Protocol):
    """A reason to reject streamlines.

    Attributes
    ----------
    name : str
        One word, under which rejections are counted.

    Notes
    -----
    A criterion may have ``most``, the largest share of streamlines that it may reject,
    and ``complaint(nb_rejected, nb_tried)``, which returns the message of the error
    where it rejects more. With ``every_point`` it is given streamlines of different
    numbers of points as they are, an ArraySequence; with ``in_training_space`` those
    in the space of the training, whatever space they are generated for.
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


class Plausibility:
    """Apply criteria to streamlines, and count rejections.

    Every criterion is applied to every streamline, so that its count does not depend
    on the others. The counts are of the last generation.

    Parameters
    ----------
    criteria : iterable of Criterion
        A streamline is plausible if all of them accept it.
    transform : Transform, optional
        From the space of the criteria to that of the training, where they are two:
        streamlines are given in the latter.

    Attributes
    ----------
    nb_tried, nb_rejected : int
        Number of streamlines so far, and of those that any criterion rejected.
    rejections : dict of str to int
        Number of streamlines that each criterion rejected, by its name.
    shortfall : dict of str to int
        Number of streamlines that could not be generated, by the name of the bundle;
        complete bundles are left out.

    Raises
    ------
    ValueError
        If there is no criterion, or two have one name.
    """

    def __init__(
        self, criteria: Iterable[Criterion], *, transform: Transform | None = None
    ):
        self.criteria = tuple(criteria)
        self._back = None if transform is None else transform.inverse()
        names = [one.name for one in self.criteria]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f"The criteria are {listed(names)}: give one or more, "
                "each of its own name."
            )
        self.reset()

    def reset(self) -> None:
        """Set all counts to zero; a generation begins with this."""
        self.nb_tried = self.nb_rejected = 0
        self.rejections = dict.fromkeys((one.name for one in self.criteria), 0)
        self.shortfall: dict[str, int] = {}

    def accepts(self, points: np.ndarray | ArraySequence) -> np.ndarray:
        """Return which streamlines (m,) are plausible, and count them."""
        return self.count(self.evaluate(points))

    def evaluate(self, points: np.ndarray | ArraySequence) -> np.ndarray:
        """Return what each criterion accepts, (nb_criteria, m), without counting.

        Streamlines of different numbers of points are resampled, but for criteria of
        every point. Several threads may call this at once.
        """

        @cache
        def given(moved: bool, every_point: bool) -> np.ndarray | ArraySequence:
            if every_point:
                return moved_streamlines(points, self._back) if moved else points
            found = given(moved, True)
            if isinstance(found, ArraySequence):
                return resample(found, _NB_POINTS)
            return found

        def read_by(one: Criterion) -> np.ndarray | ArraySequence:
            stays = self._back is None or getattr(one, "in_training_space", False)
            return given(not stays, getattr(one, "every_point", False))

        return np.stack([one.accepts(read_by(one)) for one in self.criteria])

    def count(self, accepted: np.ndarray) -> np.ndarray:
        """Count the results of `evaluate`; return which streamlines are plausible."""
        for name, rejected in zip(self.rejections, (~accepted).sum(axis=1)):
            self.rejections[name] += int(rejected)
        plausible = accepted.all(axis=0)
        self.nb_tried += len(plausible)
        self.nb_rejected += int((~plausible).sum())
        return plausible

    def check(self, *, at_end: bool = False) -> None:
        """Validate that no criterion rejects more than its largest share.

        Parameters
        ----------
        at_end : bool, optional
            Whether no more streamlines follow, so that few are enough to decide.

        Raises
        ------
        ValueError
            If one does.
        """
        for one, nb_rejected in zip(self.criteria, self.rejections.values()):
            most = getattr(one, "most", None)
            if most is None or nb_rejected <= most * self.nb_tried:
                continue
            if at_end or not most or self.nb_tried >= _ENOUGH_TRIED:
                raise ValueError(one.complaint(nb_rejected, self.nb_tried))

    def add_shortfall(self, bundle: str, nb_streamlines: int) -> None:
        """Count streamlines of a bundle that could not be generated."""
        self.shortfall[bundle] = self.shortfall.get(bundle, 0) + nb_streamlines

    def to_dict(self) -> dict:
        """Return the counts as plain values, for the record of a generation."""
        return {
            "tried": self.nb_tried,
            "rejected_in_all": self.nb_rejected,
            "rejected": self.rejections,
            "missing": self.shortfall,
        }

    def describe_rejections(self) -> str:
        """Describe how many streamlines were rejected, and by which criteria.

        Returns
        -------
        str
            Such as ``Rejected 120 of 5120: winding 80, mask 60``, most frequent reasons
            first. A streamline may be rejected for several.
        """
        text = f"Rejected {self.nb_rejected} of {self.nb_tried}"
        counts = sorted(self.rejections.items(), key=lambda pair: -pair[1])
        reasons = ", ".join(f"{name} {count}" for name, count in counts if count)
        return f"{text}: {reasons}" if reasons else text

    def describe_shortfall(self) -> str:
        """Describe how many streamlines are missing, of which bundles and why.

        Returns
        -------
        str
            Such as ``40 streamlines are missing: AF_L 30, CST_R 10. Rejected 960 of
            1000: mask 960``.
        """
        missing = listed(f"{name} {n}" for name, n in self.shortfall.items())
        nb_missing = sum(self.shortfall.values())
        verb = "is" if nb_missing == 1 else "are"
        return (
            f"{format_count(nb_missing, 'streamline')} {verb} missing: {missing}. "
            f"{self.describe_rejections()}"
        )

    restart = RenamedAttribute("reset")
    judge = RenamedAttribute("evaluate")
    miss = RenamedAttribute("add_shortfall")
