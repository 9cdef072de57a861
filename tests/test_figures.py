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


def test_texts_hold_the_figures_of_the_results(figures):
    assert len(list(figures.passages())) > 40
    assert figures.differences() == []


def test_other_figures_are_found_and_mended(figures, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    texts = {}
    for name in ("README.rst", "benchmarks/README.rst"):
        texts[name] = (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(texts[name], encoding="utf-8")
    old, label = texts["benchmarks/README.rst"], "*prior*                 "
    number = old.rindex(label) + len(label)
    new = f"{old[:number]}.123{old[number + 4 :]}"
    (tmp_path / "benchmarks/README.rst").write_text(new, encoding="utf-8")
    (found,) = figures.differences(tmp_path)
    assert f".123 is {old[number : number + 4]}" in found
    figures.write(tmp_path)
    for name, text in texts.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_a_text_that_is_gone_is_named(figures, tmp_path):
    (tmp_path / "README.rst").write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match=r"README.rst does not hold 'FiberCup-like"):
        figures.differences(tmp_path)
