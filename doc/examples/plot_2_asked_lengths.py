"""
Asking for a length
===================

A conditional model is told the bundle and the length of each streamline that it learns,
and is asked for both when it generates. Here it learns the FiberCup-like phantom, whose
lengths are known, and is asked for lengths from the shortest to the longest of a
bundle.
"""

# %%
# Train
# -----
#
# 300 streamlines in each of the seven bundles of the phantom, a quarter of them held
# out, for half a minute.

import matplotlib.pyplot as plt
import numpy as np

from dipy_tractogen import CVAE, simulate_fibercup
from dipy_tractogen.metrics.errors import describe_errors
from dipy_tractogen.streamlines.geometry import lengths

phantom = simulate_fibercup(300, seed=0)
training, held_out = phantom.split(held_out=0.25, seed=0)
model = CVAE(nb_points=128, latent_dim=12, seed=0)
model.fit(
    training.resample(128),
    training.labels,
    training.bundle_names,
    held_out=held_out.resample(128),
    held_out_labels=held_out.labels,
    epochs=250,
    seed=0,
)
error = model.record.held_out_mm["mean"]
print(f"Point error of held-out streamlines: {error:.2f} mm")

# %%
# What the model knows
# --------------------
#
# Every condition says which values the training had. A number outside of that range is
# an extrapolation, and a warning says so.

for condition in model.record.density.conditions:
    print(condition.describe())

# %%
# One length for a bundle
# -----------------------
#
# The bundle's streamlines at its 10th, 50th and 90th percentile of length, over all
# real ones in grey. The streamlines of a column are as long as was asked, and differ.

from pathlib import Path

from dipy_tractogen.viz.grid import GridRow, plot_grid

percentiles = (10, 50, 90)
names = ("bundle_1", "bundle_3", "bundle_6")
rows = []
for name in names:
    real = phantom.select(phantom.labels == phantom.bundle_names.index(name))
    asked = np.percentile(real.lengths(), percentiles)
    cells = [
        model.generate(60, name, conditions={"length": float(mm)}, seed=1)[0]
        for mm in asked
    ]
    obtained = [
        f"asked {mm:.1f} mm, mean {lengths(cell).mean():.1f} mm"
        for mm, cell in zip(asked, cells)
    ]
    rows.append(GridRow(name, cells, obtained, behind=real.streamlines))
folder = Path("asked_lengths")
folder.mkdir(exist_ok=True)
plot_grid(
    rows,
    folder / "asked_lengths.png",
    column_titles=["10th percentile", "median", "90th percentile"],
    title="asked length",
    force=True,
)
# sphinx_gallery_alt = "Three bundles in rows; in each column longer streamlines, over all real ones."
folder / "asked_lengths.png"

# %%
# Asked and obtained
# ------------------
#
# A range asks for lengths drawn from it, as often as the training had them.

points, labels, values = model.generate(
    1400, conditions={"length": (30, 110)}, return_values=True, seed=2
)
asked, obtained = values["asked_length"], values["length"]
print(describe_errors(asked, obtained, "mm"))

figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
for label, name in enumerate(phantom.bundle_names):
    own = labels == label
    axes.scatter(asked[own], obtained[own], s=6, label=name)
axes.axline((60, 60), slope=1, color="0.5", linewidth=1, zorder=0)
axes.set(xlabel="asked length [mm]", ylabel="obtained length [mm]", aspect="equal")
axes.set_title("Asked and obtained length")
axes.legend(frameon=False)
plt.show()
