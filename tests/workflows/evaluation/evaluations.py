"""Tractograms to evaluate, the command, and what it wrote."""

import json

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.workflows.cli import main


def simulate(seed):
    """Twelve streamlines in each of three bundles."""
    bundles = simulate_fibercup(12, seed=seed)
    return bundles.select(bundles.labels < 3)


def save(path, seed, *, names=None):
    """Write them, the bundles as groups of a TRX."""
    bundles = simulate(seed)
    save_bundles(
        path,
        bundles.streamlines,
        reference=bundles.reference,
        labels=bundles.labels,
        bundle_names=names or bundles.bundle_names,
    )
    return str(path)


def evaluate(folder, *arguments):
    return main("dipy_evaluate_streamlines", [*arguments, "--out_dir", str(folder)])


def read(folder, name="metrics.json"):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads(
        (folder / name).read_text(encoding="utf-8"), parse_constant=refuse
    )


def save_sets(folder):
    """Write generated, held-out and training streamlines."""
    names = ("generated.trx", "held_out.trx", "training.trx")
    return [save(folder / name, seed) for seed, name in enumerate(names)]
