"""Choice of the streamlines that can be used, and counts of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
import logging

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.utils.messages import check_choice, format_count
from dipy_tractogen.utils.parameters import BOX_RULES

from .array_sequence import blocks, streamlines_of
from .conversion import to_sequence
from .geometry import arc_lengths
from .reference import Reference

logger = logging.getLogger("dipy_tractogen")

NON_FINITE = "non-finite points"
ONE_POINT = "one point"
ZERO_LENGTH = "zero length"
OUT_OF_BOUNDS = "out of the bounding box"


@dataclass(frozen=True)
class ScreeningReport:
    """What was found among streamlines, and what became of it.

    A streamline counts once, for the first reason that holds: non-finite points, one
    point (or none), zero length, shorter than requested, without a value that is
    needed, out of the bounding box. Only reasons that occurred are there; `noted`
    counts streamlines that were kept in spite of the reason.
    """

    total: int
    kept: int
    dropped: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Streamlines by reason, dropped and kept together."""
        return _added(self.dropped, self.noted)

    def to_dict(self) -> dict:
        """Return the counts as plain values: total, kept, dropped and noted."""
        return asdict(self)

    def __add__(self, other: ScreeningReport) -> ScreeningReport:
        """Join the reports of two sets of streamlines."""
        return ScreeningReport(
            self.total + other.total,
            self.kept + other.kept,
            _added(self.dropped, other.dropped),
            _added(self.noted, other.noted),
        )

    def summary(self) -> str:
        """Return a line such as "kept 97 of 100 streamlines; dropped: 3 one point"."""
        line = f"kept {self.kept:,} of {format_count(self.total, 'streamline')}"
        if self.dropped:
            line += f"; dropped: {_listed(self.dropped)}"
        if self.noted:
            line += f"; kept although: {_listed(self.noted)}"
        return line


def screen(
    streamlines: ArraySequence | np.ndarray,
    *,
    reference: Reference | None = None,
    min_length: float = 0.0,
    out_of_bounds: str = "drop",
    invalid: str = "drop",
    lacking: Mapping[str, np.ndarray] | None = None,
) -> tuple[np.ndarray, ScreeningReport]:
    """Return which streamlines (n,) can be used, and the counts of others by reason.

    Options are those of `io.load_bundles`; `lacking` marks streamlines (n,) of which
    something is not known, by reason. Nothing is out of bounds without a `reference`
    that has a box. Raises ValueError for an unknown option, or for streamlines that
    are an error by the options.
    """
    check_options(invalid=invalid, out_of_bounds=out_of_bounds, min_length=min_length)
    streamlines = to_sequence(streamlines)
    reference = None if reference is None else Reference.of(reference)
    found = _find_invalid(streamlines)
    if invalid == "error" and found:
        _raise_error(found, len(streamlines), "drop them (invalid='drop')")
    usable = ~_any(found, len(streamlines))
    dropped = dict(found)

    if min_length > 0:
        short = usable & (_lengths(streamlines) < min_length)
        dropped[f"shorter than {min_length:g} mm"] = short
        usable &= ~short
    for reason, mark in (lacking or {}).items():
        dropped[reason] = usable & mark
        usable &= ~mark
    noted = {}
    if reference is not None and not reference.is_placeholder:
        outside = usable & ~reference.contains(streamlines)
        if out_of_bounds == "error" and outside.any():
            _raise_error(
                {OUT_OF_BOUNDS: outside},
                len(streamlines),
                "drop them (out_of_bounds='drop'), keep them (out_of_bounds='keep'), "
                "or give the reference of their own space (reference='FILE')",
            )
        (noted if out_of_bounds == "keep" else dropped)[OUT_OF_BOUNDS] = outside
    keep = ~_any(dropped, len(streamlines))
    report = ScreeningReport(
        len(streamlines), int(keep.sum()), _counted(dropped), _counted(noted)
    )
    return keep, report


def check_options(
    *, invalid: str, out_of_bounds: str, min_length: float, unassigned: str = "keep"
) -> None:
    """Raise ValueError for options of `io.load_bundles` that are not accepted."""
    for name, value, accepted in (
        ("invalid", invalid, ("drop", "error")),
        ("out_of_bounds", out_of_bounds, BOX_RULES),
        ("unassigned", unassigned, ("drop", "keep")),
    ):
        check_choice(name, value, accepted)
    if not (np.isfinite(min_length) and min_length >= 0):
        raise ValueError(
            f"min_length={min_length} mm is not a length: give 0 or a positive number"
        )


def _find_invalid(streamlines: ArraySequence) -> dict[str, np.ndarray]:
    """Return marks of streamlines that no model can use, by reason."""
    n = len(streamlines)
    non_finite = np.zeros(n, dtype=bool)
    for rows, points, nb_points in blocks(streamlines):
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        non_finite[rows.start + streamlines_of(bad, nb_points)] = True
    lengths = _lengths(streamlines)
    # The length of very large coordinates overflows.
    non_finite |= ~np.isfinite(lengths)
    single = ~non_finite & (np.asarray(streamlines._lengths) < 2)
    still = ~non_finite & ~single & (lengths == 0)
    marks = {NON_FINITE: non_finite, ONE_POINT: single, ZERO_LENGTH: still}
    return {reason: mark for reason, mark in marks.items() if mark.any()}


def _lengths(streamlines: ArraySequence) -> np.ndarray:
    """Return the arc length of each streamline (mm), whatever its points are."""
    with np.errstate(all="ignore"):
        return arc_lengths(streamlines)


def _raise_error(found: dict[str, np.ndarray], total: int, mend: str) -> None:
    """Raise for streamlines that are an error by the options."""
    raise ValueError(
        f"of {format_count(total, 'streamline')}: {_listed(_counted(found))}; mend the "
        f"file, or {mend}"
    )


def _any(marks: dict[str, np.ndarray], n: int) -> np.ndarray:
    """Return where at least one of the marks is set."""
    return np.logical_or.reduce([np.zeros(n, dtype=bool), *marks.values()])


def _counted(marks: dict[str, np.ndarray]) -> dict[str, int]:
    """Return counts of marks by reason, those above zero."""
    return {reason: int(mark.sum()) for reason, mark in marks.items() if mark.any()}


def _listed(counts: dict[str, int]) -> str:
    """Return counts as text."""
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _added(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """Return the sums of counts by reason."""
    return dict(Counter(first) + Counter(second))


def kept_in_box(
    points: np.ndarray, reference: Reference, rule: str, what: str
) -> np.ndarray:
    """Return which groups of computed streamlines (n,) are in the box of a grid.

    Points (n, k, nb_points, 3) in mm are n groups of k streamlines that are written
    together; a placeholder has no box. `rule` is "drop", with a warning, "keep" or
    "error"; `what` is the name of the groups in the plural. Raises ValueError if a
    group leaves the box where that is an error, or if all do.
    """
    n, k = points.shape[:2]
    if rule == "keep" or reference.is_placeholder:
        return np.ones(n, dtype=bool)
    inside = reference.contains(points.reshape(n * k, *points.shape[2:]))
    kept = inside.reshape(n, k).all(axis=1)
    nb_outside = n - int(kept.sum())
    verb = "leaves" if nb_outside == 1 else "leave"
    said = f"{nb_outside} of {n} {what} {verb} the bounding box of the grid"
    if nb_outside and (rule == "error" or nb_outside == n):
        raise ValueError(
            f"{said}: give the grid of a larger image (reference='FILE'), or keep them "
            "with outside_box='keep'."
        )
    if nb_outside:
        logger.warning("%s: left out", said)
    return kept
