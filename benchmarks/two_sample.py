"""Let classifiers tell altered streamlines from held-out ones.

    python benchmarks/two_sample.py phantom
    python benchmarks/two_sample.py human --folder ../shared/data/human_bundles
    python benchmarks/two_sample.py tractseg72 --folder ../shared/data/tractseg72

``quality.py`` has the areas under the curve of generated streamlines. These are of
streamlines without texture; of copies of real ones, drawn as often as the residuals of
the texture are, which shows what their repetition alone tells; and of real ones that
were resampled or stored in half precision. One JSON file holds the seeds that were run.
"""

from __future__ import annotations

import numpy as np
from quality import keep, parse, split, train

from dipy_tractogen.metrics.c2st import c2st
from dipy_tractogen.streamlines.array_sequence import as_sequence, take
from dipy_tractogen.streamlines.geometry import resample, resample_by_step


def copied(texture, training, labels, rng):
    """Draw training streamlines as often as each residual is drawn."""
    few = [
        rng.permutation(np.flatnonzero(training.labels == one))[
            : np.sum(texture.labels == one)
        ]
        for one in range(len(training.bundle_names))
    ]
    rows = np.array([rng.choice(few[label]) for label in labels])
    return take(training.streamlines, rows)


def altered(real) -> dict:
    """Return real streamlines that went through one step more."""
    points = resample(real, 256)
    half = real._data.astype(np.float16).astype(np.float32)
    return {
        "256 points": points,
        "256 points, then steps": resample_by_step(points, 0.62),
        "half precision": as_sequence(half, real._lengths, real._offsets),
    }


def run(options, seed: int) -> dict:
    """Return the areas under the curve, by what is told from held-out streamlines."""
    training, held_out = split(options, seed)
    model = train(training, held_out, options, seed)
    smooth, labels = model.generate(len(held_out), smooth=True, seed=seed)
    rng = np.random.default_rng(seed)
    copies = copied(model.record.texture, training, labels, rng)
    candidates = {
        "generated, smooth": (smooth, labels),
        "copies of real": (copies, labels),
    }
    if options.data == "human":
        for name, each in altered(training.streamlines).items():
            candidates[f"real, {name}"] = (each, training.labels)
    return {
        name: _areas(each, own, held_out, seed)
        for name, (each, own) in candidates.items()
    }


def _areas(points, labels, held_out, seed: int) -> dict:
    found = c2st(points, held_out.streamlines, labels, held_out.labels, seed=seed)
    areas = {name: found[name]["value"] for name in ("shape", "texture", "both")}
    return {**areas, "told_by": [each["text"] for each in found["told_by"]]}


def main() -> None:
    options = parse(__doc__.splitlines()[0])
    path = options.out / f"two_sample_{options.data}.json"
    for seed in options.seeds:
        result = run(options, seed)
        keep(path, seed, result)
        for name, each in result.items():
            areas = "  ".join(
                f"{each[key]:.3f}" for key in ("shape", "texture", "both")
            )
            print(f"{name:32s} {areas}  {'; '.join(each['told_by'])}")


if __name__ == "__main__":
    main()
