"""What the docstrings and pages cite is in the bibliography."""

import ast
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "dipy_tractogen").rglob("*.py"))
# Made by a build of the documentation, of sources that are checked themselves.
GENERATED = {"_build", "generated", "gallery"}
PAGES = sorted(
    path
    for path in [*(ROOT / "doc").rglob("*.rst"), *(ROOT / "doc").rglob("plot_*.py")]
    if not GENERATED & set(path.parts)
)
CITATION = re.compile(r":footcite:[pt]:`([^`]+)`")
KEYS = re.findall(
    r"^@\w+\{([^,]+),$",
    (ROOT / "doc" / "references.bib").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def docstrings(path):
    """Give every docstring of a source."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]


def cited(text):
    """Give the keys that a text cites."""
    return {key.strip() for keys in CITATION.findall(text) for key in keys.split(",")}


def test_keys_are_there_once():
    assert len(KEYS) == len(set(KEYS)) > 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_docstrings_cite_what_they_list(path):
    for text in docstrings(path):
        assert cited(text) <= set(KEYS)
        assert bool(cited(text)) == (".. footbibliography::" in text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_cite_what_they_list(path):
    text = path.read_text(encoding="utf-8")
    assert cited(text) <= set(KEYS)
    assert bool(cited(text)) == (".. footbibliography::" in text)
