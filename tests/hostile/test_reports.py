"""Files that a report is made of, edited before it."""

import json
import shutil

import pytest

from .corruptions import TEXTS, at


def copied(attempt, path):
    """Copy a file to where it may be broken."""
    return shutil.copy(path, attempt.given / path.name) and attempt.given / path.name


def edited(attempt, path, change):
    """Copy a JSON file, and change it on the way."""
    found = json.loads(path.read_text(encoding="utf-8"))
    change(found)
    copy = attempt.given / path.name
    copy.write_text(json.dumps(found), encoding="utf-8")
    return copy


METRICS = {
    "overall of a list": at("overall", value=[1]),
    "overall of numbers": at("overall", value={"generated": 1, "real": 2}),
    "no overall": at("overall", value="gone"),
    "bundles of a list": at("bundles", value=[1]),
    "bundles of numbers": at("bundles", value={"a": 1}),
    "measures of text": at("overall", "generated", "coverage", value="<b>much</b>"),
    "measures of a list": at("overall", "generated", "coverage", value=[1, 2]),
    "measures of mappings": at("overall", "generated", "coverage", value={"a": 1}),
    "measures of 10**400": at("overall", "generated", "coverage", value=10**400),
    "no measures": at("overall", "generated", value={}),
    "no real ones": at("overall", "real", value="gone"),
    "counts of text": at("overall", "counts", value="many"),
    "counts of a list": at("overall", "counts", value=[1, 2]),
    "counts below zero": at("overall", "counts", value={"generated": -5}),
    "held out of text": at("overall", "held_out", value="x"),
    "ratios of a list": at("overall", "ratios", value=[1]),
    "warnings of numbers": at("warnings", value=[1, 2]),
    "warnings of text": at("warnings", value="all is well"),
    "command of a number": at("command", value=7),
    "bundle with markup": lambda found: found["bundles"].update(
        {"<script>alert(1)</script>": next(iter(found["bundles"].values()))}
    ),
    "bundle of nothing": lambda found: found["bundles"].update({"x": {}}),
    "bundle of null": lambda found: found["bundles"].update({"x": None}),
    "deep inside": at("overall", "generated", value=json.loads("[" * 60 + "]" * 60)),
}


@pytest.mark.parametrize("kind", [*TEXTS, *METRICS])
def test_metrics(attempt, good, kind):
    if kind in TEXTS:
        path = attempt.given / "metrics.json"
        path.write_bytes(TEXTS[kind])
    else:
        path = edited(attempt, good.metrics, METRICS[kind])
    codes = (0, 1) if kind in ("bundle with markup", "no measures") else (1,)
    done = attempt("dipy_write_report", good.model, "--metrics_file", path, codes=codes)
    assert done.code == 0 or path.name in done.error


LATENT = {
    "figures of a mapping": at("figures", value={"a": 1}),
    "figures of text": at("figures", value="latent_pca.png"),
    "figures of numbers": at("figures", value=[1, 2]),
    "no figures": at("figures", value="gone"),
    "figure above": at("figures", 0, "file", value="../../etc/passwd"),
    "figure from the root": at("figures", 0, "file", value="/etc/passwd"),
    "figure that is not there": at("figures", 0, "file", value="none.png"),
    "figure of a number": at("figures", 0, "file", value=7),
    "figure without a name": at("figures", 0, "file", value=""),
    "figure that is a folder": at("figures", 0, "file", value="."),
    "title of a number": at("figures", 0, "title", value=7),
    "description of a list": at("figures", 0, "alt", value=[1]),
    "units of text": at("units", value="x"),
    "units of numbers": at("units", value=[1]),
    "traversal of a number": at("traversal", value=7),
    "correlations of a list": at("correlations", value=[1]),
    "correlations of text": at("correlations", "values", value={"z0": ["x"]}),
    "fewer correlations": at("correlations", "attributes", value=[]),
    "disentanglement of text": at("disentanglement", value="x"),
    "command of a list": at("command", value=[1]),
    "warnings of a number": at("warnings", value=7),
}


@pytest.mark.parametrize("kind", [*TEXTS, *LATENT])
def test_latent(attempt, good, kind):
    for figure in good.latent.parent.glob("latent_*"):
        copied(attempt, figure)
    path = attempt.given / "latent.json"
    if kind in TEXTS:
        path.write_bytes(TEXTS[kind])
    else:
        edited(attempt, good.latent, LATENT[kind])
    done = attempt("dipy_write_report", good.model, "--latent_file", path)
    assert path.name in done.error or "none.png" in done.error


SIDECAR = {
    "warnings of a number": at("warnings", value=7),
    "tractogram above": at("tractogram", value="../../../etc/passwd"),
}


@pytest.mark.parametrize("kind", SIDECAR)
def test_record_of_a_generation(attempt, good, kind):
    """It may be left unread with a warning, as the streamlines are what matters."""
    path = copied(attempt, good.synthetic)
    (sidecar,) = good.synthetic.parent.glob("synthetic*.json")
    if kind in TEXTS:
        (attempt.given / sidecar.name).write_bytes(TEXTS[kind])
    else:
        edited(attempt, sidecar, SIDECAR[kind])
    options = ["--generated_files", path]
    attempt("dipy_write_report", good.model, *options, codes=(0, 1))


DESCRIBED = ("group_names", "column_names", "categories")
ODD = ([1], {"bundle": 7}, {"bundle": {"a": "b"}}, {"bundle": {"0": [1]}})
DESCRIPTIONS = [(name, number) for name in DESCRIBED for number in range(len(ODD))]


@pytest.mark.parametrize("kind", [*TEXTS, *DESCRIPTIONS])
def test_names_beside_a_tractogram(attempt, good, kind):
    """Also one that other software wrote may lie there."""
    path = copied(attempt, good.labelled)
    sidecar = path.with_name(f"{path.name}.json")
    if kind in TEXTS:
        sidecar.write_bytes(TEXTS[kind])
    else:
        name, number = kind
        facts = json.loads(good.labelled.with_name(sidecar.name).read_bytes())
        sidecar.write_text(json.dumps({**facts, name: ODD[number]}), encoding="utf-8")
    options = [good.model, path, "--bundles_from", "bundle"]
    attempt("dipy_average_streamlines", *options, codes=(0, 1))
