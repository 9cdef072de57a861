import json
import math

import pytest

from dipy_tractogen.viz.report.evaluation_tables import (
    evaluation_cards,
    evaluation_tables,
)
from dipy_tractogen.viz.report.inputs import (
    read_generation,
    read_latent,
    read_metrics,
)
from dipy_tractogen.viz.report.model_tables import latent_tables
from dipy_tractogen.viz.report.report_warnings import _of_evaluation

ENTRY = {"generated": {}, "real": {}}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_record_of_a_generation_is_beside_it(tmp_path, caplog):
    said = {"tractogram": "b.trx", "command": "dipy", "model": {}}
    write(tmp_path / "b.trx.json", said)
    write(tmp_path / "b.trk.json", {**said, "command": "other"})
    write(tmp_path / "d.trk.json", {"tractogram": "d.trk", "categories": {}})
    a, b, d = (tmp_path / name for name in ("a.trx", "b.trx", "d.trk"))
    assert read_generation([a, d, b])["command"] == "dipy"
    assert read_generation([b.with_suffix(".trk"), b])["command"] == "other"
    assert read_generation([a, d]) == {}
    assert caplog.text == ""
    write(tmp_path / "a.trx.json", {"EchoTime": 0.1})
    assert read_generation([a]) == {}
    assert "a.trx.json is not a JSON file of dipy_generate_streamlines" in caplog.text


def test_the_older_name_of_a_record_is_read_where_it_names_the_file(tmp_path):
    write(tmp_path / "a.json", {"tractogram": "a.trx", "command": "c", "model": {}})
    assert read_generation([tmp_path / "a.trx"])["command"] == "c"
    assert read_generation([tmp_path / "a.trk"]) == {}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[1]",
        {"overall": ENTRY},
        {"overall": ENTRY, "bundles": [1]},
        {"overall": ENTRY, "bundles": {"a": {"generated": {}}}},
        {"overall": 1, "bundles": {}},
        "[" * 100_000,
    ],
)
def test_other_files_are_refused_as_metrics(content, tmp_path):
    path = write(tmp_path / "metrics.json", content)
    with pytest.raises(ValueError, match="not a JSON file of dipy_evaluate"):
        read_metrics(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"metrics\.json does not exist"):
        read_metrics(tmp_path / "metrics.json")


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "", 7])
def test_figures_elsewhere_are_refused(name, tmp_path):
    path = write(tmp_path / "latent.json", {"figures": [{"file": name}]})
    with pytest.raises(ValueError, match="name of a file of this folder"):
        read_latent(path)


SHARES = {"generated": [0.5, 0.5], "real": [1.0, 0.0]}
DISTRIBUTION = {"unit": "mm", "edges": [0.0, 1.0, 2.0], "overall": SHARES}
THRESHOLD = {"measure": "recall", "asked": ">=0.9", "bundle": None, "met": False}
THRESHOLD |= {"limit": None, "value": 0.5}
SIDES = {side: {"mean_difference": 0.01, "w1": None} for side in ("generated", "real")}
PROFILE = {"overall": SIDES, "bundles": {"a": SIDES}}
METRICS = {
    "overall": {
        "counts": {"compared": 3},
        "generated": {"recall": 0.5, "mean_length": 40.0},
        "real": {"recall": None},
        "held_out": {"mean_length": 41.0},
        "ratios": {"novelty": 1.5},
        "intervals": {"generated": {"recall": [0.4, 0.6], "dice": None}},
        "memorisation": {"copies": "some", "verdict": "Copies."},
    },
    "bundles": {"a": {"generated": {"recall": 0.1}, "real": {"recall": 0.9}}},
    "distributions": {"length": {**DISTRIBUTION, "bundles": {"a": SHARES}}},
    "conditions": {"length": {"unit": "mm", "n": 3, "bundles": {"a": {"mae": 1.0}}}},
    "model": {"reconstruction_mm": {"mean": 0.5, "p95": 1.0}},
    "thresholds": [THRESHOLD],
    "profiles": {"values": {"FA": PROFILE}, "verdict": ["One."]},
    "warnings": ["One."],
}
LATENT = {
    "figures": [{"file": "a.png", "title": "A", "alt": "a"}],
    "units": [{"dimension": "z0", "variance": 1.0, "active": True}],
    "traversal": {"displacement_mm": {"z0": 3.0}},
    "correlations": {"attributes": ["length"], "values": {"z0": [0.5]}},
    "disentanglement": {"scc": {"length": 0.5}, "modularity": 0.1},
}
ODD = [None, True, -1, 10**400, math.nan, 1e308, "text", "", [], [[]], {}, {"a": {}}]


def mutated(plain):
    """Give copies of plain values, in each of which one is another, or missing."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield {name: each for name, each in plain.items() if name != key}
            yield from ({**plain, key: each} for each in mutated(value))
    elif isinstance(plain, list):
        yield [*plain, *plain]
        yield from ([each] for each in mutated(plain[0]))
    yield from ODD


def tell_metrics(found):
    """Make all that a report tells of an evaluation."""
    evaluation_cards(found)
    evaluation_tables(found)
    _of_evaluation(found)


@pytest.mark.parametrize(
    ("plain", "read", "tell"),
    [(METRICS, read_metrics, tell_metrics), (LATENT, read_latent, latent_tables)],
)
def test_what_is_edited_is_refused_in_a_line_or_told(plain, read, tell, tmp_path):
    path = write(tmp_path / "edited.json", plain)
    tell(read(path))
    refused = told = 0
    for content in mutated(plain):
        write(path, content)
        try:
            found = read(path)
        except ValueError as error:
            refused += 1
            said = str(error)
        else:
            told += 1
            tell(found)
            continue
        assert said.startswith(str(path))
        assert len(said.splitlines()) == 1
        assert len(said) < 700
    assert refused
    assert told


def test_figures_beside_it_are_taken(tmp_path):
    latent = {"figures": [{"file": "a.png"}], "active": 3}
    assert read_latent(write(tmp_path / "latent.json", latent)) == latent
