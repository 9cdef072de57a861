"""Compare batch sizes and learning rates at the same number of streamlines seen.

    python benchmarks/batch_size.py --input ../shared/data/tractseg72/tractseg72.trx
    python benchmarks/batch_size.py --input ../shared/data/human_bundles --seen 6e6

Every training is a whole one, whose learning rate falls along its cosine: what is
compared is its end, not a place on its way. The learning rate is that of the backbone
times a power of the batch over the backbone's own: 0 (the same), 0.5 (its square
root), 1 (in proportion) or between. Held-out streamlines say how good the weights are.
Time plays no part, so that other work on the machine changes nothing; a file gets a
line for each training, and those it holds are not made again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from dipy_tractogen import nn
from dipy_tractogen.streamlines.io import load_bundles

# A batch of 32 times the backbone's own at a rate of 32 times its own only diverges.
_LARGEST_RATE = 0.05
_MOST_HELD_OUT = 4000


def trainings(options) -> list[dict]:
    """Return the trainings that are asked for, the cheapest first."""
    rows = []
    for seed in options.seeds:
        for seen in sorted(options.seen):
            for batch_size in options.batch_sizes:
                for power in options.powers:
                    rate = options.rate * (batch_size / options.batch) ** power
                    if batch_size == options.batch and power != options.powers[0]:
                        continue
                    if rate > _LARGEST_RATE:
                        continue
                    rows.append(
                        {
                            "data": Path(options.input).stem,
                            "model": options.model,
                            "backbone": options.backbone,
                            "units": options.units,
                            "seen": seen,
                            "batch_size": batch_size,
                            "learning_rate": round(rate, 6),
                            "seed": seed,
                        }
                    )
    return rows


def train(row: dict, data: dict, options) -> dict:
    """Train once; return what came of it."""
    name = {"spectral": "hidden_units", "conv": "filters"}[row["backbone"]]
    given = {name: row["units"]} if row["units"] else {}
    model = getattr(nn, row["model"])(
        options.nb_points,
        options.latent_dim,
        backbone=row["backbone"],
        backbone_options=given,
        seed=row["seed"],
    )
    try:
        model.fit(
            **data,
            epochs=row["seen"] / len(data["points"]),
            batch_size=row["batch_size"],
            learning_rate=row["learning_rate"],
            patience=1.0,
        )
    except ValueError as error:
        return {**row, "failed": str(error)}
    history = model.record.history
    best = min(history, key=lambda one: one["val_loss"])
    return {
        **row,
        "nb_training": len(data["points"]),
        "steps": int(history[-1]["step"]),
        "val_loss": round(best["val_loss"], 3),
        "loss": round(best["loss"], 3),
        "held_out_mm": round(model.record.held_out_mm["mean"], 4),
        "percentile_95": round(model.record.held_out_mm["percentile_95"], 4),
        "active_units": model.record.active_units,
    }


def prepare(options) -> dict:
    """Return the arrays of a training, as `VAE.fit` takes them."""
    bundles = load_bundles(options.input)
    kept, aside = bundles.split(options.held_out, 0)
    some = np.random.default_rng(0).permutation(len(aside))[:_MOST_HELD_OUT]
    aside = aside.select(np.isin(np.arange(len(aside)), some))
    return {
        "points": kept.resample(options.nb_points),
        "labels": kept.labels,
        "bundle_names": kept.bundle_names,
        "held_out": aside.resample(options.nb_points),
        "held_out_labels": aside.labels,
    }


def table(rows: list[dict]) -> str:
    """Return the means over the seeds as text, a line for each batch and rate."""
    found: dict[tuple, dict] = {}
    for row in rows:
        name = (row["data"], row["model"], row["backbone"], *row["units"])
        key = (name, row["batch_size"], row["learning_rate"])
        found.setdefault(key, {}).setdefault(row["seen"], []).append(row)
    seen = sorted({row["seen"] for row in rows})
    lines = ["streamlines seen, and for each: steps, held-out loss, point error (mm)"]
    lines.append(" " * 18 + "".join(f"{each:>24,.0f}" for each in seen))
    previous = None
    for (name, batch_size, rate), by_seen in sorted(found.items()):
        if name != previous:
            lines.append(" ".join(map(str, name)))
            previous = name
        cells = (_cell(by_seen.get(each, [])) for each in seen)
        lines.append(f"{batch_size:>8} {rate:>8.5f} " + "".join(cells))
    return "\n".join(lines)


def _cell(rows: list[dict]) -> str:
    rows = [row for row in rows if "failed" not in row]
    if not rows:
        return f"{'-':>24}"
    loss, error = (
        np.mean([row[name] for row in rows]) for name in ("val_loss", "held_out_mm")
    )
    return f"{rows[0]['steps']:>9,}{loss:>8.2f}{error:>7.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", required=True, help="tractogram or folder")
    parser.add_argument("--model", default="VAE", choices=("AE", "VAE", "CVAE", "AAE"))
    parser.add_argument("--backbone", default="spectral", choices=("spectral", "conv"))
    parser.add_argument(
        "--units", type=int, nargs="*", default=[], help="of its layers, or filters"
    )
    parser.add_argument("--latent_dim", type=int, default=24)
    parser.add_argument("--nb_points", type=int, default=256)
    parser.add_argument("--seen", type=float, nargs="+", default=[1.5e6, 6e6])
    sizes = [256, 512, 1024, 2048, 4096]
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=sizes)
    parser.add_argument("--powers", type=float, nargs="+", default=[0.0, 0.5, 1.0])
    parser.add_argument("--batch", type=int, default=256, help="the backbone's own")
    parser.add_argument("--rate", type=float, default=2e-3, help="the backbone's own")
    parser.add_argument("--held_out", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/batch_size.jsonl")
    )
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    if options.out.exists():
        lines = options.out.read_text().splitlines()
        rows = [json.loads(line) for line in lines]
    data = None
    for row in trainings(options):
        if any(row.items() <= done.items() for done in rows):
            continue
        data = data or prepare(options)
        rows.append(train(row, data, options))
        with options.out.open("a") as stream:
            stream.write(json.dumps(rows[-1]) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
