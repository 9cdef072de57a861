"""Draw subjects at random, and hold how they differ against real ones.

    python benchmarks/subjects.py --seeds 0 1 2
    python benchmarks/subjects.py --seeds 0 1 2 --others 8

A CVAE learns a simulated cohort in which subjects differ beside age and diagnosis: in
the lengths and widths of their bundles, and in the places of each. Subjects that are
drawn from what it learnt have the ages and diagnoses of others that no training has
seen. Distances between subjects, over those between parts of 100 streamlines of one
subject, are compared with the same ratio of these real ones: the MDF of mean
streamlines, and the dissimilarity of shape (BUAN). At 6 mm, where BUAN calls clusters
near, parts of one subject do not differ; so it is measured at 2 and 2.5 mm as well, and
how well each tells parts of one real subject from those of two.

Each seed trains on a cohort of its own; intervals are of resampled subjects.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from like import LAWS, cohort, conditions_of, train
import numpy as np

from dipy_tractogen.metrics.bundle_similarity import find_clusters
from dipy_tractogen.metrics.distances import mdf
from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.geometry import resample

_NB_BUNDLES, _NB_POINTS, _NB_PARTS = 7, 20, 4
_NB_COMPARED = 100
_NEAR_MM = (6.0, 2.5, 2.0)
_NB_RESAMPLED = 1000
_SEED_OF_OTHERS = 7


def parts_of(points, labels) -> np.ndarray:
    """Return parts of each bundle (parts, bundles, 100, 20, 3), in one direction."""
    found = [
        resample(points[labels == bundle], _NB_POINTS) for bundle in range(_NB_BUNDLES)
    ]
    return np.stack(
        [each.reshape(-1, _NB_COMPARED, _NB_POINTS, 3) for each in found], 1
    )


def drawn_parts(model, number: int, person) -> np.ndarray:
    """Return the same of a subject that is drawn."""
    made = model.generate(
        _NB_BUNDLES * _NB_PARTS * _NB_COMPARED,
        conditions=conditions_of(person),
        balanced=True,
        like=model.draw_subject(number),
        seed=number,
    )
    return parts_of(*made)


def describe(every: list[np.ndarray], nb_shapes: int) -> dict[str, np.ndarray]:
    """Return distances of subjects, by measure: (s, s, bundles).

    On the diagonal are those between parts of a subject.
    """
    means = np.stack([parts.mean(axis=2) for parts in every])
    away = np.linalg.norm(means[:, None, 0] - means[None, :, 0], axis=-1).mean(axis=-1)
    first, second = np.triu_indices(_NB_PARTS, 1)
    own = np.linalg.norm(means[:, first] - means[:, second], axis=-1)
    rows = np.arange(len(every))
    away[rows, rows] = own.mean(axis=(1, 3))
    return {"mdf_of_means_mm": away, **_shapes(every[:nb_shapes])}


def _shapes(every: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return dissimilarities of shape in the same way, by the distance that is near."""
    size = (len(_NEAR_MM), len(every), len(every), _NB_BUNDLES)
    found = np.zeros(size)
    for bundle in range(_NB_BUNDLES):
        centroids = [
            [find_clusters(part).centroids for part in parts[:2, bundle]]
            for parts in every
        ]
        for i, own in enumerate(centroids):
            for j, other in enumerate(centroids[: i + 1]):
                distances = mdf(own[0], other[int(i == j)])
                for row, limit in enumerate(_NEAR_MM):
                    near = distances < limit
                    shares = near.any(axis=0).mean(), near.any(axis=1).mean()
                    found[row, i, j, bundle] = 1 - np.mean(shares)
                    found[row, j, i, bundle] = found[row, i, j, bundle]
    names = [f"shape_dissimilarity_{limit:g}_mm" for limit in _NEAR_MM]
    return dict(zip(names, found))


def between_and_within(distances: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return means (2, bundles) over pairs of chosen subjects, and over subjects."""
    pairs = distances[np.ix_(chosen, chosen)]
    # A subject that is chosen twice is no pair.
    others = (chosen[:, None] != chosen)[..., None]
    between = (pairs * others).sum(axis=(0, 1)) / others.sum()
    return np.stack([between, distances[chosen, chosen].mean(axis=0)])


def told_apart(distances: np.ndarray) -> float:
    """Return how often parts of one subject are nearer than those of two."""
    rows = np.arange(len(distances))
    own = distances[rows, rows][:, None]
    others = distances[np.triu_indices(len(distances), 1)]
    return float(((own < others) + (own == others) / 2).mean())


def ratios(ours: np.ndarray, real: np.ndarray) -> dict[str, np.ndarray]:
    """Compare between and within (2, bundles) with those of real subjects."""
    both = np.column_stack([each.mean(axis=1) for each in (ours, real)])
    found = {"between_over_real": both[0, 0] / both[0, 1]}
    if real[1].min() > 0:
        found["within_over_real"] = both[1, 0] / both[1, 1]
        found["over_real"] = found["between_over_real"] / found["within_over_real"]
        found["over_real_of_bundles"] = (ours[0] / ours[1]) / (real[0] / real[1])
    return found


def compare(ours: dict, real: dict, rng) -> dict[str, dict]:
    """Compare distances by measure with real ones, with intervals of 95 %."""
    result = {}
    for name, theirs in real.items():
        sizes = len(ours[name]), len(theirs)
        found = ratios(
            between_and_within(ours[name], np.arange(sizes[0])),
            between_and_within(theirs, np.arange(sizes[1])),
        )
        again = []
        for _ in range(_NB_RESAMPLED):
            chosen = [rng.integers(size, size=size) for size in sizes]
            again.append(
                ratios(
                    between_and_within(ours[name], chosen[0]),
                    between_and_within(theirs, chosen[1]),
                )
            )
        result[name] = {}
        for key, value in found.items():
            values = [one[key] for one in again if key in one]
            limits = np.percentile(values, (2.5, 97.5), axis=0)
            result[name][key] = {
                "value": np.asarray(value).tolist(),
                "interval": limits.tolist(),
            }
    return result


def spread(every: list[np.ndarray]) -> dict[str, float]:
    """Return root mean squares in mm: about the mean of a subject, and of the means."""
    whole = [np.concatenate(parts, axis=1) for parts in every]
    means = np.stack([each.mean(axis=1) for each in whole])
    within = [
        np.sum((one - one.mean(axis=1)[:, None]) ** 2, -1).mean() for one in whole
    ]
    between = np.sum((means - means.mean(axis=0)) ** 2, axis=-1).mean()
    return {
        "within_mm": float(np.sqrt(np.mean(within))),
        "between_mm": float(np.sqrt(between)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--nb_points", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--drawn", type=int, default=28)
    parser.add_argument("--shapes", type=int, default=14, help="subjects for BUAN")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--others", type=int, default=_SEED_OF_OTHERS, help="seed of real subjects"
    )
    parser.add_argument("--models", type=Path, help="folder where models are, or go")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    logging.getLogger("dipy_tractogen").setLevel(logging.ERROR)
    people = cohort(options.drawn, _NB_PARTS * _NB_COMPARED, options.others)
    real = [parts_of(each.streamlines, each.labels) for _, each in people]
    of_real = describe(real, options.shapes)
    others = options.others
    name = "subjects" if others == _SEED_OF_OTHERS else f"subjects_{others}"
    path = options.out / f"{name}.json"
    result = json.loads(path.read_text()) if path.exists() else {"seeds": {}}
    names = ("subjects", "each", "nb_points", "epochs", "drawn", "shapes", "others")
    result["options"] = {name: getattr(options, name) for name in names}
    result["laws"] = vars(LAWS)
    result["real"] = {
        "spread": spread(real),
        **{
            name: between_and_within(each, np.arange(len(each))).tolist()
            for name, each in of_real.items()
        },
    }
    result["told_apart"] = {name: told_apart(each) for name, each in of_real.items()}
    for seed in options.seeds:
        file = options.models and options.models / f"like_{seed}.keras"
        model = (
            load_model(file)
            if file and file.exists()
            else train(options, seed, options.nb_points)
        )
        if file and not file.exists():
            model.save(file)
        made = [drawn_parts(model, n, person) for n, (person, _) in enumerate(people)]
        rng = np.random.default_rng(0)
        found = result["seeds"][str(seed)] = {
            "last": model.record.history[-1],
            "spread": spread(made),
            **compare(describe(made, options.shapes), of_real, rng),
        }
        print(json.dumps({seed: found}, indent=1), flush=True)
        _add_means(result)
        options.out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1))


def _add_means(result: dict) -> None:
    """Add mean, least and most over the seeds, and bundles whose intervals are off."""
    ways = {"mean": np.mean, "least": np.min, "most": np.max}

    def over_seeds(*keys: str) -> dict[str, float]:
        found = _seeds(result)
        for key in keys:
            found = [one[key] for one in found]
        return {name: float(way(found)) for name, way in ways.items()}

    first = _seeds(result)[0]
    for measure in result["real"]:
        if measure == "spread":
            continue
        keys = first[measure]
        known = {key: over_seeds(measure, key, "value") for key in keys}
        result.setdefault("over_seeds", {})[measure] = known
        if "over_real_of_bundles" in keys:
            own = [one[measure]["over_real_of_bundles"] for one in _seeds(result)]
            low, high = np.stack([one["interval"] for one in own], axis=1)
            known["intervals_without_one"] = int(((low > 1) | (high < 1)).sum())
            known["bundles_of_seeds"] = low.size


def _seeds(result: dict) -> list[dict]:
    return list(result["seeds"].values())


if __name__ == "__main__":
    main()
