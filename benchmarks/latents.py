"""Measure what regularisers of the latent space do.

    python benchmarks/latents.py label
    python benchmarks/latents.py attributes

On the phantom, with and without the regulariser, the same seed; all measures are of
held-out streamlines. They go to standard output and to a JSON file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression

from dipy_tractogen.metrics.disentanglement import (
    disentanglement,
    streamline_attributes,
)
from dipy_tractogen.nn import VAE, AttributeRegularizer, LabelRegularizer
from dipy_tractogen.streamlines.geometry import (
    lengths,
    mean_curvature,
    resample,
    tortuosity,
)
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

_ATTRIBUTES = {"length": 0, "curvature": 1}
_PLAUSIBLE = {
    "length": lengths,
    "curvature": mean_curvature,
    "tortuosity": tortuosity,
}
_WALKED_POINTS = 64
_NEAR_MM = 10.0


def train(regularizers, training, held_out, options, **parameters):
    """Train a variational autoencoder on the phantom."""
    model = VAE(
        latent_dim=options.latent_dim,
        regularizers=regularizers,
        seed=options.seed,
        **parameters,
    )
    model.fit(
        training.streamlines,
        training.labels,
        training.bundle_names,
        held_out=held_out.streamlines,
        held_out_labels=held_out.labels,
        max_minutes=options.minutes,
    )
    return model


def probe(model, training, held_out) -> float:
    """Accuracy of a linear probe that reads the bundle from the latents."""
    z, other = (model.encode(part.streamlines) for part in (training, held_out))
    scale = z.std(axis=0) + 1e-6
    fitted = LogisticRegression(max_iter=2000).fit(z / scale, training.labels)
    return float(fitted.score(other / scale, held_out.labels))


def few_labels(model, training, held_out, each: int = 2, draws: int = 20) -> float:
    """Accuracy of a linear probe that has seen two streamlines of each bundle."""
    z, other = (model.encode(part.streamlines) for part in (training, held_out))
    scale = z.std(axis=0) + 1e-6
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(draws):
        order = rng.permutation(len(z))
        rows = [order[training.labels[order] == label][:each] for label in range(7)]
        rows = np.concatenate(rows)
        fitted = LogisticRegression(max_iter=2000)
        fitted.fit(z[rows] / scale, training.labels[rows])
        scores.append(fitted.score(other / scale, held_out.labels))
    return float(np.mean(scores))


def walks(model, training) -> dict[str, float]:
    """Walk between the means of all pairs of bundles, eleven steps each.

    A streamline on the way is plausible if its length, mean curvature and tortuosity
    are within those of real streamlines, and all its points near some of theirs.
    """
    real = resample(training.streamlines, _WALKED_POINTS)
    z = model.encode(training.streamlines)
    means = [z[training.labels == label].mean(axis=0) for label in range(7)]
    share = np.linspace(0, 1, 11)[:, None]
    pairs = [(a, b) for a in range(7) for b in range(a)]
    paths = np.concatenate([means[a] + share * (means[b] - means[a]) for a, b in pairs])
    points = model.decode(paths, _WALKED_POINTS)
    within = {
        name: _within(measure(points), measure(real))
        for name, measure in _PLAUSIBLE.items()
    }
    near, _ = cKDTree(real.reshape(-1, 3)).query(points.reshape(-1, 3))
    within["place"] = near.reshape(len(points), -1).max(axis=1) <= _NEAR_MM
    size = np.linalg.norm(
        np.diff(points.reshape(len(pairs), 11, -1, 3), axis=1), axis=-1
    )
    size = size.mean(axis=2)
    return {
        **{f"plausible_{name}": float(np.mean(each)) for name, each in within.items()},
        "plausible": float(np.mean(np.all(list(within.values()), axis=0))),
        "largest_step_over_mean": float((size.max(axis=1) / size.mean(axis=1)).max()),
    }


def _within(values: np.ndarray, real: np.ndarray) -> np.ndarray:
    return (values >= real.min()) & (values <= real.max())


def label(options, training, held_out) -> dict:
    """Linear probes and walks, with and without the label regulariser.

    With a small accepted error the bundles lie apart by themselves; with a large one
    the latents hold little.
    """
    results = {}
    variants = {
        "without": ([], {}),
        "sigmoid": ([LabelRegularizer()], {}),
        "sigmoid, absolute": ([LabelRegularizer()], {"kl_variant": "absolute"}),
        "cosine": ([LabelRegularizer(schedule="cosine", length=0.7)], {}),
    }
    for sigma_mm in (0.4, 16.0):
        for name, (regularizers, parameters) in variants.items():
            model = train(
                regularizers,
                training,
                held_out,
                options,
                sigma_mm=sigma_mm,
                **parameters,
            )
            last = model.record.history[-1]
            results[f"{sigma_mm} mm, {name}"] = {
                "probe": probe(model, training, held_out),
                "few_labels": few_labels(model, training, held_out),
                "held_out_mm": model.record.held_out_mm["mean"],
                "kl": last["val_kl"],
                "active_units": model.record.active_units,
                "weight_at_end": last.get("bundle_weight"),
                **walks(model, training),
            }
            print(name, results[f"{sigma_mm} mm, {name}"], flush=True)
    return results


def attributes(options, training, held_out) -> dict:
    """Disentanglement, with and without the attribute regulariser."""
    results = {}
    measured = streamline_attributes(held_out.resample(256))
    measured = {name: measured[name] for name in _ATTRIBUTES}
    variants = {"without": []}
    for form in ("sign", "difference"):
        variants[form] = [AttributeRegularizer(_ATTRIBUTES, form=form)]
    for name, regularizers in variants.items():
        model = train(regularizers, training, held_out, options, sigma_mm=0.4)
        results[name] = {
            **disentanglement(model.encode(held_out.streamlines), measured),
            "held_out_mm": model.record.held_out_mm["mean"],
        }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("label", "attributes"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0.7)
    parser.add_argument("--latent_dim", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    bundles = simulate_fibercup(300, varying_ends=0.3, seed=options.seed)
    training, held_out = bundles.split(0.3, options.seed)
    measure = {"label": label, "attributes": attributes}[options.what]
    results = measure(options, training, held_out)
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1)
    (options.out / f"latents_{options.what}_{options.seed}.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
