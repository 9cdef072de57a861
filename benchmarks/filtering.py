"""Filter and label by latents, on streamlines that nothing was learnt from.

    python benchmarks/filtering.py phantom
    python benchmarks/filtering.py human --folder ../shared/data/human_bundles
    python benchmarks/filtering.py human --model AE --folder ...

Of the streamlines that are set aside half are for early stopping, half for the figures.
The streamlines that are trained on are the reference; thresholds are learnt from them
and from invalid ones made of them. Figures are of the other half and of invalid ones
made of that. Beside the distance that the commands use stand others, with thresholds
learnt in the same way, and the distance of the streamlines themselves (MDF), whose
threshold is learnt from the half for early stopping.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import time

import numpy as np
from quality import SETTINGS, load

from dipy_tractogen import nn
from dipy_tractogen.metrics.errors import point_errors
from dipy_tractogen.metrics.mdf_search import nearest
from dipy_tractogen.segment.filter import LatentFilter
from dipy_tractogen.segment.label import LatentLabels, label_figures
from dipy_tractogen.segment.metric import LatentMetric
from dipy_tractogen.segment.thresholds import best_threshold, figures
from dipy_tractogen.streamlines.simulation.invalid import (
    KINDS,
    InvalidSizes,
    make_invalid,
)

_NB_POINTS_MDF = 20
_HALF = InvalidSizes(
    jump_mm=(5, 10),
    loop_mm=(2.5, 5),
    kept_mm=(20, 50),
    shift_mm=(5, 10),
    turn_degrees=(5, 15),
)


class Sets:
    """Real streamlines of each set and invalid ones made of them, encoded."""

    def __init__(self, model, sets: dict, sizes: InvalidSizes | None):
        self.points, self.outputs, self.labels = {}, {}, {}
        self.kinds: dict[str, np.ndarray] = {}
        for seed, (name, bundles) in enumerate(sets.items()):
            real = bundles.resample(model.nb_points)
            invalid, kinds = make_invalid(real, sizes=sizes, seed=seed)
            points = np.concatenate([real, invalid])
            outputs = model.encode_and_decode(points)
            outputs["error_mm"] = point_errors(points, outputs.pop("points"))
            self.points[name], self.outputs[name] = points, outputs
            nothing = np.full(len(real), -1)
            self.labels[name] = np.concatenate([bundles.labels, nothing])
            self.kinds[name] = np.concatenate([nothing, kinds])


def coordinates(model, sets: Sets) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays that distances are measured between, by their name."""
    reference = sets.outputs["training"]
    of_reference = sets.labels["training"] >= 0
    metric = LatentMetric(lambda z: model.decode(z, nb_points=32))
    metric.fit(reference["z_mean"][of_reference])
    ways = {
        "latents": lambda one: one["z_mean"],
        "latents in mm": lambda one: one["z_mean"] @ metric.factor_,
        "default": lambda one: metric.transform(one["z_mean"], one["error_mm"]),
    }
    if "deviation" in reference:
        deviation = reference["deviation"][of_reference].mean(axis=0)
        ways["latents over deviations"] = lambda one: one["z_mean"] / deviation
    return {
        way: {name: give(outputs) for name, outputs in sets.outputs.items()}
        for way, give in ways.items()
    }


def filtering(sets: Sets, found: dict[str, np.ndarray]) -> dict:
    """Learn a filter of the training streamlines; measure it on the test."""
    labels, truth = sets.labels["training"], sets.labels["test"] >= 0
    groups = np.tile(np.arange(len(labels) // 2), 2)
    one = LatentFilter()
    one.fit(found["training"], labels >= 0, labels.clip(0), groups)
    relative = one.relative_distances(found["test"])
    return {
        **figures(relative, relative <= 1, truth),
        "found": by_kind(sets, relative > 1),
        "expected_f1": one.held_out_figures(labels >= 0)["f1"],
    }


def by_kind(sets: Sets, rejected: np.ndarray) -> dict[str, float]:
    """Return the share of the invalid streamlines of each kind that are found."""
    kinds = sets.kinds["test"]
    return {
        name: float(rejected[kinds == code].mean()) for code, name in enumerate(KINDS)
    }


def by_mdf(sets: Sets) -> tuple[dict, dict]:
    """Filter and label by the nearest training streamline itself."""
    coarse = {name: points[:, _rows(points)] for name, points in sets.points.items()}
    labels = sets.labels["training"]
    reference, labels = coarse["training"][labels >= 0], labels[labels >= 0]
    found = {name: nearest(coarse[name], reference) for name in ("validation", "test")}
    distance, _ = found["validation"]
    limit = best_threshold(distance[:, 0], sets.labels["validation"] >= 0)
    distance, index = found["test"]
    relative, truth = distance[:, 0] / limit, sets.labels["test"]
    real = truth >= 0
    agreement = float((labels[index[:, 0]] == truth)[real].mean())
    filtered = figures(relative, relative <= 1, real)
    filtered["found"] = by_kind(sets, relative > 1)
    return filtered, {"accuracy_of_real": agreement}


def _rows(points: np.ndarray) -> np.ndarray:
    return np.rint(np.linspace(0, points.shape[1] - 1, _NB_POINTS_MDF)).astype(int)


def labelling(sets: Sets, found: dict[str, np.ndarray], names) -> dict:
    """Learn labels of the training streamlines; measure them on the test."""
    labels, truth = sets.labels["training"], sets.labels["test"]
    groups = np.tile(np.arange(len(labels) // 2), 2)
    one = LatentLabels().fit(found["training"], labels, groups)
    given, real = one.predict(found["test"]), truth >= 0
    _, bundles = one.nearest(found["test"][real])
    return {
        "with_invalid": label_figures(given, truth, names),
        "real_only": label_figures(given[real], truth[real], names),
        "without_thresholds": float((bundles == truth[real]).mean()),
    }


def speed(model, sets: Sets, found: dict[str, np.ndarray]) -> dict[str, int]:
    """Time encoding and comparing, once all is compiled."""
    reference = found["training"][sets.labels["training"] >= 0]
    one = LatentFilter(kept_share=0.98).fit(reference, np.ones(len(reference), bool))
    points = np.concatenate([sets.points["test"]] * (1 + 8192 // len(found["test"])))
    start = time.perf_counter()
    model.encode_and_decode(points)
    encoded = time.perf_counter()
    one.predict(np.concatenate([found["test"]] * (1 + 8192 // len(found["test"]))))
    compared = time.perf_counter()
    return {
        "encoded_per_s": round(len(points) / (encoded - start)),
        "compared_per_s": round(len(points) / (compared - encoded)),
    }


def run(
    name: str, kind: str, folder: str | None, seed: int, epochs: float | None
) -> dict:
    """Train a model, learn and measure."""
    own_epochs, share, parameters = SETTINGS[name]
    epochs = epochs or own_epochs
    training, aside = load(name, folder, seed).split(share, seed)
    validation, test = aside.split(0.5, seed)
    model = getattr(nn, kind)(seed=seed, **parameters)
    model.fit(
        training.streamlines,
        training.labels,
        training.bundle_names,
        held_out=validation.streamlines,
        held_out_labels=validation.labels,
        epochs=epochs,
    )
    bundles = {"training": training, "validation": validation, "test": test}
    sets = Sets(model, bundles, None)
    found = coordinates(model, sets)
    filtered, labelled = by_mdf(sets)
    half = Sets(model, bundles, _HALF)
    half_filtered, _ = by_mdf(half)
    half_found = coordinates(model, half)
    return {
        "data": name,
        "model": kind,
        "seed": seed,
        "epochs": epochs,
        "nb_streamlines": {one: len(each) for one, each in bundles.items()},
        "held_out_mm": model.record.held_out_mm,
        "speed": speed(model, sets, found["default"]),
        "filter": {
            **{way: filtering(sets, each) for way, each in found.items()},
            "streamlines, MDF": filtered,
        },
        "filter_half_as_wrong": {
            "default": filtering(half, half_found["default"]),
            "streamlines, MDF": half_filtered,
        },
        "labels": {
            **{
                way: labelling(sets, found[way], training.bundle_names)
                for way in ("latents", "default")
            },
            "streamlines, MDF": labelled,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=("phantom", "human"))
    parser.add_argument("--model", choices=("VAE", "AE", "RVAE"), default="VAE")
    parser.add_argument("--folder", help="tractograms of the human bundles")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.data == "human" and not options.folder:
        parser.error("human needs --folder")
    given = (options.model, options.folder, options.seed, options.epochs)
    result = run(options.data, *given)
    options.out.mkdir(parents=True, exist_ok=True)
    path = (
        options.out
        / f"filtering_{options.model.lower()}_{options.data}_{options.seed}.json"
    )
    path.write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
