"""What an evaluation takes, how often its intervals hold, and which copies it finds.

    python benchmarks/evaluation.py time --folder FOLDER_WITH_TRACTOGRAMS
    python benchmarks/evaluation.py intervals
    python benchmarks/evaluation.py copies --folder FOLDER_WITH_TRACTOGRAMS

*time* copies the streamlines of bundles with shifts and noise to as many generated,
held-out and training ones, and runs `dipy_evaluate_streamlines` in a process of its
own, whose peak memory is read from the system. *intervals* draws samples of a phantom,
whose streamlines are independent, over and over: the 95 % intervals should hold the
mean of the measure over all the samples in 95 of 100. *copies* mixes streamlines of
training, with a little noise, into real ones that were not trained on.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
import json
import os
from pathlib import Path
import platform
import tempfile
import time

import numpy as np
from speed import command

from dipy_tractogen.metrics.copies.memorisation import memorisation
from dipy_tractogen.metrics.copies.novelty import nearest_distances, same_streamlines
from dipy_tractogen.metrics.distances import mdf_points
from dipy_tractogen.metrics.evaluation import evaluate
from dipy_tractogen.streamlines.array_sequence import as_sequence, take
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

SHIFT_MM = 2.0
NOISE_MM = 0.1
COPY_NOISE_MM = 0.1


def write_set(bundles: BundleSet, path: Path, number: int, seed: int) -> Path:
    """Write so many copies of streamlines, each shifted and with noise."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(bundles), number))
    lines = take(bundles.streamlines, chosen)
    shifts = np.repeat(rng.normal(0, SHIFT_MM, (number, 3)), lines._lengths, axis=0)
    points = lines._data + shifts + rng.normal(0, NOISE_MM, shifts.shape)
    save_bundles(
        path,
        as_sequence(points.astype(np.float32), lines._lengths),
        reference=bundles.reference,
        labels=bundles.labels[chosen],
        bundle_names=bundles.bundle_names,
    )
    return path


def times(bundles: BundleSet, numbers: list[int]) -> list[dict]:
    """Time the command for each number of streamlines."""
    rows = []
    for number in numbers:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            generated, real, training = (
                write_set(bundles, folder / f"{name}.trx", number, seed)
                for seed, name in enumerate(("generated", "real", "training"))
            )
            took = command(
                "dipy_evaluate_streamlines",
                *(generated, real, "--train_files", training),
                *("--out_dir", folder, "--quiet"),
            )
        rows.append({"nb_streamlines": number, **took})
        first = rows[0]
        for name in ("cpu_seconds", "peak_mib"):
            rows[-1][f"{name}_over_first"] = round(took[name] / first[name], 1)
        print(json.dumps(rows[-1]), flush=True)
    return rows


def sample(nb_streamlines: int, seed: int, shift_mm: float):
    """Draw so many streamlines of each of three bundles, shifted at random."""
    bundles = simulate_fibercup(nb_streamlines, seed=seed)
    kept = bundles.select(bundles.labels < 3)
    points = kept.resample(40)
    shifts = np.random.default_rng(seed).normal(0, shift_mm, (len(points), 1, 3))
    return points + shifts.astype(np.float32), kept.labels


def intervals(nb_streamlines: int, nb_samples: int, shift_mm: float) -> dict:
    """Count how often the intervals hold the mean over the samples."""
    values, limits = defaultdict(list), defaultdict(list)
    for number in range(nb_samples):
        sizes = (5 * nb_streamlines, nb_streamlines, nb_streamlines)
        shifts = (shift_mm, 0.0, 0.0)
        sets = [
            sample(size, 3 * number + part, shift)
            for part, (size, shift) in enumerate(zip(sizes, shifts))
        ]
        names = ("generated", "real", "training")
        report = evaluate(
            **{name: points for name, (points, _) in zip(names, sets)},
            **{f"{name}_labels": labels for name, (_, labels) in zip(names, sets)},
            bundle_names=("a", "b", "c"),
            seed=number,
        )
        for where, entry in (
            ("overall", report["overall"]),
            ("bundle", report["bundles"]["a"]),
        ):
            for kind, found in entry["intervals"].items():
                for name, interval in found.items():
                    if interval is not None:
                        values[where, kind, name].append(entry[kind][name])
                        limits[where, kind, name].append(interval)
    rows = {}
    for key, measured in values.items():
        low, high = np.array(limits[key]).T
        mean = np.mean(measured)
        rows[" ".join(key)] = {
            "mean": round(float(mean), 4),
            "deviation": round(float(np.std(measured)), 4),
            "deviation_by_interval": round(float(np.mean(high - low)) / 3.92, 4),
            "held": round(float(np.mean((low <= mean) & (mean <= high))), 3),
        }
    return rows


def copies(bundles: BundleSet, shares: list[float], nb_seeds: int) -> list[dict]:
    """Count in how many of several splits copies are found."""
    rows = []
    for share in shares:
        said, nearer = [], []
        for seed in range(nb_seeds):
            training, rest = bundles.split(0.5, seed=seed)
            held_out, others = rest.split(0.5, seed=seed)
            known, real, new = (
                mdf_points(each.streamlines) for each in (training, held_out, others)
            )
            # As an evaluation does: some real streamlines are there twice.
            known = known[~same_streamlines(known, real)]
            new = new[~same_streamlines(new, known)]
            rng = np.random.default_rng(seed)
            nb_copies = round(share * len(new))
            copied = known[rng.integers(0, len(known), nb_copies)]
            noise = rng.normal(0, COPY_NOISE_MM, copied.shape)
            new[:nb_copies] = copied + noise.astype(np.float32)
            found = memorisation(*(nearest_distances(x, known) for x in (new, real)))
            said.append(found["copies"])
            nearer.append(found["generated"])
        rows.append(
            {
                "share_of_copies": share,
                "share_near": round(float(np.mean(nearer)), 4),
                **{word: said.count(word) for word in ("none", "some", "most")},
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("time", "intervals", "copies"))
    parser.add_argument("--folder", type=Path)
    parser.add_argument(
        "--numbers", type=int, nargs="+", default=[1000, 3000, 10_000, 30_000]
    )
    parser.add_argument("--nb_streamlines", type=int, default=60)
    parser.add_argument("--nb_samples", type=int, default=100)
    parser.add_argument("--shift_mm", type=float, default=0.5)
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[0, 0.02, 0.05, 0.1, 0.5, 1]
    )
    parser.add_argument("--nb_seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    start = time.perf_counter()
    if options.part == "intervals":
        found = intervals(options.nb_streamlines, options.nb_samples, options.shift_mm)
        print(json.dumps(found, indent=1))
    else:
        bundles = (
            load_bundles(options.folder) if options.folder else simulate_fibercup(300)
        )
        found = (
            times(bundles, options.numbers)
            if options.part == "time"
            else copies(bundles, options.shares, options.nb_seeds)
        )
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "seconds": round(time.perf_counter() - start),
        "options": {
            name: value
            for name, value in vars(options).items()
            if not isinstance(value, Path)
        },
        options.part: found,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"evaluation_{options.part}.json"
    path.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
