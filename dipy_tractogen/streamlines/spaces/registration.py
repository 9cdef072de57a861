"""Registration of streamlines to those of another space, without images."""

from __future__ import annotations

from dataclasses import dataclass

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import check_choice
from dipy_tractogen.utils.progress import Progress

from ..array_sequence import as_sequence, packed
from ..conversion import to_sequence
from ..geometry import lengths, resample
from .pairs import COARSE_TO_FINE_MM, FINE_MM, bring_together, moved, nearest_pairs
from .starts import starts
from .transform import AffineTransform

KINDS = ("rigid", "affine")
"""What a registration may find: six or twelve parameters."""

MATCHED_MM, MATCHED_SHARE = 12.0, 0.15
"""MDF up to which a streamline is matched by the nearest one of the other set, in mm,
and as a share of the length of the shorter one."""

LEAST_MATCHED = 0.3
"""Mean of the matched shares of both sets below which a registration is poor. A subject
of 72 bundles and the 20 of a template had 0.34 and more, a phantom and a brain 0.26."""

SIZES = (0.65, 1.5)
"""Smallest and largest change of size along an axis that two brains need."""

_NB_POINTS = 12
_NB_STREAMLINES = 2000
_NB_ROUGH = 400
_LEAST_STREAMLINES = 20
_NB_BEST = 3
# No brain is as far from the origin (mm).
_FARTHEST_MM = 1e4
# Affine transforms begin near by: from afar they would shrink one set into the other.
_AFFINE_MM = (10.0, 7.0, 5.0)
_MIRROR_MM = (20.0, 10.0, 5.0)
# Width of what counts as overlap, of few streamlines and of many (mm), and how much
# better that of a mirror image has to be: brains are nearly symmetric.
_ROUGH_OVERLAP_MM, _OVERLAP_MM = 8.0, 5.0
_BETTER = 1.2
_ADVICE = (
    "check that they are of the same kind of brain, in mm, and that their file has the "
    "right affine; or give a transform"
)


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
        Mean MDF of the matched moving streamlines to the nearest static one, in mm.
    matched_fraction : dict of str to float
        Share of the ``"moving"`` and of the ``"static"`` streamlines that are matched:
        the nearest one of the other set is within `MATCHED_MM`, and within
        `MATCHED_SHARE` of the length.
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
    total = len(places) + _NB_BEST + 2

    def overlap(matrix):
        return _overlap(*rough, matrix, _ROUGH_OVERLAP_MM)

    with Progress(total, "Registering", show_bar=show_progress) as progress:

        def fitted(sets, matrix, found_kind, distances_mm):
            matrix = bring_together(*sets, matrix, found_kind, distances_mm)
            progress.advance()
            return matrix

        found = [fitted(rough, each, "rigid", COARSE_TO_FINE_MM) for each in places]
        best = sorted(found, key=overlap, reverse=True)[:_NB_BEST]
        found = [fitted(rough, each, kind, _AFFINE_MM) for each in best]
        matrix = fitted(points, max(found, key=overlap), kind, FINE_MM)
        found = _registration(*points, matrix, kind)
        _check_registration(found)
        _check_handedness(points, matrix, kind)
        progress.advance()
    return found


def _choice(streamlines, name: str, rng: np.random.Generator) -> np.ndarray:
    """Return points (n, p, 3) of some streamlines, in mm, in random order."""
    streamlines = to_sequence(streamlines)
    order = rng.permutation(np.flatnonzero(np.asarray(streamlines._lengths) > 1))
    found = np.zeros((0, _NB_POINTS, 3), dtype=np.float32)
    if len(order):
        some = as_sequence(*packed(streamlines[order[: 2 * _NB_STREAMLINES]]))
        found = resample(some, _NB_POINTS)
    found = found[(np.abs(found) < _FARTHEST_MM).all(axis=(1, 2))]
    if len(found) < _LEAST_STREAMLINES:
        raise ValueError(
            f"the {name} set has {len(found)} streamlines of two points or more within "
            f"{_FARTHEST_MM:.0f} mm, and {_LEAST_STREAMLINES} are needed to register "
            "it: give more, or a transform"
        )
    return found[:_NB_STREAMLINES]


def _check_handedness(sets: tuple, matrix: np.ndarray, kind: str) -> None:
    """Raise ValueError where a mirror image of the moving set fits clearly better."""
    there, static = moved(sets[0], matrix), sets[1]
    middle = static.reshape(-1, 3).mean(axis=0)
    rough, images = static[:_NB_ROUGH], []
    for axis in range(3):
        mirrored = there.copy()
        mirrored[..., axis] = 2 * middle[axis] - there[..., axis]
        some = mirrored[:_NB_ROUGH]
        found = bring_together(some, rough, np.eye(4), kind, _MIRROR_MM)
        fit = _overlap(some, rough, found, _ROUGH_OVERLAP_MM)
        images.append((fit, mirrored, found))
    _, mirrored, found = max(images, key=lambda image: image[0])
    found = bring_together(mirrored, static, found, kind, FINE_MM[:2])
    as_given = _overlap(*sets, matrix, _OVERLAP_MM)
    if _overlap(mirrored, static, found, _OVERLAP_MM) > _BETTER * as_given:
        raise ValueError(
            "the mirror image of the streamlines fits those of the space better: an "
            "axis of their file is flipped, such as left and right; correct it, or "
            "give a transform"
        )


def _overlap(
    moving: np.ndarray, static: np.ndarray, matrix: np.ndarray, width: float
) -> float:
    """Return how well two sets fit, from 0 to 2; `width` is in mm."""
    distance = nearest_pairs(moved(moving, matrix), static).distance
    near = np.exp(-((distance / width) ** 2) / 2)
    return float(near[: len(moving)].mean() + near[len(moving) :].mean())


def _registration(
    moving: np.ndarray, static: np.ndarray, matrix: np.ndarray, kind: str
) -> Registration:
    there = moved(moving, matrix)
    pairs = nearest_pairs(there, static)
    others = static[pairs.static]
    others[pairs.reversed] = others[pairs.reversed, ::-1]
    mdf = np.linalg.norm(there[pairs.moving] - others, axis=2).mean(axis=1)
    length = np.minimum(lengths(there)[pairs.moving], lengths(static)[pairs.static])
    matched = mdf <= np.minimum(MATCHED_MM, MATCHED_SHARE * length)
    of_moving = np.arange(len(mdf)) < len(moving)
    counted = of_moving & matched if (of_moving & matched).any() else of_moving
    return Registration(
        AffineTransform(matrix),
        kind,
        float(mdf[counted].mean()),
        {
            "moving": float(matched[of_moving].mean()),
            "static": float(matched[~of_moving].mean()),
        },
    )


def _check_registration(found: Registration) -> None:
    """Raise ValueError where a registration is poor."""
    if np.mean(list(found.matched_fraction.values())) < LEAST_MATCHED:
        raise ValueError(
            f"the streamlines do not fit those of the space ({found.describe()}, and "
            f"{100 * LEAST_MATCHED:.0f} % on average are needed): {_ADVICE}"
        )
    sizes = np.linalg.svd(found.transform.matrix[:3, :3], compute_uv=False)
    if sizes.min() < SIZES[0] or sizes.max() > SIZES[1]:
        raise ValueError(
            f"the streamlines would change their size by {sizes.min():.2f} to "
            f"{sizes.max():.2f} along an axis to fit those of the space: {_ADVICE}"
        )
