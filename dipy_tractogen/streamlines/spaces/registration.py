"""Registration of streamlines to those of another space, without images."""

from __future__ import annotations

from dataclasses import dataclass

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import check_choice
from dipy_tractogen.utils.progress import Progress

from ..array_sequence import as_sequence, packed
from ..conversion import to_sequence
from ..geometry import resample
from .pairs import COARSE_TO_FINE_MM, FINE_MM, bring_together, moved, nearest_pairs
from .starts import starts
from .transform import AffineTransform

KINDS = ("rigid", "affine")
"""What a registration may find: six or twelve parameters."""

MATCHED_MM = 8.0
"""Distance to the nearest streamline of the other set up to which one is matched."""

LEAST_MATCHED = 0.5
"""Share of the moving or of the static streamlines that has to be matched."""

_NB_POINTS = 12
_NB_STREAMLINES = 2000
_NB_ROUGH = 400
_LEAST_STREAMLINES = 20
_NB_BEST = 3


@dataclass(frozen=True, eq=False)
class Registration:
    """What a registration found.

    Attributes
    ----------
    transform : AffineTransform
        From the moving to the static space.
    kind : str
        ``"rigid"`` or ``"affine"``.
    residual_mm : float
        Mean distance of the matched moving streamlines to the nearest static one, as
        the root of the mean squared distance of their points, in mm.
    matched_fraction : dict of str to float
        Share of the ``"moving"`` and of the ``"static"`` streamlines that have one of
        the other set within `MATCHED_MM`.
    """

    transform: AffineTransform
    kind: str
    residual_mm: float
    matched_fraction: dict[str, float]

    def describe(self) -> str:
        """Return one line about the kind, the residual and what was matched."""
        moving, static = (
            f"{100 * self.matched_fraction[name]:.0f} %"
            for name in ("moving", "static")
        )
        return (
            f"{self.kind} registration: residual {self.residual_mm:.1f} mm, {moving} "
            f"of the moving and {static} of the static streamlines matched"
        )

    def to_dict(self) -> dict:
        """Return all of it as plain values."""
        return {
            "kind": self.kind,
            "residual_mm": self.residual_mm,
            "matched_fraction": dict(self.matched_fraction),
            "transform": self.transform.to_dict(),
        }


def register_streamlines(
    moving: ArraySequence,
    static: ArraySequence,
    *,
    kind: str = "affine",
    seed: int = 0,
    show_progress: bool = False,
) -> Registration:
    """Register streamlines to those of another space.

    Either set may lack bundles of the other. An even choice of each is registered.

    Parameters
    ----------
    moving : ArraySequence or ndarray of shape (n, nb_points, 3)
        The streamlines to move, such as those of a subject (RASMM, mm).
    static : ArraySequence or ndarray of shape (m, nb_points, 3)
        Streamlines of the other space, such as those that a model generates (mm).
    kind : str, optional
        ``"rigid"`` or ``"affine"``.
    seed : int, optional
        Seed of the choice of streamlines.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    Registration
        The transform and how well it fits.

    Raises
    ------
    ValueError
        If the sets do not fit together, or there are fewer than 20 streamlines of two
        points in one of them.
    """
    check_choice("kind", kind, KINDS)
    rng = np.random.default_rng(seed)
    points = _choice(moving, "moving", rng), _choice(static, "static", rng)
    rough = tuple(each[:_NB_ROUGH] for each in points)
    places = starts(*points, seed)
    total = len(places) + _NB_BEST + 1
    with Progress(total, "Registering", show_bar=show_progress) as progress:
        rigid = []
        for place in places:
            rigid.append(bring_together(*rough, place, "rigid", COARSE_TO_FINE_MM))
            progress.advance()
        best = sorted(rigid, key=lambda each: -_overlap(*rough, each))[:_NB_BEST]
        found = []
        for each in best:
            found.append(bring_together(*rough, each, kind, COARSE_TO_FINE_MM))
            progress.advance()
        matrix = max(found, key=lambda each: _overlap(*rough, each))
        matrix = bring_together(*points, matrix, kind, FINE_MM)
    return _checked(_registration(*points, matrix, kind))


def _choice(streamlines, name: str, rng: np.random.Generator) -> np.ndarray:
    """Return points (n, p, 3) of some streamlines, in mm, in random order."""
    streamlines = to_sequence(streamlines)
    order = rng.permutation(np.flatnonzero(np.asarray(streamlines._lengths) > 1))
    points, lengths = packed(streamlines[order[: 2 * _NB_STREAMLINES]])
    if len(lengths) < _LEAST_STREAMLINES:
        raise ValueError(
            f"the {name} set has {len(lengths)} streamlines of two points or more, and "
            f"{_LEAST_STREAMLINES} are needed to register it: give more, or a transform"
        )
    found = resample(as_sequence(points, lengths), _NB_POINTS)
    found = found[np.isfinite(found).all(axis=(1, 2))]
    return found[:_NB_STREAMLINES]


def _overlap(moving: np.ndarray, static: np.ndarray, matrix: np.ndarray) -> float:
    """Return how well two sets fit, from 0 to 2."""
    distance = nearest_pairs(moved(moving, matrix), static).distance
    near = np.exp(-((distance / MATCHED_MM) ** 2) / 2)
    return float(near[: len(moving)].mean() + near[len(moving) :].mean())


def _registration(
    moving: np.ndarray, static: np.ndarray, matrix: np.ndarray, kind: str
) -> Registration:
    distance = nearest_pairs(moved(moving, matrix), static).distance
    near = distance <= MATCHED_MM
    of_moving = near[: len(moving)]
    matched = distance[: len(moving)][of_moving]
    return Registration(
        AffineTransform(matrix),
        kind,
        float(matched.mean()) if len(matched) else float(distance.mean()),
        {
            "moving": float(of_moving.mean()),
            "static": float(near[len(moving) :].mean()),
        },
    )


def _checked(found: Registration) -> Registration:
    """Return a registration; ValueError where it is poor."""
    if max(found.matched_fraction.values()) < LEAST_MATCHED:
        raise ValueError(
            f"the streamlines do not fit those of the space: {found.describe()}. Check "
            "that they are of the same kind of brain, in mm, or give a transform"
        )
    return found
