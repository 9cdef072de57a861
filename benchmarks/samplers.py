"""Compare the samplers of latents on one model.

    python benchmarks/samplers.py phantom
    python benchmarks/samplers.py human --folder ../shared/data/human_bundles
    python benchmarks/samplers.py human --folder ... --model trained.keras

Held-out streamlines are set aside before anything else. The model is the CVAE of
``conditions.py``, trained as there or read from a file. Each sampler is fitted to the
same latents, and five times as many streamlines are generated as were trained on, with
one seed after the other. The table has the means of the draws, for a single one moves
coverage by 0.01. It goes to standard output, all measures go to a JSON file, beside
those of samplers that were run before.
"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
import time

from conditions import SETTINGS, split, train
import numpy as np
from quality import described

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.sampling.condition_request import ConditionRequest
from dipy_tractogen.sampling.samplers.gmm import MixtureSampler
from dipy_tractogen.sampling.samplers.kde import KernelSampler
from dipy_tractogen.sampling.samplers.manifold import ManifoldSampler
from dipy_tractogen.sampling.samplers.rejection import RejectionSampler
from dipy_tractogen.streamlines.geometry import arc_lengths

SAMPLERS = {
    "manifold": lambda: ManifoldSampler(),
    "gmm": lambda: MixtureSampler(),
    "gmm, AIC": lambda: MixtureSampler(criterion="aic"),
    "kde": lambda: KernelSampler(),
    "kde, Silverman": lambda: KernelSampler(bandwidth="silverman"),
    "rejection": lambda: RejectionSampler(),
    "prior": lambda: "prior",
}
MEASURES = ("precision", "recall", "density", "coverage")
ATTRIBUTES = ("length", "curvature", "tortuosity")
_NB_TIMED = 10_000


def timed_draws(density) -> dict[str, float]:
    """Time the fit of a sampler, and its draws of latents alone."""
    start = time.perf_counter()
    request = ConditionRequest(density.conditions)
    density.sample(1, 0, request, 0)
    fitted = time.perf_counter()
    nb_strata = len(density.strata)
    for stratum in range(nb_strata):
        density.sample(_NB_TIMED // nb_strata, stratum, request, (0, stratum))
    drawn = time.perf_counter()
    return {
        "seconds_to_fit": round(fitted - start, 2),
        "seconds_for_10000": round(drawn - fitted, 2),
    }


def measure(model, sampler, training, held_out, *, times: int, seed: int) -> dict:
    """Fit a sampler, generate with it and evaluate."""
    density = model.density_by(sampler)
    result = timed_draws(density)
    points, labels = model.generate(times * len(training), sampler=sampler, seed=seed)
    report = evaluate_generated(points, labels, held_out, training, seed=seed)
    weights = np.bincount(held_out.labels) / np.bincount(labels)
    mean_length = np.average(arc_lengths(points), weights=weights[labels])
    result["mean_length_ratio"] = float(mean_length / held_out.lengths().mean())
    acceptance = getattr(sampler, "acceptance_rate_", None)
    if acceptance is not None:
        result["acceptance_rate"] = acceptance
    overall = report["overall"]
    for kind in ("generated", "real"):
        result[kind] = {key: overall[kind][key] for key in MEASURES}
    result["repetition"] = overall["generated"]["repetition"]
    result["ratios"] = overall["ratios"]
    result["worst_bundle"] = report["worst_bundle"]
    return result


def mean(results: list[dict], *keys: str) -> float:
    """Average a number over draws."""
    return float(
        np.mean([functools.reduce(dict.__getitem__, keys, r) for r in results])
    )


def row(name: str, results: list[dict]) -> str:
    """Return a line of the table."""
    cells = [f"{mean(results, 'generated', key):.3f}" for key in MEASURES]
    cells.append(f"{mean(results, 'ratios', 'novelty'):.2f}")
    cells.append(f"{mean(results, 'repetition'):.3f}")
    cells += [f"{mean(results, 'ratios', f'{key}_w1'):.1f}" for key in ATTRIBUTES]
    cells.append(f"{mean(results, 'mean_length_ratio') - 1:+.1%}")
    cells.append(f"{mean(results, 'seconds_to_fit'):.1f}")
    cells.append(f"{mean(results, 'seconds_for_10000'):.1f}")
    if "acceptance_rate" in results[0]:
        cells.append(f"accepted {mean(results, 'acceptance_rate'):.1%}")
    return f"{name:15s} " + "  ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=SETTINGS)
    parser.add_argument("--folder", help="tractograms of the human bundles")
    parser.add_argument("--model", type=Path, help="weights that were trained before")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=[*SAMPLERS])
    parser.add_argument(
        "--times", type=int, default=5, help="streamlines for each of training"
    )
    parser.add_argument("--repeats", type=int, default=3, help="draws by each")
    parser.add_argument("--save", type=Path, help="where to keep the model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.data == "human" and not options.folder:
        parser.error("human needs --folder")
    training, held_out = split(options)
    if options.model:
        model = described(options.model, training)
    else:
        vars(options).update(model="cvae", backbone="spectral", latent_dim=None)
        model, _ = train(options, training, held_out)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"samplers_{options.data}_{options.seed}.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    seeds = range(options.seed, options.seed + options.repeats)
    for name in options.samplers:
        # A sampler of its own for each draw, for the time that its fit takes.
        results[name] = [
            measure(
                *(model, SAMPLERS[name](), training, held_out),
                times=options.times,
                seed=seed,
            )
            for seed in seeds
        ]
        print(row(name, results[name]), flush=True)
        path.write_text(json.dumps(results, indent=1))
    real = [f"{mean(results[name], 'real', key):.3f}" for key in MEASURES]
    print(f"{'real':15s} " + "  ".join(real))
    if options.save:
        model.save(options.save)


if __name__ == "__main__":
    main()
