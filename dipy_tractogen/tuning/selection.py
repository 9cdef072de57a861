"""Selection of the best trials of a search."""

from __future__ import annotations

from collections.abc import Sequence

SMALL = ("point_error_mm", "kl_nats")
LARGE = ("quality",)


def pareto_front(rows: Sequence[dict]) -> list[bool]:
    """Return which trials are Pareto-optimal.

    A small point error, a small KL divergence and a large quality of generated
    streamlines are good.
    """

    def costs(row: dict) -> list[float]:
        return [row[name] for name in SMALL] + [-row[name] for name in LARGE]

    def beats(one: dict, other: dict) -> bool:
        pairs = list(zip(costs(one), costs(other)))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

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
