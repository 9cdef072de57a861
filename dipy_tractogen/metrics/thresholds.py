"""Limits that measures have to meet, for pipelines."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
import math
import re

from dipy_tractogen.utils.messages import ThresholdsNotMet, briefly, listed

from .measures import MEASURE_NAMES, PROFILE_TESTS, RATIO_MEASURES, value_of

EACH = "each"
"""In place of the name of a bundle: every one of them."""

_FORM = re.compile(r"(?P<what>.*\S)\s*(?P<relation>>=|<=)\s*(?P<limit>.+)")
_OF_REAL = re.compile(r"(?P<number>[^*]+?)\s*\*\s*real")


@dataclass(frozen=True)
class Threshold:
    """A limit of one measure, overall or of a bundle (`EACH`: of every bundle).

    With ``of_real`` the limit is multiplied by the measure of real streamlines.
    """

    measure: str
    relation: str
    limit: float
    of_real: bool = False
    bundle: str | None = None

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read ``[BUNDLE:|each:]MEASURE>=NUMBER[*real]``, or with ``<=``.

        Raises ValueError if the text has another form, or there is no such measure.
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
        if relative and measure in RATIO_MEASURES:
            raise ValueError(f"{text}: {measure} is a ratio to real already.")
        number = _number(relative["number"] if relative else form["limit"])
        if number is None:
            raise ValueError(
                f"{briefly(text)}: {briefly(form['limit'])} is no number; give one, or "
                "NUMBER*real."
            )
        return cls(measure, form["relation"], number, bool(relative), bundle or None)

    @classmethod
    def of(cls, given: str | Threshold) -> Threshold:
        """Return a limit that is given as text, see `parse`, or as it is."""
        return given if isinstance(given, cls) else cls.parse(given)

    @property
    def asked(self) -> str:
        """The limit as text."""
        return f"{self.relation}{self.limit:g}{'*real' if self.of_real else ''}"

    def check(self, bundle: str | None, entry: dict) -> dict:
        """Compare the limit with an entry of a report, overall or of a bundle.

        Returns ``bundle``, ``measure``, ``asked`` as text, ``limit`` as a number, the
        measured ``value``, and ``met``, which is False without a value.
        """
        of_set = self.measure not in RATIO_MEASURES
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
    """Compare limits with a report, in order; those of ``each`` for every bundle."""
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
    """Raise ValueError for limits of bundles that are not compared."""
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


def check_values(thresholds: Iterable[Threshold], values: Collection[str]) -> None:
    """Raise ValueError for limits of the profiles of values that are not compared."""
    for one in thresholds:
        value = value_of(one.measure)
        if value is not None and value not in values:
            known = f"values are {listed(values)}" if values else "there are no values"
            raise ValueError(
                f"{one.measure}: {known} to compare the profiles of: name {value} "
                f"among them (values=('{value}',))."
            )
        if one.measure in PROFILE_TESTS and not values:
            raise ValueError(
                f"{one.measure}: there are no values to compare the profiles of: name "
                "some (values=('FA',))."
            )


def describe_unmet(found: dict) -> str:
    """Describe a limit that is not met, as ``AF_L: coverage 0.82, asked >=0.9``."""
    value = "has no value" if found["value"] is None else f"{found['value']:.4g}"
    asked = found["asked"]
    if "*" in asked and found["limit"] is not None:
        asked = f"{asked} = {found['limit']:.4g}"
    return f"{found['bundle'] or 'overall'}: {found['measure']} {value}, asked {asked}"


def _check_measure(text: str, measure: str) -> None:
    known = (*MEASURE_NAMES, *PROFILE_TESTS)
    if measure in known or value_of(measure) is not None:
        return
    near = get_close_matches(measure, known, n=1)
    meant = f"do you mean {near[0]}? " if near else ""
    raise ValueError(
        f"{text}: {measure} is no measure; {meant}accepted are {listed(known)}, and of "
        "profiles such as FA_profile_w1."
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def raise_if_missed(found: Iterable[dict]) -> None:
    """Raise ThresholdsNotMet where a limit was not met, by `check_thresholds`."""
    missed = [describe_unmet(one) for one in found if not one["met"]]
    if missed:
        raise ThresholdsNotMet("\n".join(missed))
