"""Train the same variational autoencoder with and without each remedy.

    python benchmarks/remedies.py

Same streamlines of the phantom, same seed, same number of steps; one thing is changed
at a time. For each: held-out point error, KL divergence, active dimensions, and
precision and coverage of generated streamlines (those of real ones stand in the first
row); or that the loss was not finite.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.nn import VAE, TrainingDivergedError
from dipy_tractogen.nn.backend import forget_graphs
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

STRONG = {"beta": 64.0}
# Mean over the points, in place of eight effective ones: the KL divergence wins.
MEAN = {"reduction": "mean", "sigma_mm": 4.0}
# Points in mm as they are, as the prototypes had them.
RAW = {"standardised": False}
PLAIN = {"log_var_limit": None, "zero_log_var": False}
VARIANTS = {
    "defaults": {},
    "batch normalisation": {"batch_normalisation": True},
    "softplus": {"deviation": "softplus"},
    "variances from random weights": {"zero_log_var": False},
    "epsilon_std 0.5": {"epsilon_std": 0.5},
    "reduction sum": {"reduction": "sum"},
    "reduction mean": {"reduction": "mean"},
    "absolute error": {"reconstruction": "absolute"},
    "Huber error": {"reconstruction": "huber"},
    "KL with |z_mean|": {"kl_variant": "absolute"},
    "beta 64": STRONG,
    "beta 64, linear": {**STRONG, "beta_schedule": "linear"},
    "beta 64, cyclical": {**STRONG, "beta_schedule": "cyclical"},
    "beta 64, decreasing": {**STRONG, "beta_schedule": "decreasing"},
    "beta 64, free bits 0.5": {**STRONG, "free_bits": 0.5},
    "mean, sigma 4 mm": MEAN,
    "mean, sigma 4 mm, free bits 0.5": {**MEAN, "free_bits": 0.5},
    "mm as they are, plain exp, random": {**RAW, **PLAIN},
    "mm as they are, limit": {**RAW, **PLAIN, "log_var_limit": 10.0},
    "mm as they are, softplus": {**RAW, **PLAIN, "deviation": "softplus"},
    "mm as they are, defaults": RAW,
}


def run(changes: dict, epochs: float, seed: int) -> dict:
    """Train one variant and measure it."""
    training, held_out = simulate_fibercup(300, seed=seed).split(0.3, seed)
    changes = {"sigma_mm": 0.4, **changes}
    standardised = changes.pop("standardised", True)
    normalised = changes.pop("batch_normalisation", False)
    model = VAE(
        seed=seed, backbone_options={"batch_normalisation": normalised}, **changes
    )
    if not standardised:
        model.network.standardise.adapt = lambda features: None
    aside = held_out.resample(model.nb_points)
    try:
        model.fit(
            training.resample(model.nb_points),
            training.labels,
            training.bundle_names,
            held_out=aside,
            held_out_labels=held_out.labels,
            epochs=epochs,
            patience=1.0,
        )
    except TrainingDivergedError as error:
        return {"diverged": str(error).split(":")[0]}
    points, labels = model.generate(len(training), seed=seed)
    report = evaluate_generated(points, labels, held_out, training, seed=seed)[
        "overall"
    ]
    return {
        "point_error_mm": model.record.held_out_mm["mean"],
        "kl_nats": model.record.history[-1]["val_kl"],
        "active_units": model.record.active_units,
        "precision": report["generated"]["precision"],
        "coverage": report["generated"]["coverage"],
        "real_precision": report["real"]["precision"],
        "real_coverage": report["real"]["coverage"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=float, default=260)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    rows = {}
    for name, changes in VARIANTS.items():
        rows[name] = run(changes, options.epochs, options.seed)
        forget_graphs()
        print(name, rows[name], file=sys.stderr)
    options.out.mkdir(parents=True, exist_ok=True)
    result = {"epochs": options.epochs, "seed": options.seed, "rows": rows}
    (options.out / "remedies.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
