"""Figures in README.rst and benchmarks/README.rst, as they are in benchmarks/results.

``python benchmarks/figures.py`` lists the figures that differ from the results, and
``--write`` puts those of the results into the texts. A test holds that none differs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
import csv
from dataclasses import dataclass
from functools import cache
import json
from pathlib import Path
import re
from statistics import mean

ROOT = Path(__file__).parents[1]
_README, _BENCHMARKS = "README.rst", "benchmarks/README.rst"
_FIGURE = r"([-+]?[\d.,]+)"
_OVERALL = "measures.overall"
_QUALITY = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Passage:
    """A text of a file with ``{}`` in place of each figure, and the figures."""

    file: str
    text: str
    figures: tuple[str, ...]
    after: str = ""

    def find(self, text: str) -> re.Match:
        """Find the passage with any figures, however its lines are broken."""
        words = [re.escape(word) for word in self.text.split()]
        pattern = re.compile(r"\s+".join(words).replace(r"\{\}", _FIGURE))
        heading = re.compile(r"\s+".join(map(re.escape, self.after.split())))
        begin = heading.search(text)
        found = begin and pattern.search(text, begin.end())
        if not found:
            raise ValueError(f"{self.file} does not hold {self.text!r}.")
        return found


def result(name: str, keys: str) -> float:
    """Read a value of ``results/NAME.json``, by its keys between dots.

    Where there is a list of runs with several seeds, it is their mean.
    """
    value = _read(name)
    for key in keys.split("."):
        value = [one[key] for one in value] if isinstance(value, list) else value[key]
    return mean(value) if isinstance(value, list) else value


@cache
def _read(name: str) -> dict:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def share(value: float) -> str:
    """Format three decimals without a leading zero, as in ``.975`` and ``1.002``."""
    return f"{value:.3f}".removeprefix("0")


def hundredths(value: float) -> str:
    """Format two decimals without a leading zero, as in ``.83``."""
    return f"{value:.2f}".removeprefix("0")


def one_decimal(value: float) -> str:
    """Format one decimal."""
    return f"{value:.1f}"


def two_decimals(value: float) -> str:
    """Format two decimals."""
    return f"{value:.2f}"


def one_digit(value: float) -> str:
    """Format one significant digit, without an exponent."""
    return f"{float(f'{value:.1g}'):.10f}".rstrip("0")


def percent_off(ratio: float) -> str:
    """Format how far a ratio is from one, in whole percent."""
    return f"{100 * abs(ratio - 1):.0f}"


def passages() -> Iterator[Passage]:
    """Yield all passages whose figures come from the results."""
    yield from _table_of_readme()
    yield from _text_of_readme()
    yield from _table_of_quality()
    yield from _table_of_samplers("phantom")
    yield from _table_of_samplers("human")
    yield from _table_of_conditions()
    yield from _table_of_cohort()
    yield from _table_of_beta()


def _table_of_readme() -> Iterator[Passage]:
    rows = {
        "FiberCup-like phantom, CVAE, 2 min": "phantom",
        "twenty human bundles, CVAE, 10 min": "human",
    }
    for label, data in rows.items():
        trained = f"conditions_cvae_{data}_spectral_0"
        yield _row_of_readme(label, trained, f"samplers_{data}_0", "manifold")
    rows = {
        "DIPY's three bundles, VAE, 1 min": "quality_packaged_0",
        "twenty human bundles, VAE, 2 min": "quality_human_0",
    }
    for label, name in rows.items():
        yield _row_of_readme(label, name, name, _OVERALL)


def _row_of_readme(label: str, trained: str, measured: str, keys: str) -> Passage:
    figures = [two_decimals(result(trained, "held_out_mm.mean"))]
    figures += [
        share(result(measured, f"{keys}.{kind}.{measure}"))
        for measure in ("precision", "recall", "coverage")
        for kind in ("generated", "real")
    ]
    text = " ".join([label, "{} mm", *3 * ["{} ({})"]])
    return Passage(_README, text, tuple(figures))


def _text_of_readme() -> Iterator[Passage]:
    error = "asked_lengths.mean_absolute_error"
    yield Passage(
        _README,
        "to {} mm on the phantom and {} mm on the human bundles (mean error)",
        (
            one_digit(result("conditions_cvae_phantom_spectral_0", error)),
            one_digit(result("conditions_cvae_human_spectral_0", error)),
        ),
    )
    laws = ("length_of_patients", "shift_of_patients")
    laws += ("length_per_year", "shift_per_year")
    length, shift, *slopes = (
        percent_off(result("cohort_spectral_0", f"recovered.{law}.over_law"))
        for law in laws
    )
    yield Passage(
        _README,
        "within {} % of their laws, at ages that no subject has, the slopes on age "
        "{} % (length) and {} % (shift)",
        (max(length, shift, key=int), *slopes),
    )
    yield Passage(
        _README,
        "an F1 of {} on the phantom and {} on the human bundles, where the distances "
        "of the streamlines themselves give {}.",
        (
            share(result("filtering_vae_phantom_0", "filter.default.f1")),
            share(result("filtering_vae_human_0", "filter.default.f1")),
            share(result("filtering_vae_human_0", "filter.streamlines, MDF.f1")),
        ),
    )


def _table_of_quality() -> Iterator[Passage]:
    def row(label: str, cell: str, keys: Sequence[str], form: Callable) -> Passage:
        figures = [
            form(result(f"quality_{data}_0", key))
            for data in ("phantom", "packaged", "human")
            for key in keys
        ]
        text = " ".join([label, *3 * [cell]])
        return Passage(_BENCHMARKS, text, tuple(figures), "Quality -------")

    def beside_real(label: str, measure: str, form: Callable) -> Passage:
        keys = [f"{_OVERALL}.{kind}.{measure}" for kind in ("generated", "real")]
        return row(label, "{} ({})", keys, form)

    for label, key in (
        ("point error, mean (mm)", "held_out_mm.mean"),
        ("point error, 95th percentile (mm)", "held_out_mm.percentile_95"),
        ("of it, by the number of coefficients", "truncation_mm"),
        ("novelty (0.8 to 1.25 is new)", f"{_OVERALL}.ratios.novelty"),
    ):
        yield row(label, "{}", [key], two_decimals)
    for measure in (*_QUALITY, "repetition"):
        yield beside_real(measure, measure, share)
    yield beside_real("bundle agreement", "agreement", share)
    yield beside_real("BUAN shape similarity", "shape_similarity", share)
    yield beside_real("Dice, 2 mm", "dice", hundredths)
    volumes = {"overlap / overreach": "generated", "the same, real": "real"}
    for label, kind in volumes.items():
        keys = [f"{_OVERALL}.{kind}.{measure}" for measure in ("overlap", "overreach")]
        yield row(label, "{} / {}", keys, hundredths)
    keys = [f"{_OVERALL}.{kind}.mean_length" for kind in ("generated", "held_out")]
    label = "mean length, generated / held-out (mm)"
    yield row(label, "{} / {}", keys, one_decimal)
    for name in ("length", "mean curvature", "tortuosity", "winding"):
        key = f"{_OVERALL}.ratios.{name.removeprefix('mean ')}_w1"
        yield row(f"W1 of {name}, over real", "{}", [key], one_decimal)


def _table_of_samplers(data: str) -> Iterator[Passage]:
    name, heading = f"samplers_{data}_0", f"{data} P R D C novelty"
    real = [share(result(name, f"manifold.real.{each}")) for each in _QUALITY]
    yield Passage(_BENCHMARKS, "real {} {} {} {} 1", tuple(real), heading)
    for label, sampler in {
        "*manifold*, default": "manifold",
        "*gmm* (BIC)": "gmm",
        "*gmm*, AIC": "gmm, AIC",
        "*kde*, cross-validated": "kde",
        "*kde*, Silverman": "kde, Silverman",
        "*rejection*": "rejection",
        "*prior*": "prior",
    }.items():
        length = result(name, f"{sampler}.mean_length_ratio")
        figures = [
            *(share(result(name, f"{sampler}.generated.{each}")) for each in _QUALITY),
            two_decimals(result(name, f"{sampler}.ratios.novelty")),
            share(result(name, f"{sampler}.repetition")),
            *(
                one_decimal(result(name, f"{sampler}.ratios.{each}_w1"))
                for each in ("length", "curvature", "tortuosity")
            ),
            f"{100 * (length - 1):+.1f}",
        ]
        text = f"{label} {' '.join(len(figures) * ['{}'])} %"
        yield Passage(_BENCHMARKS, text, tuple(figures), heading)


def _table_of_conditions() -> Iterator[Passage]:
    models = ("cvae_phantom_spectral", "cvae_human_spectral")
    models += ("rvae_phantom_spectral", "cvae_phantom_conv")

    def row(label: str, cell: str, keys: Sequence[str], form: Callable) -> Passage:
        names = [f"conditions_{model}_0" for model in models]
        figures = [form(result(name, key)) for name in names for key in keys]
        text = " ".join([label, *4 * [cell]])
        return Passage(_BENCHMARKS, text, tuple(figures), "Conditional models ----")

    yield row("point error, held-out (mm)", "{}", ["held_out_mm.mean"], two_decimals)
    for measure in (*_QUALITY, "agreement"):
        label = "bundle agreement" if measure == "agreement" else measure
        keys = [f"{_OVERALL}.{kind}.{measure}" for kind in ("generated", "real")]
        yield row(label, "{} ({})", keys, share)
    yield row(
        "novelty, repetition", "{}, 0", [f"{_OVERALL}.ratios.novelty"], two_decimals
    )
    for name in ("length", "tortuosity"):
        key = f"{_OVERALL}.ratios.{name}_w1"
        yield row(f"W1 of {name}, over real", "{}", [key], two_decimals)
    error = "asked_lengths.mean_absolute_error"
    yield row("mean absolute error (mm)", "{}", [error], one_digit)


def _table_of_cohort() -> Iterator[Passage]:
    for label, law, form in (
        ("length in a year -0.0030 -{} -{}", "length_per_year", "{:.5f}"),
        ("length of patients -0.100 -{} -{}", "length_of_patients", "{:.4f}"),
        ("shift in a year (mm) 0.050 {} {}", "shift_per_year", "{:.4f}"),
        ("shift of patients (mm) 2.00 {} {}", "shift_of_patients", "{:.3f}"),
        ("width in a year 0.0040 {} {}", "width_per_year", "{:.4f}"),
        ("width of patients 0.150 {} {}", "width_of_patients", "{:.3f}"),
    ):
        keys = f"recovered.{law}."
        figures = [
            form.format(abs(result("cohort_spectral_0", f"{keys}{kind}")))
            for kind in ("training", "generated")
        ]
        ratio = result("cohort_spectral_0", f"{keys}over_law")
        figures.append((hundredths if "width" in label else share)(ratio))
        heading = "generated / law"
        yield Passage(_BENCHMARKS, f"{label} {{}}", tuple(figures), heading)


def _table_of_beta() -> Iterator[Passage]:
    path = ROOT / "benchmarks" / "results" / "sweep_beta.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    forms = {
        "kl_nats": one_decimal,
        "active_units": "{:.0f}".format,
        **dict.fromkeys(("precision", "coverage", "quality"), share),
        **dict.fromkeys(("scc", "sap"), hundredths),
    }
    for row in rows:
        figures = [form(float(row[name])) for name, form in forms.items()]
        error = f"{float(row['point_error_mm']):.3f}"
        text = f"{row['beta']} {{}} mm {{}} nats {{}} {{}} {{}} {{}} {{}} {{}}"
        yield Passage(_BENCHMARKS, text, (error, *figures), "Beta ----")


def differences(root: Path = ROOT) -> list[str]:
    """Return a line for each passage whose figures are not those of the results."""
    found = []
    for passage in passages():
        text = (root / passage.file).read_text(encoding="utf-8")
        given = passage.find(text).groups()
        changed = [
            f"{old} is {new}" for old, new in zip(given, passage.figures) if old != new
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
    """List the figures that differ from the results, or mend them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="mend the texts")
    if parser.parse_args().write:
        write()
    raise SystemExit("\n".join(differences()) or 0)


if __name__ == "__main__":
    main()
