"""
Exploring a latent space
========================

What do the latents of a model describe? In this example they are projected, correlated with
properties of streamlines, and varied one by one.
"""

# %%
# Train
# -----
#
# A variational autoencoder with eight latents is trained on the phantom. A term of the loss
# makes the first latent follow the length (:doc:`/choosing`); the others are free.

from pathlib import Path

from dipy_tractogen import VAE, save_bundles, simulate_fibercup
from dipy_tractogen.nn import AttributeRegularizer

phantom = simulate_fibercup(200, seed=0)
training, held_out = phantom.split(held_out=0.25, seed=0)
model = VAE(
    nb_points=128,
    latent_dim=8,
    regularizers=[AttributeRegularizer({"length": 0})],
    seed=0,
)
model.fit(
    training.resample(128),
    training.labels,
    training.bundle_names,
    held_out=held_out.resample(128),
    held_out_labels=held_out.labels,
    epochs=300,
    seed=0,
)

folder = Path("latent_space")
folder.mkdir(exist_ok=True)
model.save(folder / "model.keras", overwrite=True)
save_bundles(
    folder / "held_out.trx",
    held_out.streamlines,
    reference=held_out.reference,
    labels=held_out.labels,
    bundle_names=held_out.bundle_names,
    force=True,
)

# %%
# Explore
# -------
#
# At a shell this is ``dipy_explore_latent latent_space/model.keras
# latent_space/held_out.trx``. The data of each picture are written as a table, and the
# results to ``latent.json``.

import json

from dipy_tractogen.workflows.explore import ExploreLatentFlow

ExploreLatentFlow(force=True).run(
    folder / "model.keras",
    [folder / "held_out.trx"],
    projection=["pca", "tsne"],
    bundle="bundle_1",
    nb_steps=5,
    interpolate=["bundle_1", "bundle_4"],
    seed=0,
    out_dir=folder,
)
found = json.loads((folder / "latent.json").read_text(encoding="utf-8"))
print(f"{found['active_units']} of {found['latent_dim']} dimensions are active")
for name, r2 in found["disentanglement"]["interpretability"].items():
    print(f"{name}: R2 {r2:.2f} with the dimension that tells it best")

# %%
# Projections
# -----------
#
# Coloured by bundle and by length: the bundles are separate, and the length changes
# continuously within each of them.

# sphinx_gallery_alt = "Principal components of the latents: bundles lie apart, lengths run through each."
folder / "latent_pca.png"

# %%

# sphinx_gallery_alt = "t-SNE of the latents: an island for each bundle."
folder / "latent_tsne.png"

# %%
# Dimensions
# ----------
#
# The divergence of each latent from the prior. A latent that is not active carries no
# information about a streamline.

# sphinx_gallery_alt = "Bars: divergence and variance of each latent dimension."
folder / "latent_units.png"

# %%
# Rank correlations of latents and properties of the streamlines: the first latent follows
# the length.

# sphinx_gallery_alt = "Heat map of correlations: the first latent goes with the length."
folder / "latent_correlations.png"

# %%
# Traversals
# ----------
#
# One latent of each streamline is changed, and the result is decoded: each row is a latent,
# each column a step.

# sphinx_gallery_alt = "A grid of streamlines: rows latents, columns steps along each."
folder / "latent_traversal.png"

# %%
# Animation
# ---------
#
# The latent that moves the streamlines most, forth and back.

# sphinx_gallery_alt = "Streamlines that change smoothly, to and fro, along one latent."
folder / "latent_walk.gif"

# %%
# The interpolation from one bundle to another.

# sphinx_gallery_alt = "Steps from the streamlines of one bundle to those of another."
folder / "latent_interpolation.png"
