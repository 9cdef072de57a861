"""Attack models with and without data of single training streamlines.

    python benchmarks/privacy.py phantom
    python benchmarks/privacy.py human --folder ../shared/data/human_bundles
    python benchmarks/privacy.py phantom --shadow_models 8

Training and held-out streamlines, and the model, are those of ``quality.py``. It is
attacked by point errors, by as many generated streamlines as were trained on, and by
the distance of latents to the closest stored ones; then `share_model` takes out the
latter. Quality is measured of both.

With shadow models, half of the streamlines of the training are members of the attacked
model, and each shadow model is trained for some epochs on another half. Losses are
point errors, and distances to the closest generated streamline. The measures go to
standard output and to a JSON file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from quality import SETTINGS, load

from dipy_tractogen.metrics.c2st import c2st
from dipy_tractogen.metrics.copies.membership import (
    attack_power,
    likelihood_ratio,
    membership,
)
from dipy_tractogen.metrics.copies.novelty import nearest_distances
from dipy_tractogen.metrics.distances import mdf_points
from dipy_tractogen.metrics.errors import point_errors
from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.nn import VAE, load_model, share_model

MEASURES = ("precision", "recall", "density", "coverage")
ATTACKS = ("membership_auc", "membership_tpr")


def train(options, training, held_out):
    """Train as ``quality.py`` does, or for some epochs."""
    epochs, _, parameters = SETTINGS[options.data]
    model = VAE(seed=options.seed, **parameters)
    model.fit(training, held_out=held_out, epochs=options.epochs or epochs)
    return model


def measure(model, training, held_out, seed: int) -> dict:
    """Attack a model, and evaluate what it generates."""
    points, labels = model.generate(len(training), seed=seed)
    report = evaluate_generated(
        points, labels, held_out, training, membership=True, seed=seed
    )
    told = c2st(points, held_out.streamlines, labels, held_out.labels, seed=seed)
    overall = report["overall"]
    return {
        "attacks": membership(model, training, held_out, points),
        **{
            kind: {name: overall[kind][name] for name in (*MEASURES, *ATTACKS)}
            for kind in ("generated", "real")
        },
        "c2st": {name: told[name]["value"] for name in ("shape", "texture", "both")},
        "ratios": overall["ratios"],
    }


def losses(model, training, seed: int) -> dict[str, np.ndarray]:
    """Return what tells how well a model knows each streamline, in mm."""
    reconstructed = model.reconstruct(training)
    points = mdf_points(training.streamlines)
    found = {
        "reconstruction": point_errors(
            model.as_points(training.streamlines), reconstructed
        )
    }
    for kind, each in (("full", model), ("shared", share_model(model))):
        generated, _ = each.generate(len(training), seed=seed)
        found[f"generated, {kind}"] = nearest_distances(points, mdf_points(generated))
    return found


def shadow_attack(options, training, held_out) -> dict:
    """Train models on halves, and attack the first by the others."""
    rng = np.random.default_rng(options.seed)
    nb_models = options.shadow_models + 1
    # Each streamline is in half of the shadow models.
    is_member = np.zeros((nb_models, len(training)), dtype=bool)
    is_member[1 : 1 + options.shadow_models // 2] = True
    is_member[1:] = rng.permuted(is_member[1:], axis=0)
    is_member[0] = rng.random(len(training)) < 0.5
    found = [
        losses(train(options, training.select(own), held_out), training, options.seed)
        for own in is_member
    ]
    attacks = {}
    for name in found[0]:
        first, *others = (each[name] for each in found)
        scores = likelihood_ratio(first, np.stack(others), is_member[1:])
        attacks[name] = {
            kind: attack_power(each[is_member[0]], each[~is_member[0]])
            for kind, each in (("ratio", scores), ("loss", -first))
        }
    return attacks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=["phantom", "human"])
    parser.add_argument("--folder")
    parser.add_argument("--model_file", help="trained on the same split and seed")
    parser.add_argument("--epochs", type=int, help="in place of a number of minutes")
    parser.add_argument("--shadow_models", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="benchmarks/results")
    options = parser.parse_args()
    bundles = load(options.data, options.folder, options.seed)
    training, held_out = bundles.split(SETTINGS[options.data][1], options.seed)
    if options.shadow_models:
        result = shadow_attack(options, training, held_out)
    else:
        if options.model_file:
            model = load_model(options.model_file)
        else:
            model = train(options, training, held_out)
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
