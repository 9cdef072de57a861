"""Which trials of a search are worth having."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(rows: Sequence[dict], smaller: str, larger: str) -> list[bool]:
    """Find the trials than which none is better in both of two measures.

    Parameters
    ----------
    rows : sequence of dict
        Measures of the trials.
    smaller : str
        Measure that is to be small.
    larger : str
        Measure that is to be large.

    Returns
    -------
    list of bool
        Whether each trial is on the front.
    """

    def beats(one: dict, other: dict) -> bool:
        no_worse = one[smaller] <= other[smaller] and one[larger] >= other[larger]
        better = one[smaller] < other[smaller] or one[larger] > other[larger]
        return no_worse and better

    return [not any(beats(one, row) for one in rows) for row in rows]


def recommend(rows: Sequence[dict], tolerance_mm: float) -> int | None:
    """Choose a trial: reconstruction first.

    The errors of trials that are no more than a tolerance above the smallest one count
    as equal. Of these the trial of the best quality is taken, and of several such that
    with the smallest error.

    Parameters
    ----------
    rows : sequence of dict
        Measures of the trials, ``point_error_mm`` and ``quality`` among them.
    tolerance_mm : float
        Difference of point errors that does not matter, in mm.

    Returns
    -------
    int or None
        Index of the trial; None where there is none.
    """
    if not rows:
        return None
    smallest = min(row["point_error_mm"] for row in rows)
    equals = [
        index
        for index, row in enumerate(rows)
        if row["point_error_mm"] <= smallest + tolerance_mm
    ]
    return min(
        equals,
        key=lambda index: (-rows[index]["quality"], rows[index]["point_error_mm"]),
    )
