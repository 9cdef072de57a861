"""Values that measures have to reach, as a pipeline asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
import math
import re

from dipy_tractogen.utils.messages import briefly, listed

from .report_schema import ACCEPTED, OF_SETS

EACH = "each"
"""In place of the name of a bundle: every one of them."""

_FORM = re.compile(r"(?P<what>.*\S)\s*(?P<relation>>=|<=)\s*(?P<limit>.+)")
_OF_REAL = re.compile(r"(?P<number>[^*]+?)\s*\*\s*real")


@dataclass(frozen=True)
class Threshold:
    """A limit of one measure.

    Attributes
    ----------
    measure : str
        Name of the measure, as in a report.
    relation : str
        ``">="`` or ``"<="``.
    limit : float
        What is asked.
    of_real : bool
        Whether the limit is multiplied by the measure of real streamlines.
    bundle : str, optional
        Name of a bundle, or `EACH`; all of them together without it.
    """

    measure: str
    relation: str
    limit: float
    of_real: bool = False
    bundle: str | None = None

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read a limit.

        Parameters
        ----------
        text : str
            ``MEASURE>=NUMBER`` or ``MEASURE<=NUMBER``, with ``*real`` after the number
            where it is a share of the measure of real streamlines, and ``BUNDLE:`` or
            ``each:`` before the measure.

        Returns
        -------
        Threshold
            The limit.

        Raises
        ------
        ValueError
            If the text has another form, or there is no such measure.
        """
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise ValueError(
                f"{text}: give MEASURE>=NUMBER or MEASURE<=NUMBER, in quotes because > "
                "and < are the shell's, such as 'precision>=0.9'."
            )
        bundle, _, measure = form["what"].rpartition(":")
        _check_measure(text, measure)
        relative = _OF_REAL.fullmatch(form["limit"])
        if relative and measure not in OF_SETS:
            raise ValueError(f"{text}: {measure} is a ratio to real already.")
        number = _number(relative["number"] if relative else form["limit"])
        if number is None:
            raise ValueError(
                f"{briefly(text)}: {briefly(form['limit'])} is no number; give one, or "
                "NUMBER*real."
            )
        return cls(measure, form["relation"], number, bool(relative), bundle or None)

    @property
    def asked(self) -> str:
        """What is asked, as text."""
        return f"{self.relation}{self.limit:g}{'*real' if self.of_real else ''}"

    def check(self, bundle: str | None, entry: dict) -> dict:
        """Compare the limit with what was measured.

        Parameters
        ----------
        bundle : str or None
            Whose figures they are; None for all bundles together.
        entry : dict
            The figures, from a report.

        Returns
        -------
        dict
            ``bundle``, ``measure``, ``asked``, ``limit``, the number that was to be
            reached, ``value``, what was measured, and ``met``, which is False where
            there is no value.
        """
        of_set = self.measure in OF_SETS
        value = entry["generated" if of_set else "ratios"][self.measure]
        limit: float | None = self.limit
        if self.of_real:
            real = entry["real"][self.measure]
            limit = None if real is None else self.limit * real
        met = value is not None and limit is not None
        if met:
            met = value >= limit if self.relation == ">=" else value <= limit
        return {
            "bundle": bundle,
            "measure": self.measure,
            "asked": self.asked,
            "limit": limit,
            "value": value,
            "met": met,
        }


def check_thresholds(thresholds: Iterable[Threshold], report: dict) -> list[dict]:
    """Compare limits with a report.

    Parameters
    ----------
    thresholds : iterable of Threshold
        What is asked, of bundles that `check_bundles` accepts.
    report : dict
        From :func:`dipy_tractogen.metrics.evaluation.evaluate`.

    Returns
    -------
    list of dict
        Results of `Threshold.check`, in the order asked, of ``each`` for every bundle.
    """
    found = []
    for one in thresholds:
        if one.bundle is None:
            entries = {None: report["overall"]}
        elif one.bundle == EACH:
            entries = report["bundles"]
        else:
            entries = {one.bundle: report["bundles"][one.bundle]}
        found += [one.check(bundle, entry) for bundle, entry in entries.items()]
    return found


def check_bundles(thresholds: Iterable[Threshold], names: Iterable[str]) -> None:
    """Refuse limits of bundles that are not compared.

    Parameters
    ----------
    thresholds : iterable of Threshold
        What is asked.
    names : iterable of str
        Names of the bundles that are compared.

    Raises
    ------
    ValueError
        If a bundle is none of them.
    """
    names = sorted(names)
    for one in thresholds:
        if one.bundle == EACH and not names:
            raise ValueError(
                f"{EACH}:{one.measure}: no bundle has one name everywhere; leave out "
                f"'{EACH}:' to ask of all streamlines together."
            )
        if one.bundle not in (None, EACH, *names):
            raise ValueError(
                f"{one.bundle}:{one.measure}: there is no such bundle to compare; "
                f"accepted are {EACH} and {listed(names)}."
            )


def describe_miss(found: dict) -> str:
    """Say that a limit was not met.

    Parameters
    ----------
    found : dict
        From `Threshold.check`.

    Returns
    -------
    str
        Such as ``AF_L: coverage 0.82, asked >=0.9``.
    """
    value = "has no value" if found["value"] is None else f"{found['value']:.4g}"
    asked = found["asked"]
    if "*" in asked and found["limit"] is not None:
        asked = f"{asked} = {found['limit']:.4g}"
    return f"{found['bundle'] or 'overall'}: {found['measure']} {value}, asked {asked}"


def _check_measure(text: str, measure: str) -> None:
    if measure in ACCEPTED:
        return
    near = get_close_matches(measure, ACCEPTED, n=1)
    meant = f"do you mean {near[0]}? " if near else ""
    raise ValueError(
        f"{text}: {measure} is no measure; {meant}accepted are {listed(ACCEPTED)}."
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
