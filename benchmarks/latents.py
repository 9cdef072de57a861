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
from sklearn.linear_model import LogisticRegression

from dipy_tractogen.metrics.distances import NB_POINTS
from dipy_tractogen.metrics.latent import disentanglement, streamline_attributes
from dipy_tractogen.metrics.neighbours import nearest
from dipy_tractogen.nn import VAE, AttributeRegularizer, LabelRegularizer
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.phantom import simulate_fibercup

_ATTRIBUTES = {"length": 0, "curvature": 1}


def train(regularizers, training, held_out, options, **parameters):
    """Train a variational autoencoder on the phantom."""
    model = VAE(
        latent_dim=options.latent_dim,
        sigma_mm=options.sigma_mm,
        regularizers=regularizers,
        seed=options.seed,
        **parameters,
    )
    model.fit(
        training.resample(model.nb_points),
        training.labels,
        training.bundle_names,
        held_out=held_out.resample(model.nb_points),
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


def walks(model, training) -> dict[str, float]:
    """Walk between the means of all pairs of bundles, eleven steps each.

    A step is far where it is farther from the nearest real streamline than its ends.
    """
    z = model.encode(training.streamlines)
    means = [z[training.labels == label].mean(axis=0) for label in range(7)]
    share = np.linspace(0, 1, 11)[:, None]
    pairs = [(a, b) for a in range(7) for b in range(a)]
    paths = np.concatenate([means[a] + share * (means[b] - means[a]) for a, b in pairs])
    points = model.decode(paths, NB_POINTS)
    distance, _ = nearest(points, resample(training.streamlines, NB_POINTS))
    inner = distance[:, 0].reshape(len(pairs), -1)[:, 1:-1]
    steps = np.diff(points.reshape(len(pairs), 11, -1, 3), axis=1)
    size = np.linalg.norm(steps, axis=-1).mean(axis=2)
    return {
        "median_mm_to_nearest_real": float(np.median(inner)),
        "largest_mm_to_nearest_real": float(inner.max()),
        "largest_step_over_mean": float((size.max(axis=1) / size.mean(axis=1)).mean()),
    }


def label(options, training, held_out) -> dict:
    """Linear probe and walks, with and without the label regulariser."""
    results = {}
    variants = {
        "without": ([], {}),
        "sigmoid": ([LabelRegularizer()], {}),
        "sigmoid, absolute": ([LabelRegularizer()], {"kl_variant": "absolute"}),
        "cosine": ([LabelRegularizer(schedule="cosine", length=0.7)], {}),
    }
    for name, (regularizers, parameters) in variants.items():
        model = train(regularizers, training, held_out, options, **parameters)
        last = model.record.history[-1]
        results[name] = {
            "probe": probe(model, training, held_out),
            "held_out_mm": model.record.held_out_mm["mean"],
            "kl": last["val_kl"],
            "label_weight": last.get("bundle_weight"),
            **walks(model, training),
        }
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
        model = train(regularizers, training, held_out, options)
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
    parser.add_argument("--sigma_mm", type=float, default=0.4)
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
