"""Train adversarial autoencoders with many seeds, and count those that collapse.

    python benchmarks/adversarial.py --seeds 10 --figure latents.png
    python benchmarks/adversarial.py --losses mmd

On the phantom, for each loss; with bce once for each of the other priors. Streamlines
are generated as the command does, from the density of the latents; those of
``from_prior`` are drawn from the prior itself, given the bundle and a length of it,
with the texture and, as ``without_texture``, as the network decodes them.
``prior_coverage`` is measured during the training, without texture. Results of losses
that are not run are kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.nn import AAE
from dipy_tractogen.nn.backend import forget_graphs
from dipy_tractogen.parameters.terms import AdversaryParameters
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.viz.colours import bundle_colours
from dipy_tractogen.viz.style import default_style, make_figure, save_figure

LOSSES = AdversaryParameters.declared()["adversarial_loss"].choices
_MEASURES = ("precision", "recall", "density", "coverage")
_SHOWN = 4.0


def train(training, held_out, epochs: float, **parameters) -> AAE:
    """Train one model."""
    model = AAE(sigma_mm=0.4, **parameters)
    model.fit(training, held_out=held_out, epochs=epochs)
    return model


def compare(model, training, held_out, **how) -> dict:
    """Compare what a model generates with held-out streamlines, and those with others.

    `how` are options of `generate`.
    """
    points, labels = model.generate(len(training), seed=model.seed, **how)
    report = evaluate_generated(points, labels, held_out, training, seed=model.seed)
    overall, bundles = report["overall"], report["bundles"]
    found = {
        name: {
            key: one["generated"][key] / one["real"][key]
            for key in ("precision", "coverage")
        }
        for name, one in bundles.items()
    }
    shares = {name: one["coverage"] for name, one in found.items()}
    generated, real = overall["generated"], overall["real"]
    return {
        **{name: generated[name] for name in _MEASURES},
        **{f"real_{name}": real[name] for name in _MEASURES},
        "coverage_over_real": generated["coverage"] / real["coverage"],
        "precision_over_real": generated["precision"] / real["precision"],
        "worst_bundle": min(shares, key=shares.get),
        "worst_coverage_over_real": min(shares.values()),
        "worst_precision_over_real": min(one["precision"] for one in found.values()),
        "bundles_present": int(sum(share > 0 for share in shares.values())),
    }


def measure(model, training, held_out) -> dict:
    """Measure what a model generates, from the density of its latents and its prior."""
    last = model.record.history[-1]
    from_prior = compare(model, training, held_out, sampler="prior")
    bare = compare(model, training, held_out, sampler="prior", smooth=True)
    return {
        **compare(model, training, held_out),
        "from_prior": {**from_prior, "without_texture": bare},
        "held_out_mm": model.record.held_out_mm["mean"],
        "watched": last["coverage"],
        "prior_coverage": last["prior_coverage"],
        "seconds": last["seconds"],
    }


def latents_of(model, bundles) -> np.ndarray:
    """Draw a latent of each streamline from its posterior: (n, latent_dim)."""
    seeds = model.seeds_of(bundles.streamlines, bundles.known_values())
    rng = np.random.default_rng(model.seed)
    return seeds.means + seeds.deviations * rng.standard_normal(seeds.means.shape)


@default_style()
def plot_latents(latents: dict[str, np.ndarray], bundles, path: Path) -> None:
    """Plot latents (n, latent_dim) by loss over the density of the normal prior.

    A row for each loss and a plot for each bundle, in the directions in which the
    latents of the bundle vary most and least: the prior is the same in all directions.
    """
    names = bundles.bundle_names
    figure = make_figure(
        len(latents) * len(names), nb_columns=len(names), size=(1.7, 1.8)
    )
    at = np.linspace(-_SHOWN, _SHOWN, 81)
    density = np.exp(-(at**2 + at[:, None] ** 2) / 2)
    panels = iter(figure.axes)
    for loss, z in latents.items():
        for label, (name, colour) in enumerate(bundle_colours(names).items()):
            axes, own = next(panels), z[bundles.labels == label]
            # Eigenvectors are in the order of the variance.
            directions = np.linalg.eigh(np.cov(own.T))[1][:, [-1, 0]]
            axes.contourf(at, at, density, levels=12, cmap="Greys", alpha=0.6)
            axes.scatter(*(own @ directions).T, s=3, color=colour, linewidth=0)
            axes.set(xlim=at[[0, -1]], ylim=at[[0, -1]], aspect="equal")
            axes.set(xticks=(-3, 0, 3), yticks=(-3, 0, 3), title=f"{loss}, {name}")
            axes.title.set_size(8)
    save_figure(figure, path, force=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--losses", nargs="+", choices=LOSSES, default=[*LOSSES])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=float, default=200)
    parser.add_argument("--latent_dim", type=int, default=8)
    parser.add_argument("--figure", type=Path, help="latents of seed 0 over the prior")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    return parser.parse_args()


def main() -> None:
    options = arguments()
    bundles = simulate_fibercup(300, varying_ends=0.3, seed=0)
    training, held_out = bundles.split(0.3, 0)
    runs = [
        {"adversarial_loss": loss, "latent_dim": options.latent_dim, "seed": seed}
        for loss in options.losses
        for seed in range(options.seeds)
    ]
    if "bce" in options.losses:
        runs.append({"prior": "mixture", "latent_dim": options.latent_dim, "seed": 0})
        runs.append({"prior": "swiss_roll", "latent_dim": 2, "seed": 0})
    path = options.out / "adversarial.json"
    earlier = json.loads(path.read_text()) if path.exists() else []
    results = [one for one in earlier if _loss_of(one) not in options.losses]
    latents = {}
    for given in runs:
        model = train(training, held_out, options.epochs, **given)
        found = measure(model, training, held_out)
        results.append({**given, "epochs": options.epochs, **found})
        print(json.dumps(results[-1]), flush=True)
        if not given["seed"] and "prior" not in given:
            latents[given["adversarial_loss"]] = latents_of(model, held_out)
        forget_graphs()
    options.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1))
    if options.figure:
        plot_latents(latents, held_out, options.figure)
    for loss in options.losses:
        of_loss = [one for one in results if one.get("adversarial_loss") == loss]
        for name, rows in (
            ("density", of_loss),
            ("prior", [one["from_prior"] for one in of_loss]),
        ):
            shares = [one["coverage_over_real"] for one in rows]
            print(loss, name, "coverage over real", np.round(shares, 3))


def _loss_of(row: dict) -> str:
    # Other priors are with the default loss.
    return row.get("adversarial_loss", "bce")


if __name__ == "__main__":
    main()
