"""Ask models for bundles and lengths, and measure what they give.

    python benchmarks/conditions.py cvae phantom
    python benchmarks/conditions.py cvae human --folder ../shared/data/human_bundles
    python benchmarks/conditions.py cvae phantom --backbone conv --minutes 10
    python benchmarks/conditions.py rvae phantom
    python benchmarks/conditions.py aae phantom --adversarial_loss wasserstein --seed 3

Held-out streamlines are set aside before anything else and are used for early stopping
and for the measures only. All lengths are measured on the streamlines as they are
written to a TRX. The measures go to standard output and to a JSON file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import tempfile
import time

import numpy as np
from quality import load

from dipy_tractogen.metrics.evaluation import evaluate, evaluate_generated
from dipy_tractogen.metrics.report_schema import format_table
from dipy_tractogen.nn import AAE, CVAE, RVAE
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.viz.grid import GridRow, plot_grid

MODELS = {"cvae": CVAE, "rvae": RVAE, "aae": AAE}
# Share that is held out, parameters of the model, minutes of optimisation.
SETTINGS = {
    "phantom": (0.3, {"latent_dim": 16, "sigma_mm": 0.4}, 2.0),
    "human": (0.13, {"latent_dim": 24}, 10.0),
}
_NB_ASKED = 9
_NB_EACH = 50
_SHOWN = (0.1, 0.5, 0.9)


def split(options):
    """Return training and held-out streamlines."""
    if options.data == "phantom":
        bundles = simulate_fibercup(300, varying_ends=0.3, seed=options.seed)
    else:
        bundles = load(options.data, options.folder, options.seed)
    return bundles.split(SETTINGS[options.data][0], options.seed)


def train(options, training, held_out):
    """Train the model that is asked for."""
    _, parameters, minutes = SETTINGS[options.data]
    given = {"backbone": options.backbone, "seed": options.seed, **parameters}
    if options.latent_dim:
        given["latent_dim"] = options.latent_dim
    if options.model == "aae":
        given["adversarial_loss"] = options.adversarial_loss
        given["prior"] = options.prior
    model = MODELS[options.model](**given)
    start = time.perf_counter()
    model.fit(
        training.streamlines,
        training.labels,
        training.bundle_names,
        held_out=held_out.streamlines,
        held_out_labels=held_out.labels,
        max_minutes=options.minutes or minutes,
    )
    return model, time.perf_counter() - start


def as_written(points: np.ndarray, labels: np.ndarray, reference) -> np.ndarray:
    """Write streamlines to a TRX, and measure their lengths there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "written.trx")
        names = [f"b{label}" for label in range(labels.max() + 1)]
        save_bundles(
            path, points, reference=reference, labels=labels, bundle_names=names
        )
        return load_bundles(path, out_of_bounds="keep").lengths()


def agreement(asked: np.ndarray, obtained: np.ndarray) -> dict[str, float]:
    """Compare asked and obtained numbers."""
    error = obtained - asked
    return {
        "r2": float(1 - error.var() / asked.var() - error.mean() ** 2 / asked.var()),
        "mean_absolute_error": float(np.abs(error).mean()),
        "bias": float(error.mean()),
    }


def asked_lengths(model, training, held_out, seed: int) -> dict:
    """Ask every bundle for lengths within its own range."""
    lengths = training.lengths()
    asked, obtained, labels = [], [], []
    for label, name in enumerate(training.bundle_names):
        own = lengths[training.labels == label]
        for length in np.quantile(own, np.linspace(0.025, 0.975, _NB_ASKED)):
            points, _ = model.generate(
                _NB_EACH, name, conditions={"length": float(length)}, seed=seed
            )
            asked.append(np.full(_NB_EACH, length))
            labels.append(np.full(_NB_EACH, label))
            obtained.append(as_written(points, labels[-1], held_out.reference))
    asked, obtained, labels = (np.concatenate(p) for p in (asked, obtained, labels))
    by_bundle = {
        name: agreement(asked[labels == label], obtained[labels == label])
        for label, name in enumerate(training.bundle_names)
    }
    worst = max(by_bundle, key=lambda name: by_bundle[name]["mean_absolute_error"])
    return {**agreement(asked, obtained), "worst": worst, "bundles": by_bundle}


def at_one_length(model, training, held_out, seed: int) -> dict:
    """Compare streamlines of one length, of all bundles, with real ones of it."""
    real = held_out.lengths()
    length = float(np.median(real))
    near = np.abs(real - length) <= 0.05 * length
    others = np.abs(training.lengths() - length) <= 0.05 * length
    points, labels = model.generate(
        int(others.sum()),
        conditions={"length": (0.95 * length, 1.05 * length)},
        seed=seed,
    )
    report = evaluate(
        points,
        held_out.select(near).streamlines,
        training.select(others).streamlines,
        seed=seed,
    )["overall"]
    return {
        "length": length,
        "nb_real": int(near.sum()),
        "bundles": np.bincount(labels, minlength=len(training.bundle_names)).tolist(),
        "real_bundles": np.bincount(
            held_out.labels[near], minlength=len(training.bundle_names)
        ).tolist(),
        "generated": report["generated"],
        "real": report["real"],
    }


def draw(model, training, path: Path, seed: int) -> None:
    """Draw a grid: rows bundles, columns asked lengths."""
    lengths = training.lengths()
    rows = []
    for label, name in enumerate(training.bundle_names[:7]):
        own = training.labels == label
        asked = np.quantile(lengths[own], _SHOWN)
        cells = [
            model.generate(60, name, conditions={"length": float(one)}, seed=seed)[0]
            for one in asked
        ]
        texts = [f"{one:.0f} mm asked" for one in asked]
        rows.append(GridRow(name, cells, texts, training.select(own).streamlines))
    titles = [f"length at {100 * share:.0f} %" for share in _SHOWN]
    plot_grid(rows, path, column_titles=titles, force=True)


def run(options) -> dict:
    """Train, generate and measure."""
    training, held_out = split(options)
    model, seconds = train(options, training, held_out)
    seed = options.seed
    nb_generated = 5 * len(training)
    points, labels = model.generate(nb_generated, seed=seed)
    result = {
        "options": {name: str(value) for name, value in vars(options).items()},
        "model": model.get_config(),
        "seconds_of_fit": seconds,
        "last": model.record.history[-1],
        "held_out_mm": model.record.held_out_mm,
        "active_units": model.record.active_units,
        "asked_lengths": asked_lengths(model, training, held_out, seed),
        "at_one_length": at_one_length(model, training, held_out, seed),
        "measures": evaluate_generated(points, labels, held_out, training, seed=seed),
    }
    if options.model == "rvae":
        mean, _ = model.predict_attribute(held_out.resample(model.nb_points))
        result["predicted_length"] = agreement(held_out.lengths(), mean)
    if options.picture:
        draw(model, training, options.picture, seed)
    if options.save:
        model.save(options.save)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("data", choices=SETTINGS)
    parser.add_argument("--folder", help="tractograms of the human bundles")
    parser.add_argument("--backbone", default="spectral")
    parser.add_argument("--latent_dim", type=int)
    parser.add_argument("--adversarial_loss", default="bce")
    parser.add_argument("--prior", default="normal")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.data == "human" and not options.folder:
        parser.error("human needs --folder")
    result = run(options)
    options.out.mkdir(parents=True, exist_ok=True)
    parts = [options.model, options.data, options.backbone, str(options.seed)]
    if options.model == "aae":
        parts += [options.adversarial_loss, options.prior]
    path = options.out / f"conditions_{'_'.join(parts)}.json"
    path.write_text(json.dumps(result, indent=1))
    print(format_table(result.pop("measures")))
    result["asked_lengths"].pop("bundles")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
