"""Train from scratch, generate, and measure against held-out streamlines.

    python benchmarks/quality.py phantom
    python benchmarks/quality.py packaged
    python benchmarks/quality.py human --folder ../shared/data/human_bundles
    python benchmarks/quality.py tractseg72 --folder ../shared/data/tractseg72

Held-out streamlines are set aside before anything else and are used for early stopping
and for the measures only. Five times as many streamlines are generated as were trained
on. The measures of each seed, with those of real streamlines beside them, go to
standard output and to one JSON file, with those of other seeds that it holds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import tempfile

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.metrics.report_schema import format_table
from dipy_tractogen.nn import VAE, load_model
from dipy_tractogen.nn.training.dataset import TrainingData
from dipy_tractogen.nn.training.latent_summary import describe
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.packaged import packaged_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

# Epochs, share that is held out, parameters of the model. Steps, not minutes, are
# given, so that results do not depend on what else the machine does; on two idle cores
# it is a minute for the phantom and the packaged bundles, and two for the others.
SETTINGS = {
    "phantom": (1000, 0.3, {"latent_dim": 16, "sigma_mm": 0.4}),
    "packaged": (2500, 0.25, {"latent_dim": 16}),
    "human": (244, 0.13, {"latent_dim": 24}),
    "tractseg72": (53, 0.13, {"latent_dim": 24}),
}
# Parts of a report that the file does not hold.
_NOT_KEPT = ("distributions", "parameters")


def load(name: str, folder: str | None, seed: int):
    """Return the bundles of a benchmark."""
    if name == "phantom":
        return simulate_fibercup(300, seed=seed)
    if name in ("human", "tractseg72"):
        return load_bundles(folder)
    with tempfile.TemporaryDirectory() as temporary:
        return load_bundles(packaged_bundles(temporary))


def described(path: Path, training):
    """Read a model, and describe the latents of its training again."""
    model = load_model(path)
    old, points = model.record, training.streamlines
    describe(model, TrainingData(points, training.labels, training.bundle_names))
    model.record.history, model.record.held_out_mm = old.history, old.held_out_mm
    return model


def train(training, held_out, options, seed: int) -> VAE:
    """Train the model of the data, or take that which was trained before."""
    epochs, _, parameters = SETTINGS[options.data]
    if options.models:
        return described(options.models / f"{options.data}_{seed}.keras", training)
    model = VAE(seed=seed, **parameters)
    epochs = options.epochs or epochs
    model.fit(training, held_out=held_out, epochs=epochs, show_progress=True)
    return model


def split(options, seed: int):
    """Return training and held-out streamlines."""
    bundles = load(options.data, options.folder, seed)
    return bundles.split(SETTINGS[options.data][1], seed)


def run(options, seed: int) -> dict:
    """Train, generate and evaluate; return settings, training and measures."""
    training, held_out = split(options, seed)
    model = train(training, held_out, options, seed)
    points, labels = model.generate(5 * len(training), seed=seed)
    report = evaluate_generated(
        points, labels, held_out, training, c2st=True, seed=seed
    )
    print(format_table(report))
    last = model.record.history[-1]
    return {
        "model": model.get_config(),
        "nb_training": len(training),
        "nb_held_out": len(held_out),
        "steps": last["step"],
        "held_out_mm": model.record.held_out_mm,
        "truncation_mm": model.record.truncation_mm,
        "active_units": model.record.active_units,
        "measures": {
            name: each for name, each in report.items() if name not in _NOT_KEPT
        },
    }


def parse(description: str) -> argparse.Namespace:
    """Read the options of a benchmark on one of the data."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", choices=SETTINGS)
    parser.add_argument("--folder", help="tractograms of the human bundles")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=float)
    parser.add_argument(
        "--models", type=Path, help="folder of models DATA_SEED.keras trained before"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.data in ("human", "tractseg72") and not options.folder:
        parser.error(f"{options.data} needs --folder")
    return options


def keep(path: Path, seed: int, result: dict) -> None:
    """Put the result of a seed into a JSON file of several."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    results = dict(sorted({**results, str(seed): result}.items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1), encoding="utf-8")


def main() -> None:
    options = parse(__doc__.splitlines()[0])
    for seed in options.seeds:
        result = run(options, seed)
        keep(options.out / f"quality_{options.data}.json", seed, result)


if __name__ == "__main__":
    main()
