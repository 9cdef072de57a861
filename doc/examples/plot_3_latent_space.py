"""
Looking at a latent space
=========================

What do the latents of a model hold? They are projected, correlated with what can be
measured of streamlines, and walked along.
"""

# %%
# Train
# -----
#
# A variational autoencoder of eight latents learns the phantom. The first latent is
# tied to the length by a term of the loss (:doc:`/choosing`), the others are free.

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
# latent_space/held_out.trx``. Beside each picture there is its data as a table, and
# ``latent.json`` says what was found.

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
# Coloured by bundle and by length: the bundles lie apart, and the length runs through
# each of them.

# sphinx_gallery_alt = "Principal components of the latents: bundles lie apart, lengths run through each."
folder / "latent_pca.png"

# %%

# sphinx_gallery_alt = "t-SNE of the latents: an island for each bundle."
folder / "latent_tsne.png"

# %%
# Dimensions
# ----------
#
# The divergence of each latent from the prior. One that is not active says nothing of a
# streamline.

# sphinx_gallery_alt = "Bars: divergence and variance of each latent dimension."
folder / "latent_units.png"

# %%
# How the ranks of latents and of properties of the streamlines go together: the first
# latent is the length.

# sphinx_gallery_alt = "Heat map of correlations: the first latent goes with the length."
folder / "latent_correlations.png"

# %%
# Traversals
# ----------
#
# A streamline's latents, of which one is moved, decoded: each row a latent, each column
# a step.

# sphinx_gallery_alt = "A grid of streamlines: rows latents, columns steps along each."
folder / "latent_traversal.png"

# %%
# Walks
# -----
#
# The latent that moves the streamlines most, there and back.

# sphinx_gallery_alt = "Streamlines that change smoothly, to and fro, along one latent."
folder / "latent_walk.gif"

# %%
# From one bundle to another.

# sphinx_gallery_alt = "Steps from the streamlines of one bundle to those of another."
folder / "latent_interpolation.png"
