"""Train a classifier on generated streamlines, and fill sparse bundles with them.

    python benchmarks/usefulness.py classifier --folder ../shared/data/human_bundles
    python benchmarks/usefulness.py sparse --folder ../shared/data/human_bundles

*classifier*: a few real streamlines of each bundle are known. Classifiers learn from
them alone, from them with copies that are shifted at random, from them with those of a
model that is trained on them, and from the latter alone. They are tested on real
streamlines that nothing was trained on. One is linear, on the distances to a
hundred prototypes (dissimilarities), as in Classifyber (Bertò et al., 2021); the
other takes the bundle of the nearest streamline. Both measure by MDF, so that the
direction of storage does not matter.

*sparse*: each seed cuts a fifth of the bundles to a twentieth of their streamlines, the
others stay whole. The cut bundles are filled to the number of a reference, by the
model that is trained on all, or by copies that are shifted at random. The reference is
half of the streamlines that were cut off; the other half is what real ones reach.

The copies are shifted as a whole, normally, by as much in the mean as the median
distance to the nearest streamline of the bundle.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dipy_tractogen.metrics.bundle_similarity import (
    VOXEL_SIZE,
    Grid,
    volume_overlap,
    voxel_incidence,
)
from dipy_tractogen.metrics.distances import mdf, mdf_points
from dipy_tractogen.metrics.mdf_search import nearest
from dipy_tractogen.metrics.prdc import prdc
from dipy_tractogen.nn import VAE
from dipy_tractogen.nn.backend import forget_graphs
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.io import load_bundles

NUMBERS = (5, 20, 100)
"""Real streamlines that are known of each bundle."""

_SHARE_TESTED = 0.4
_NB_GENERATED = 100
_NB_PROTOTYPES = 100
_NB_POINTS = 128
# Every fifth bundle is cut in the same run, to this share.
_EVERY = 5
_SHARE_KEPT = 0.05
_BATCH = 256
# Mean norm of a standard normal shift in three dimensions.
_MEAN_SHIFT = np.sqrt(8 / np.pi)


def train(bundles, steps: int, seed: int, *, balanced: bool = False) -> VAE:
    """Train a model for a number of steps, with nothing held out."""
    model = VAE(latent_dim=24, seed=seed)
    epochs = steps * min(_BATCH, len(bundles)) / len(bundles)
    model.fit(bundles, epochs=epochs, batch_size=_BATCH, balanced=balanced)
    return model


def shifted_copies(points: np.ndarray, number: int, rng) -> np.ndarray:
    """Draw streamlines of a bundle (n, p, 3), each shifted as a whole."""
    distances, _ = nearest(mdf_points(points), k=1)
    deviation = np.median(distances) / _MEAN_SHIFT
    drawn = points[rng.integers(len(points), size=number)]
    return drawn + rng.normal(0, deviation, (number, 1, 3)).astype(np.float32)


# ------------------------------------------------------------------ train on few


class Dissimilarities:
    """Distances of streamlines to prototypes: of all points, and of the ends."""

    def __init__(self, points: np.ndarray, rng):
        chosen = [int(rng.integers(len(points)))]
        distances = mdf(points, points[chosen])[:, 0]
        for _ in range(min(_NB_PROTOTYPES, len(points)) - 1):
            chosen.append(int(np.argmax(distances)))
            distances = np.minimum(distances, mdf(points, points[chosen[-1:]])[:, 0])
        self._prototypes = points[chosen]

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return the distances (n, 2 * nb_prototypes) of streamlines (n, 20, 3)."""
        ends = mdf(points[:, [0, -1]], self._prototypes[:, [0, -1]])
        return np.hstack([mdf(points, self._prototypes), ends])


def scores(points, labels, test_points, test_labels, seed: int) -> dict[str, float]:
    """Return the macro F1 of both classifiers, from streamlines (n, 20, 3)."""
    features = Dissimilarities(points, np.random.default_rng(seed))
    linear = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
    )
    linear.fit(features.of(points), labels)
    found = {
        "linear": linear.predict(features.of(test_points)),
        "nearest": labels[nearest(test_points, points, k=1)[1][:, 0]],
    }
    return {
        name: float(f1_score(test_labels, each, average="macro"))
        for name, each in found.items()
    }


def training_sets(few, steps: int, seed: int, rng) -> dict[str, tuple]:
    """Return streamlines (n, 20, 3) and labels to learn from, of known ones."""
    real, labels = mdf_points(few.streamlines), few.labels
    codes = np.arange(len(few.bundle_names))
    model = train(few, steps, seed)
    made, made_labels = model.generate(
        _NB_GENERATED * len(codes), balanced=True, seed=seed
    )
    made = mdf_points(made)
    copies = [
        shifted_copies(real[labels == code], _NB_GENERATED, rng) for code in codes
    ]
    copied = np.repeat(codes, _NB_GENERATED)
    return {
        "real": (real, labels),
        "real and shifted": (
            np.concatenate([real, *copies]),
            np.concatenate([labels, copied]),
        ),
        "real and generated": (
            np.concatenate([real, made]),
            np.concatenate([labels, made_labels]),
        ),
        "generated": (made, made_labels),
    }


def classifier(bundles, steps: int, seed: int) -> list[dict]:
    """Return the scores of a seed, for each number of streamlines and training."""
    known, test = bundles.split(_SHARE_TESTED, seed)
    tested = mdf_points(test.streamlines), test.labels, seed
    results = []
    for number in NUMBERS:
        rng = np.random.default_rng([seed, number])
        rows = [
            rng.choice(np.flatnonzero(known.labels == label), number, replace=False)
            for label in range(len(known.bundle_names))
        ]
        few = known.select(np.concatenate(rows))
        sets = training_sets(few, steps, seed, rng)
        for name, (points, of) in sets.items():
            results.append(
                {
                    "seed": seed,
                    "nb_real": number,
                    "trained_on": name,
                    "nb_trained_on": len(points),
                    **scores(points, of, *tested),
                }
            )
            print(json.dumps(results[-1]), flush=True)
    return results


# ---------------------------------------------------------------- sparse bundles


def compare(filled: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Compare the streamlines of a bundle (n, 128, 3) with others of it."""
    found = prdc(mdf_points(filled), mdf_points(reference))
    voxels = voxel_incidence([filled, reference], Grid.of_size(VOXEL_SIZE))
    overlap = {name: each.value for name, each in volume_overlap(*voxels).items()}
    names = ("precision", "recall", "density", "coverage")
    return {name: found[name] for name in names} | overlap


def sparse(bundles, steps: int, seed: int) -> list[dict]:
    """Return measures of each bundle that a seed cuts, by what it is filled with."""
    rng = np.random.default_rng(seed)
    cut, parts, rows = range(seed % _EVERY, len(bundles.bundle_names), _EVERY), {}, []
    for label in range(len(bundles.bundle_names)):
        own = rng.permutation(np.flatnonzero(bundles.labels == label))
        if label in cut:
            nb_kept = round(_SHARE_KEPT * len(own))
            half = nb_kept + (len(own) - nb_kept) // 2
            parts[label] = own[:nb_kept], own[nb_kept:half], own[half:]
            own = own[:nb_kept]
        rows.append(own)
    model = train(bundles.select(np.concatenate(rows)), steps, seed, balanced=True)
    results = []
    for label, part in parts.items():
        kept, reference, others = (
            resample(bundles.select(each).streamlines, _NB_POINTS) for each in part
        )
        name, number = bundles.bundle_names[label], len(reference) - len(kept)
        made = resample(model.generate(number, name, seed=seed)[0], _NB_POINTS)
        sets = {
            "cut": kept,
            "shifted": np.concatenate([kept, shifted_copies(kept, number, rng)]),
            "generated": np.concatenate([kept, made]),
            "real": others[: len(reference)],
        }
        for filling, points in sets.items():
            results.append(
                {
                    "seed": seed,
                    "bundle": name,
                    "nb_kept": len(kept),
                    "nb_reference": len(reference),
                    "filled_with": filling,
                    **compare(points, reference),
                }
            )
            print(json.dumps(results[-1]), flush=True)
    return results


BENCHMARKS = {"classifier": (classifier, 600), "sparse": (sparse, 1000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--folder", required=True, help="tractograms of the bundles")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--steps", type=int, help="steps of each training")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    measure, steps = BENCHMARKS[options.benchmark]
    bundles = load_bundles(options.folder)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"usefulness_{options.benchmark}.json"
    results = []
    for seed in options.seeds:
        results += measure(bundles, options.steps or steps, seed)
        forget_graphs()
        path.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
