"""Train on a million streamlines of many files: what a user waits for, and the memory.

    python benchmarks/reading.py
    python benchmarks/reading.py human --folder FOLDER_WITH_TRACTOGRAMS

The streamlines of some bundles are copied with shifts and noise to files of several
subjects and formats, whose sizes differ by a factor of ten and more. `dipy_train_vae`
trains on all of them, and on so few that all is in memory. Each runs in a process of
its own, whose peak memory is read from the system, mapped pages of files included.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import platform
import tempfile

import numpy as np
from quality import load
from speed import command

from dipy_tractogen.streamlines.array_sequence import as_sequence, take
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.formats.writers import save_bundles

FORMATS = ("trk", "trx", "tck")
SHIFT_MM = 2.0
NOISE_MM = 0.05


def write_subjects(
    bundles: BundleSet, folder: Path, nb_streamlines: int, nb_subjects: int, seed: int
) -> list[Path]:
    """Write a file a bundle and subject; formats take turns by subject."""
    rng = np.random.default_rng(seed)
    nb_files = nb_subjects * len(bundles.bundle_names)
    sizes = rng.lognormal(0, 0.8, nb_files)
    sizes = np.maximum(nb_streamlines * sizes / sizes.sum(), 1).astype(int)
    sizes[0] += nb_streamlines - sizes.sum()
    files = []
    for number, size in enumerate(sizes):
        subject, label = divmod(number, len(bundles.bundle_names))
        members = np.flatnonzero(bundles.labels == label)
        chosen = take(bundles.streamlines, rng.choice(members, size))
        lengths = chosen._lengths
        shifts = np.repeat(rng.normal(0, SHIFT_MM, (size, 3)), lengths, axis=0)
        noise = rng.normal(0, NOISE_MM, (len(shifts), 3))
        points = (chosen._data + shifts + noise).astype(np.float32)
        name = f"{bundles.bundle_names[label]}.{FORMATS[subject % len(FORMATS)]}"
        files.append(folder / f"sub-{subject:02d}" / name)
        lines = as_sequence(points, lengths)
        save_bundles(files[-1], lines, reference=bundles.reference)
    return files


def training(inputs: list[Path], out: Path, minutes: float) -> dict:
    """Train, and give what it took."""
    from dipy_tractogen.nn import load_model

    options = ["--max_minutes", minutes, "--patience", 1, "--out_dir", out]
    took = command("dipy_train_vae", *inputs, *options, "--quiet")
    record = load_model(out / "model.keras").record
    first, last = record.history[0], record.history[-1]
    steps = last["step"] - first["step"]
    return {
        "nb_files": len(record.data["files"]),
        "input_mib": round(sum(path.stat().st_size for path in inputs) / 2**20),
        "nb_training": record.data["nb_training"],
        "nb_held_out": record.data["nb_held_out"],
        "seconds_to_read": record.data["seconds_to_read"],
        "seconds_to_first_step": record.parameters["seconds_to_first_step"],
        "steps_per_s": round(steps / (last["seconds"] - first["seconds"]), 1),
        "seconds_of_steps": last["seconds"],
        "held_out_mm": record.held_out_mm["mean"],
        **took,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="phantom")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--nb_streamlines", type=int, default=1_000_000)
    parser.add_argument("--nb_small", type=int, default=50_000)
    parser.add_argument("--nb_subjects", type=int, default=15)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    bundles = load(options.data, options.folder, 0)
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "data": options.data,
    }
    for kind in ("small", "large"):
        number = options.nb_small if kind == "small" else options.nb_streamlines
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            files = write_subjects(bundles, folder, number, options.nb_subjects, 0)
            result[kind] = training(files, folder / "out", options.minutes)
        print(json.dumps(result[kind], indent=1), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "reading.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
