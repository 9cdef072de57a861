"""Train the model of twenty human bundles that comes with the package.

    python models/human20.py ../shared/data/human_bundles

The folder holds the bundles of Bertò et al. (doi 10.1016/j.neuroimage.2020.117402). The
model is shared (`share_model`) before it is measured on held-out streamlines, and its
card is ``models/human20.toml``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dipy_tractogen.metrics.evaluation import evaluate_generated
from dipy_tractogen.metrics.report_schema import format_table
from dipy_tractogen.nn import VAE, share_model
from dipy_tractogen.nn.archive.card import measures_of, read_card
from dipy_tractogen.streamlines.io import load_bundles

ROOT = Path(__file__).parents[1]
_HELD_OUT = 0.13
# As the data are described; of which template is not said.
_SPACE = "MNI"
_LARGEST_FILE = 4_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="tractograms of the twenty bundles")
    parser.add_argument("--epochs", type=float, default=244)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "dipy_tractogen" / "models")
    options = parser.parse_args()
    training, held_out = load_bundles(options.folder).split(_HELD_OUT, options.seed)
    full = VAE(latent_dim=24, seed=options.seed)
    full.fit(training, held_out=held_out, epochs=options.epochs, show_progress=True)
    model = share_model(full, seed=options.seed)
    points, labels = model.generate(len(held_out), seed=options.seed)
    report = evaluate_generated(
        points, labels, held_out, training, c2st=True, seed=options.seed
    )
    print(format_table(report))
    card = read_card(Path(__file__).with_suffix(".toml"))
    model.record.card = {**card, "measures": measures_of(report)}
    model.record.space = _SPACE
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "human20.keras"
    model.save(path, overwrite=True)
    size = path.stat().st_size
    print(f"{path}: {size / 1e6:.2f} MB")
    if size > _LARGEST_FILE:
        raise SystemExit(f"More than {_LARGEST_FILE / 1e6:g} MB: too large to ship.")


if __name__ == "__main__":
    main()
