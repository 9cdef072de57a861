"""Limits that a command line asks for, and what happens where they are not met."""

from __future__ import annotations


class ThresholdsNotMet(Exception):
    """Measures are not as good as was asked; their files are written all the same.

    A line of its text for each; a command ends with exit code 3.
    """


def parse_thresholds(texts: list[str] | None) -> list:
    """Read the limits of a command line.

    Parameters
    ----------
    texts : list of str, optional
        Each as `Threshold.parse` reads it.

    Returns
    -------
    list of Threshold
        The limits.

    Raises
    ------
    ValueError
        If one cannot be read.
    """
    if texts is None:
        return []
    from dipy_tractogen.metrics.thresholds import Threshold

    thresholds = []
    for text in texts or [""]:
        try:
            thresholds.append(Threshold.parse(text))
        except ValueError as error:
            raise ValueError(f"--require {error}") from None
    return thresholds


def raise_if_missed(found: list[dict]) -> None:
    """Say which limits were not met.

    Parameters
    ----------
    found : list of dict
        From `check_thresholds`.

    Raises
    ------
    ThresholdsNotMet
        If one was not.
    """
    from dipy_tractogen.metrics.thresholds import describe_unmet

    missed = [describe_unmet(one) for one in found if not one["met"]]
    if missed:
        raise ThresholdsNotMet("\n".join(missed))
