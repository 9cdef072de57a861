"""
Filtering and labelling
=======================

Tracking generates streamlines that belong to no bundle. A model that is trained on plausible
streamlines can separate them, and find the bundle of a streamline.
"""

# %%
# A tractogram with known errors
# ------------------------------
#
# Half of the held-out streamlines of the phantom are not changed; the others are broken,
# have a loop, end early or are shifted.

from pathlib import Path

import numpy as np

from dipy_tractogen import VAE, Reference, save_bundles, simulate_fibercup
from dipy_tractogen.streamlines.simulation.invalid import KINDS, make_invalid

phantom = simulate_fibercup(300, seed=0)
training, rest = phantom.split(held_out=0.4, seed=0)
reference, tracked = rest.split(held_out=0.5, seed=1)
points = tracked.resample(128)
wrong = np.arange(len(points)) % 2 == 0
points[wrong], kinds = make_invalid(points[wrong], seed=0)
for kind, name in enumerate(KINDS):
    print(f"{(kinds == kind).sum()} {name}")

# %%
# Train
# -----

model = VAE(nb_points=128, latent_dim=12, sigma_mm=0.5, seed=0)
model.fit(
    training.resample(128),
    training.labels,
    training.bundle_names,
    epochs=250,
    seed=0,
)

# %%
# Files for the commands
# ----------------------
#
# Thresholds are best learnt from streamlines that the model was not trained on. The
# streamlines to filter have no bundle.

folder = Path("filtering")
folder.mkdir(exist_ok=True)
model.save(folder / "model.keras", overwrite=True)
grid = {"reference": Reference.covering(points), "force": True}
save_bundles(
    folder / "reference.trx",
    reference.streamlines,
    labels=reference.labels,
    bundle_names=reference.bundle_names,
    **grid,
)
save_bundles(folder / "tracked.trx", points, **grid)

# %%
# Filter
# ------
#
# At a shell: ``dipy_filter_streamlines model.keras tracked.trx --reference_files
# reference.trx``. The figures are of held-out examples, which the command creates from the
# reference.

import json

from dipy_tractogen.workflows.filter import FilterStreamlinesFlow

FilterStreamlinesFlow(force=True).run(
    folder / "model.keras",
    [folder / "tracked.trx"],
    reference_files=[folder / "reference.trx"],
    out_dir=folder,
    out_rejected="rejected.trx",
)
found = json.loads((folder / "filter.json").read_text(encoding="utf-8"))
print("F1 on held-out examples:", round(found["held_out"]["f1"], 3))
for name, share in found["held_out_found"].items():
    print(f"{name}: {share:.0%} found")

# %%
# Streamlines that are kept, and those that are rejected.

from dipy_tractogen import load_bundles, render_bundles

kept = load_bundles(folder / "plausible.trx")
rejected = load_bundles(folder / "rejected.trx")
render_bundles(
    [("plausible", kept.streamlines), ("rejected", rejected.streamlines)],
    folder / "filtered.png",
    color_by="direction",
    force=True,
)
# sphinx_gallery_alt = "Clean bundles on the left; on the right broken, looped, cut and shifted streamlines."
folder / "filtered.png"

# %%
# Label
# -----
#
# In this example the bundle of each streamline is known, so that the labels can be scored.
# Invalid streamlines should have no bundle.

from dipy_tractogen.workflows.label import LabelStreamlinesFlow

truth = np.where(wrong, len(phantom.bundle_names), tracked.labels)
save_bundles(
    folder / "known.trx",
    points,
    labels=truth,
    bundle_names=[*phantom.bundle_names, "invalid"],
    **grid,
)
LabelStreamlinesFlow(force=True).run(
    folder / "model.keras",
    [folder / "known.trx"],
    reference_files=[folder / "reference.trx"],
    score=True,
    out_dir=folder,
)
score = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["score"]
print(
    f"accuracy {score['accuracy']:.3f}, mean F1 of the bundles {score['macro_f1']:.3f}"
)

# %%
# The labelled tractogram, by bundle.

labelled = load_bundles(folder / "labelled.trx")
is_labelled = labelled.labels != labelled.bundle_names.index("unassigned")
named = labelled.select(is_labelled)
render_bundles(
    [("labelled", named.streamlines, named.labels, named.bundle_names)],
    folder / "labelled.png",
    force=True,
)
# sphinx_gallery_alt = "Seven bundles, each in its colour."
folder / "labelled.png"
