"""Compare the backends of Keras on this machine, each in an environment of its own.

    python benchmarks/backends.py --folder FOLDER_WITH_TRACTOGRAMS \
        --python tensorflow=.venv/bin/python jax=JAX/bin/python torch=TORCH/bin/python

Every backend trains the same VAE on the same streamlines for the same steps, with the
same seed, in turns: the time from the start of the process to the first step, steps/s
after it, validations included, and the held-out error of the weights at the end. The
random numbers of the backends differ, so that errors are close and not equal.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import statistics
import subprocess
import sys
import time

from cores import rate_of, step_marks
from speed import write


def one(folder: str, backbone: str, nb_steps: int) -> dict:
    """Train once in this process; return what came of it."""
    began = time.perf_counter()
    from dipy_tractogen.nn import VAE
    from dipy_tractogen.streamlines.io import load_bundles

    imported = time.perf_counter()
    kept, aside = load_bundles(folder).split(0.1, 0)
    model = VAE(latent_dim=24, backbone=backbone)
    batch_size = model.backbone.batch_size
    with step_marks() as marks:
        model.fit(
            kept.streamlines,
            kept.labels,
            kept.bundle_names,
            held_out=aside.streamlines,
            held_out_labels=aside.labels,
            epochs=nb_steps * batch_size / len(kept),
            batch_size=batch_size,
            patience=1.0,
        )
    rate = rate_of(marks)
    last = model.record.history[-1]
    return {
        "seconds_to_import": round(imported - began, 2),
        "seconds_to_first_step": round(marks[0][1] - began, 2),
        **rate,
        "streamlines_per_s": round(rate.get("steps_per_s", 0) * batch_size),
        "val_loss": round(last["val_loss"], 3),
        "held_out_mm": round(model.record.held_out_mm["mean"], 4),
        "percentile_95": round(model.record.held_out_mm["percentile_95"], 4),
        "active_units": model.record.active_units,
        "seconds": model.record.parameters["seconds"],
    }


def in_turns(options) -> list[dict]:
    """Run every backend so many times, in turns; return a row for each run."""
    rows = []
    for _ in range(options.rounds):
        for backend, python in options.python:
            line = [python, __file__, "--folder", options.folder, "--one"]
            line += ["--backbone", options.backbone, "--steps", str(options.steps)]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            done = subprocess.run(
                line, stdout=subprocess.PIPE, env=environment, text=True
            )
            if done.returncode:
                raise RuntimeError(f"{backend} ended with {done.returncode}.")
            found = json.loads(done.stdout.splitlines()[-1])
            rows.append({"backend": backend, "backbone": options.backbone, **found})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def medians(rows: list[dict]) -> dict[str, dict]:
    """Return the medians of the numbers of each backend."""
    names = [name for name, value in rows[0].items() if isinstance(value, int | float)]
    return {
        backend: {
            name: statistics.median(
                row[name] for row in rows if row["backend"] == backend
            )
            for name in names
        }
        for backend in dict.fromkeys(row["backend"] for row in rows)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, help="tractograms")
    parser.add_argument(
        "--python",
        nargs="+",
        type=lambda text: tuple(text.split("=", 1)),
        default=[("tensorflow", sys.executable)],
        help="backend=interpreter, for each backend",
    )
    parser.add_argument("--backbone", default="spectral")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.folder, options.backbone, options.steps)))
        return
    rows = in_turns(options)
    path = options.out / f"backends_{options.backbone}.json"
    write(path, {"medians": medians(rows), "rows": rows})


if __name__ == "__main__":
    main()
