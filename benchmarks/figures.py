"""Figures in the README and the documentation, as they are in benchmarks/results.

``python benchmarks/figures.py`` lists the figures that differ from the results, and
``--write`` puts those of the results into the texts. A test checks that none differs.

``figures.toml`` has the texts, with marks in place of their figures:
``{FILE/KEY/...:FORM}`` is a value in ``benchmarks/results``, formatted as ``figure``
describes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import csv
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, cached_property
import json
from pathlib import Path
import re
from statistics import mean, median, stdev
import tomllib

ROOT = Path(__file__).parents[1]
_MARK = re.compile(r"\{([^{}]+):([^{}:]+)\}")
_FIGURE = r"([-+]?[\d.,]*\d)"
_STEPS = {
    "count": lambda values: [len(values)],
    "median": lambda values: [median(values)],
    "deviation": lambda values: [stdev(values)],
    "min": lambda values: [min(values)],
    "max": lambda values: [max(values)],
    "sum": lambda values: [sum(values)],
    "abs": lambda values: [abs(value) for value in values],
    "percent": lambda values: [100 * value for value in values],
    "change": lambda values: [100 * (value - 1) for value in values],
    "giga": lambda values: [value / 1e9 for value in values],
}


@dataclass(frozen=True)
class Passage:
    """A text of a file with a mark for each figure, somewhere behind a heading."""

    file: str
    text: str
    after: str = ""

    @cached_property
    def figures(self) -> list[str]:
        """Figures of the results."""
        return [figure(*mark) for mark in _MARK.findall(self.text)]

    def find(self, text: str) -> re.Match:
        """Find the passage with any figures, however its lines are broken."""
        parts = map(_spaced, _MARK.sub("\0", self.text).split("\0"))
        begin = re.search(_spaced(self.after), text)
        found = begin and re.compile(_FIGURE.join(parts)).search(text, begin.end())
        if not found:
            raise ValueError(f"{self.file} does not hold {self.text!r}.")
        return found


def _spaced(text: str) -> str:
    """Return a pattern for a text with any spaces between its words."""
    return r"\s+".join(map(re.escape, re.split(r"\s+", text)))


def passages() -> Iterator[Passage]:
    """Yield all passages whose figures come from the results."""
    with (Path(__file__).with_suffix(".toml")).open("rb") as file:
        entries = tomllib.load(file)["texts"]
    for entry in entries:
        for row in entry["rows"].strip().splitlines():
            text, bar, cell = row.partition(" | ")
            if bar and "cells" in entry:
                text = f"{text} {_below(cell, entry['cells'])}"
            elif bar:
                cells = [_below(prefix, cell) for prefix in entry["columns"]]
                text = " ".join([text, *cells])
            yield Passage(entry["file"], text, entry.get("after", ""))


def _below(prefix: str, text: str) -> str:
    """Put a prefix before the paths of all marks."""
    return _MARK.sub(rf"{{{prefix}\1:\2}}", text)


def figure(path: str, form: str) -> str:
    """Format the mean of the values at a path.

    In a path, ``a|b`` are several keys, ``*`` all keys, and ``a=1&b=2`` the rows of a
    list with these values; of a list of runs with several seeds, all are used.

    A form is some of the names in ``_STEPS``, and then: ``.3``, three decimals without
    a leading zero, as in ``.975`` and ``1.002``; ``0.2``, two decimals; ``+0.2``, the
    same with a sign; ``,0``, a whole number; ``,2``, rounded to hundreds; ``1g``, one
    significant digit.
    """
    values = _values(path)
    *steps, last = form.split()
    for step in steps:
        values = _STEPS[step](values)
    value = mean(values)
    if last.endswith("g"):
        return f"{float(f'{value:.{last}}'):.10f}".rstrip("0").removesuffix(".")
    sign, point, digits = re.fullmatch(r"(\+?)(0?\.|,)(\d)", last).groups()
    unit = Decimal(1).scaleb(int(digits) if point == "," else -int(digits))
    rounded = Decimal(repr(value)).quantize(unit, ROUND_HALF_UP)
    text = f"{rounded:{sign}{point.strip('0.')}f}"
    return text.removeprefix("0") if point == "." else text


def _values(path: str) -> list[float]:
    name, *keys = path.split("/")
    found = [_read(name)]
    for key in keys:
        found = [value for one in found for value in _inside(one, key)]
    return list(_numbers(found))


def _inside(value: dict | list, key: str) -> Iterator:
    if key == "*":
        yield from value.values()
    elif isinstance(value, dict):
        for each in [key] if key in value else key.split("|"):
            yield value[each]
    elif "=" in key:
        wanted = dict(each.split("=") for each in key.split("&"))
        chosen = [
            one
            for one in value
            if all(str(one.get(name, "")) == text for name, text in wanted.items())
        ]
        if not chosen:
            raise KeyError(key)
        yield chosen
    else:
        for one in value:
            yield from _inside(one, key)


def _numbers(value: dict | list | float | str) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _numbers(one)
    else:
        yield float(value)


@cache
def _read(name: str) -> dict | list:
    path = next((ROOT / "benchmarks" / "results").glob(f"{name}.*"))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".tsv":
        return list(csv.DictReader(text.splitlines(), delimiter="\t"))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


def differences(root: Path = ROOT) -> list[str]:
    """Return a line for each passage whose figures are not those of the results."""
    found = []
    for passage in passages():
        text = (root / passage.file).read_text(encoding="utf-8")
        given = passage.find(text).groups()
        changed = [
            f"{old} is {new}"
            for old, new in zip(given, passage.figures, strict=True)
            if old != new
        ]
        if changed:
            found.append(f"{passage.file}: {passage.text}: {', '.join(changed)}")
    return found


def write(root: Path = ROOT) -> None:
    """Write the figures of the results into the texts."""
    for passage in passages():
        path = root / passage.file
        text = path.read_text(encoding="utf-8")
        match = passage.find(text)
        for number in reversed(range(len(passage.figures))):
            start, end = match.span(number + 1)
            figure = passage.figures[number]
            # Columns stay where they are.
            longer = len(figure) - (end - start)
            if text[end : end + longer + 2].isspace():
                end += max(longer, 0)
                figure = figure.ljust(end - start)
            text = text[:start] + figure + text[end:]
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """List the figures that differ from the results, or correct them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="correct the texts")
    if parser.parse_args().write:
        write()
    raise SystemExit("\n".join(differences()) or 0)


if __name__ == "__main__":
    main()
