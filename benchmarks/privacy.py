"""Attack models with and without data of single training streamlines.

    python benchmarks/privacy.py phantom
    python benchmarks/privacy.py human --folder ../shared/data/human_bundles
    python benchmarks/privacy.py phantom --shadow_models 8

Held-out streamlines are set aside before anything else. The model is the CVAE of
``conditions.py``. It is attacked by point errors, by the distance to the closest of as
many generated streamlines as were trained on, and by that of latents to the closest
stored ones; then `share_model` takes out the latter. Quality is measured of both.

With shadow models, half of the streamlines of the training are members of the attacked
model, and each shadow model is trained on another half. The measures go to standard
output and to a JSON file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from conditions import split, train
import numpy as np

from dipy_tractogen.metrics.copies.membership import (
    attack_power,
    likelihood_ratio,
    membership,
)
from dipy_tractogen.metrics.errors import point_errors
from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.nn import load_model, share_model

MEASURES = ("precision", "recall", "density", "coverage")


def measure(model, training, held_out, seed: int) -> dict:
    """Attack a model, and evaluate what it generates."""
    points, labels = model.generate(len(training), seed=seed)
    overall = evaluate_generated(points, labels, held_out, training, seed=seed)[
        "overall"
    ]
    return {
        "attacks": membership(model, training, held_out, points),
        "generated": {name: overall["generated"][name] for name in MEASURES},
        "real": {name: overall["real"][name] for name in MEASURES},
        "ratios": overall["ratios"],
    }


def errors(model, bundles) -> np.ndarray:
    """Return the point errors of a model in mm."""
    reconstructed = model.reconstruct(bundles)
    return point_errors(model.as_points(bundles.streamlines), reconstructed)


def shadow_attack(options, training, held_out) -> dict:
    """Train models on halves, and attack the first by the others."""
    rng = np.random.default_rng(options.seed)
    nb_models = options.shadow_models + 1
    # Each streamline is in half of the shadow models.
    is_member = np.zeros((nb_models, len(training)), dtype=bool)
    is_member[1 : 1 + options.shadow_models // 2] = True
    is_member[1:] = rng.permuted(is_member[1:], axis=0)
    is_member[0] = rng.random(len(training)) < 0.5
    losses = []
    for own in is_member:
        model, _ = train(options, training.select(own), held_out)
        losses.append(errors(model, training))
    scores = likelihood_ratio(losses[0], np.stack(losses[1:]), is_member[1:])
    return {
        name: attack_power(each[is_member[0]], each[~is_member[0]])
        for name, each in (("shadow", scores), ("reconstruction", -losses[0]))
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=["phantom", "human"])
    parser.add_argument("--folder")
    parser.add_argument("--model_file", help="trained on the same split and seed")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--shadow_models", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="results")
    options = parser.parse_args()
    options.model, options.backbone, options.latent_dim = "cvae", "spectral", None
    training, held_out = split(options)
    if options.shadow_models:
        result = {"halves": shadow_attack(options, training, held_out)}
    else:
        if options.model_file:
            model = load_model(options.model_file)
        else:
            model, _ = train(options, training, held_out)
        result = {
            name: measure(each, training, held_out, options.seed)
            for name, each in (("full", model), ("shared", share_model(model)))
        }
    print(json.dumps(result, indent=1))
    kind = "shadow_" if options.shadow_models else ""
    path = Path(options.out, f"privacy_{kind}{options.data}_{options.seed}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
