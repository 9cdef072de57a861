"""Train from scratch, generate, and measure against held-out streamlines.

    python benchmarks/quality.py phantom
    python benchmarks/quality.py packaged
    python benchmarks/quality.py human --folder ../shared/data/human_bundles

Held-out streamlines are set aside before anything else and are used for early stopping
and for the measures only. Five times as many streamlines are generated as were trained
on. The measures, with those of real streamlines beside them, go to standard output and
to a JSON file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import tempfile
import time

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.metrics.report_schema import format_table
from dipy_tractogen.nn import VAE
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.packaged import packaged_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

# Minutes of optimisation, share that is held out, parameters of the model.
SETTINGS = {
    "phantom": (1.0, 0.3, {"latent_dim": 16, "sigma_mm": 0.4}),
    "packaged": (1.0, 0.25, {"latent_dim": 16}),
    "human": (2.0, 0.13, {"latent_dim": 24}),
    "tractseg72": (2.0, 0.13, {"latent_dim": 24}),
}


def load(name: str, folder: str | None, seed: int):
    """Return the bundles of a benchmark."""
    if name == "phantom":
        return simulate_fibercup(300, seed=seed)
    if name in ("human", "tractseg72"):
        return load_bundles(folder)
    with tempfile.TemporaryDirectory() as temporary:
        return load_bundles(packaged_bundles(temporary))


def run(name: str, folder: str | None, seed: int, minutes: float | None) -> dict:
    """Train, generate and evaluate; give settings, training and measures."""
    budget, share, parameters = SETTINGS[name]
    training, held_out = load(name, folder, seed).split(share, seed)
    model = VAE(seed=seed, **parameters)
    start = time.perf_counter()
    model.fit(
        training.streamlines,
        training.labels,
        training.bundle_names,
        held_out=held_out.streamlines,
        held_out_labels=held_out.labels,
        max_minutes=minutes or budget,
        show_progress=True,
    )
    elapsed = time.perf_counter() - start
    points, labels = model.generate(5 * len(training), seed=seed)
    first, last = model.record.history[0], model.record.history[-1]
    report = evaluate_generated(points, labels, held_out, training, seed=seed)
    return {
        "data": name,
        "seed": seed,
        "model": model.get_config(),
        "nb_training": len(training),
        "nb_held_out": len(held_out),
        "steps": last["step"],
        "seconds_of_steps": last["seconds"],
        "seconds_of_fit": round(elapsed, 1),
        "streamlines_per_s": round(
            (last["step"] - first["step"])
            * min(256, len(training))
            / (last["seconds"] - first["seconds"])
        ),
        "held_out_mm": model.record.held_out_mm,
        "truncation_mm": model.record.truncation_mm,
        "active_units": model.record.active_units,
        "measures": report,
    }


def parse(description: str) -> argparse.Namespace:
    """Read the options of a benchmark on one of the data."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", choices=SETTINGS)
    parser.add_argument("--folder", help="tractograms of the human bundles")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.data in ("human", "tractseg72") and not options.folder:
        parser.error(f"{options.data} needs --folder")
    return options


def main() -> None:
    options = parse(__doc__.splitlines()[0])
    result = run(options.data, options.folder, options.seed, options.minutes)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"quality_{options.data}_{options.seed}.json"
    path.write_text(json.dumps(result, indent=1))
    print(format_table(result.pop("measures")))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
