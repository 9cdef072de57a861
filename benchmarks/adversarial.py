"""Train adversarial autoencoders with many seeds, and count those that collapse.

    python benchmarks/adversarial.py --seeds 10

On the phantom, for both losses; then once for each of the other priors. Streamlines are
generated as the command does, from the density of the latents; ``prior_coverage`` is of
draws from the prior itself.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.nn import AAE
from dipy_tractogen.nn.backend import forget_graphs
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

_MEASURES = ("precision", "recall", "density", "coverage")


def measure(training, held_out, epochs: float, seed: int, **parameters) -> dict:
    """Train one model, and compare what it generates with real streamlines."""
    model = AAE(sigma_mm=0.4, seed=seed, **parameters)
    model.fit(
        training.streamlines,
        training.labels,
        training.bundle_names,
        held_out=held_out.streamlines,
        held_out_labels=held_out.labels,
        epochs=epochs,
    )
    points, labels = model.generate(len(training), seed=seed)
    report = evaluate_generated(points, labels, held_out, training, seed=seed)
    overall, bundles = report["overall"], report["bundles"]
    last = model.record.history[-1]
    shares = {
        name: entry["generated"]["coverage"] / entry["real"]["coverage"]
        for name, entry in bundles.items()
    }
    forget_graphs()
    return {
        **{name: overall["generated"][name] for name in _MEASURES},
        **{f"real_{name}": overall["real"][name] for name in _MEASURES},
        "coverage_over_real": overall["generated"]["coverage"]
        / overall["real"]["coverage"],
        "worst_bundle": min(shares, key=shares.get),
        "worst_coverage_over_real": min(shares.values()),
        "bundles_present": int(sum(share > 0 for share in shares.values())),
        "held_out_mm": model.record.held_out_mm["mean"],
        "watched": last["coverage"],
        "prior_coverage": last["prior_coverage"],
        "seconds": last["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=float, default=200)
    parser.add_argument("--latent_dim", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    bundles = simulate_fibercup(300, varying_ends=0.3, seed=0)
    training, held_out = bundles.split(0.3, 0)
    runs = [
        {"adversarial_loss": loss, "latent_dim": options.latent_dim, "seed": seed}
        for loss in ("bce", "wasserstein")
        for seed in range(options.seeds)
    ]
    runs.append({"prior": "mixture", "latent_dim": options.latent_dim, "seed": 0})
    runs.append({"prior": "swiss_roll", "latent_dim": 2, "seed": 0})
    results = []
    for given in runs:
        found = measure(training, held_out, options.epochs, **given)
        results.append({**given, **found})
        print(json.dumps(results[-1]), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "adversarial.json").write_text(json.dumps(results, indent=1))
    for loss in ("bce", "wasserstein"):
        shares = [
            one["coverage_over_real"]
            for one in results
            if one.get("adversarial_loss") == loss
        ]
        print(loss, "coverage over real", np.round(shares, 3))


if __name__ == "__main__":
    main()
