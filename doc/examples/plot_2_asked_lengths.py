"""
Generating for a length
=======================

A conditional model reads the bundle and the length of each training streamline, and
generates streamlines for given ones. In this example it is trained on the FiberCup-like
phantom, and generates streamlines with lengths from the shortest to the longest of a bundle.
"""

# %%
# Train
# -----
#
# Each of the seven bundles of the phantom has 300 streamlines, a quarter of them held
# out. The training takes half a minute.

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
# Conditions
# ----------
#
# Every condition describes its values in the training. A number outside their range is an
# extrapolation, and a warning is logged.

for condition in model.record.density.conditions:
    print(condition.describe())

# %%
# One length for a bundle
# -----------------------
#
# Streamlines are generated for the 10th, 50th and 90th percentile of the length of a bundle,
# and drawn over all real ones in grey. The streamlines of a column have the given length, and
# different shapes.

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
# Requested and obtained length
# -----------------------------
#
# For a range, lengths are drawn from the distribution of the training within it.

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
