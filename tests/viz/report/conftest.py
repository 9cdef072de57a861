"""A report of everything, on three bundles with the names of an attacker."""

from dataclasses import replace

import numpy as np
from PIL import Image
import pytest

from dipy_tractogen.nn.archive.record import TrainingRecord
from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.viz.report import ReportInputs

NAMES = ("<script>alert(1)</script>", "bundle_10", "Ünïcode \"quoted\" & 'single'")


class VAE:
    """What a report reads of a model."""

    latent_dim = 16

    def __init__(self, record):
        self.record = record

    def get_config(self):
        return {"nb_points": 32, "latent_dim": 16, "regularizers": [], "beta": 1.0}


def make_record():
    history = [
        {"step": 10.0 * i, "loss": 9 / i, "val_loss": 10 / i, "kl": i, "seconds": 40.0}
        for i in range(1, 5)
    ]
    conditions = [
        {"name": "bundle", "categories": list(NAMES), "unit": ""},
        {"name": "length", "categories": [], "low": 20.0, "high": 90.0, "unit": "mm"},
    ]
    conditions[1].update(mean=50.0, deviation=9.0)
    return TrainingRecord(
        bundle_names=list(NAMES),
        bundle_counts=[1200, 30, 400],
        length_ranges=[[20.0, 80.0], [30.0, 90.0], [25.0, 70.0]],
        conditions=conditions,
        held_out_mm={"mean": 0.5, "percentile_95": 1.25},
        active_units=12,
        parameters={
            "seed": 0,
            "command": f"dipy_train_vae {'b.trk ' * 20}--out_dir a",
            "warnings": ["<b>bold</b> warning"],
        },
        data={"files": {"a & b.trk": "0" * 64}, "held_out_counts": {NAMES[1]: 7}},
        history=history,
        versions={"numpy": "2.0"},
    )


def make_entry(recall, *, coverage=0.9):
    return {
        "counts": {"compared": 100, "training": 500},
        "generated": {"precision": 0.95, "recall": recall, "coverage": coverage}
        | {"density": 1.0, "mean_length": 50.0},
        "real": {"precision": 0.96, "recall": 0.97, "coverage": 0.94, "density": 1.0},
        "held_out": {"mean_length": 51.0},
        "ratios": {"novelty": 1.1},
        "intervals": {"generated": {"recall": [recall - 0.02, recall + 0.02]}},
    }


def make_metrics():
    shares = {"generated": [0.4, 0.6], "real": [0.5, 0.5]}
    entries = map(make_entry, (0.9, 0.61, 0.95))
    return {
        "overall": make_entry(0.92),
        "bundles": dict(zip(NAMES, entries)),
        "distributions": {
            "length": {"unit": "mm", "edges": [0, 50, 100], "overall": shares}
        },
        "conditions": {
            "length": {"unit": "mm", "r2": 0.99, "mae": 0.5, "n": 100}
            | {"bundles": {NAMES[1]: {"r2": None, "mae": 0.7, "n": 9}}}
        },
        "model": {"reconstruction_mm": {"mean": 0.6, "p95": 1.5}},
        "thresholds": [
            {"measure": "recall", "bundle": None, "asked": ">=0.99", "value": 0.92}
            | {"limit": 0.99, "met": False}
        ],
        "warnings": ["few streamlines"],
        "command": "dipy_evaluate_streamlines a b",
    }


@pytest.fixture(scope="session")
def inputs(tmp_path_factory, phantom):
    """Everything that a report can tell of; not to be changed."""
    folder = tmp_path_factory.mktemp("report")
    model_file = folder / "model.keras"
    model_file.write_bytes(b"weights")
    frames = [Image.fromarray(np.full((20, 30), i, dtype=np.uint8)) for i in (0, 99)]
    frames[0].save(folder / "walk.gif", save_all=True, append_images=frames[1:])
    frames[1].save(folder / "given.png")
    three = phantom.select(phantom.labels < len(NAMES))
    three = replace(three, bundle_names=NAMES)
    errors = np.linspace(0, 1, len(three))
    made = three.resample(20)
    made[..., 0] += errors[:, None]
    return ReportInputs(
        model_file,
        VAE(make_record()),
        real=three,
        generated=three,
        reconstructed=replace(
            three, streamlines=to_sequence(made), values={"error_mm": errors}
        ),
        generation={
            "parameters": {"seed": 0},
            "command": "dipy_generate_streamlines a",
        },
        metrics=make_metrics(),
        latent={"figures": [{"file": "walk.gif", "title": "Walk", "alt": "A walk"}]},
        latent_dir=folder,
        pictures=[folder / "given.png"],
        captions=['A "given" picture'],
        command="dipy_write_report model.keras",
    )


@pytest.fixture
def drawn(monkeypatch):
    """What reaches the renderer, without rendering, plots and the scene."""
    from dipy_tractogen.viz.report import page, pictures
    from dipy_tractogen.viz.report.images import Image as PageImage

    calls = []

    def note(shown, path, **options):
        calls.append((shown, options))
        Image.new("RGB", (40, 30), "white").save(path)

    monkeypatch.setattr(pictures, "render_bundles", note)
    monkeypatch.setattr(pictures, "plot_grid", note)
    monkeypatch.setattr(page, "report_scene", lambda *_, **options: (None, ""))
    plot = PageImage("data:image/svg+xml;base64,")
    monkeypatch.setattr(pictures, "encode_plot", lambda draw: (plot, plot))
    return calls
