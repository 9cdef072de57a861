"""Figures in the texts are those in benchmarks/results."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
import sys

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def figures():
    path = ROOT / "benchmarks" / "figures.py"
    spec = spec_from_file_location("benchmark_figures", path)
    # Dataclasses look for their module there.
    sys.modules[spec.name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def texts(figures, tmp_path):
    """The texts by name, with a copy of each in a folder that may be changed."""
    found = {}
    for name in {passage.file for passage in figures.passages()}:
        found[name] = (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(found[name], encoding="utf-8")
    return found


def test_texts_hold_the_figures_of_the_results(figures):
    assert sum(len(passage.figures) for passage in figures.passages()) > 900
    assert figures.differences() == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("benchmarks/README.rst", "*prior*                 "),
        ("doc/commands/dipy_filter_streamlines.rst", "held-out streamlines from "),
    ],
)
def test_other_figures_are_found_and_corrected(figures, texts, tmp_path, name, label):
    old = texts[name]
    number = old.rindex(label) + len(label)
    new = f"{old[:number]}.123{old[number + 4 :]}"
    (tmp_path / name).write_text(new, encoding="utf-8")
    (found,) = figures.differences(tmp_path)
    assert f".123 is {old[number : number + 4]}" in found
    figures.write(tmp_path)
    for name, text in texts.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_a_text_that_is_gone_is_named(figures, texts, tmp_path):
    (tmp_path / "README.rst").write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match=r"README.rst does not hold 'FiberCup-like"):
        figures.differences(tmp_path)


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("speed/training/streamlines_per_s", ",0", "25,164"),
        ("speed/training/streamlines_per_s", ",3", "25,000"),
        ("cohort_spectral/seeds/0/recovered/shift_per_year/over_law", ".2", ".97"),
        (
            "cohort_spectral/seeds/0/recovered/shift_per_year/over_law",
            "change +0.1",
            "-2.5",
        ),
        ("cohort_spectral/seeds/0/recovered/length_per_year/law", "1g", "-0.003"),
        ("evaluation_copies/copies/share_of_copies=0/share_near", ".3", ".010"),
        ("sweep_beta/beta=4/active_units", "max ,0", "8"),
        ("speed/help_cpu_seconds", "count ,0", "6"),
    ],
)
def test_forms(figures, path, form, expected):
    assert figures.figure(path, form) == expected
