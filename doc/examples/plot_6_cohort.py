"""
Age and diagnosis
=================

A cohort is simulated, whose bundles become shorter, wider and shifted with age, and differ
in patients, by given laws. A conditional model is trained on its streamlines, and then
generates streamlines for ages that no subject has.
"""

# %%
# Simulate
# --------
#
# Forty subjects from 20 to 80 years. At a shell ``dipy_simulate_cohort`` writes them as
# a BIDS folder, with ``participants.tsv``.

import matplotlib.pyplot as plt
import numpy as np

from dipy_tractogen import CVAE
from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.simulation.cohort import (
    DIAGNOSES,
    CohortLaws,
    simulate_cohort,
    simulate_participants,
)

laws = CohortLaws()
participants = simulate_participants(40, seed=0)
subjects = list(simulate_cohort(participants, laws, nb_streamlines=15, seed=0))
points = np.concatenate([bundles.resample(128) for _, bundles in subjects])
labels = np.concatenate([bundles.labels for _, bundles in subjects])
numbers = [len(bundles) for _, bundles in subjects]
age = np.repeat([one.age for one, _ in subjects], numbers)
diagnosis = np.repeat([one.diagnosis for one, _ in subjects], numbers)
print(f"{len(points)} streamlines of {len(subjects)} subjects")

# %%
# Train
# -----
#
# Every model has the conditions bundle and length. Age and diagnosis are given by name.

model = CVAE(nb_points=128, latent_dim=12, sigma_mm=0.5, seed=0)
model.fit(
    points,
    labels,
    subjects[0][1].bundle_names,
    values={"age": age, "diagnosis": diagnosis},
    units={"age": "years"},
    epochs=120,
    seed=0,
)
for condition in model.record.density.conditions:
    print(condition.describe())

# %%
# Generate
# --------
#
# The same bundle of young and old controls and patients, over all real streamlines of the
# bundle in grey.

from pathlib import Path

from dipy_tractogen.viz.grid import GridRow, plot_grid

ages = (25.0, 50.0, 75.0)
name = "bundle_1"
behind = points[labels == model.record.bundle_names.index(name)]
rows = []
for group in DIAGNOSES:
    cells = [
        model.generate(60, name, conditions={"age": a, "diagnosis": group}, seed=1)[0]
        for a in ages
    ]
    texts = [f"mean length {lengths(cell).mean():.1f} mm" for cell in cells]
    rows.append(GridRow(group, cells, texts, behind=behind, bundle=name))
folder = Path("cohort")
folder.mkdir(exist_ok=True)
plot_grid(
    rows,
    folder / "asked_ages.png",
    column_titles=[f"{a:.0f} years" for a in ages],
    title="asked age",
    force=True,
)
# sphinx_gallery_alt = "Controls above, patients below: streamlines get shorter and wider from 25 to 75 years."
folder / "asked_ages.png"

# %%
# Recover the laws
# ----------------
#
# The mean length of generated streamlines, of all seven bundles together, by age. The lines
# are the laws; their scale is fitted, because the laws are about ratios.


def mean_length(years, group):
    """Return the mean length in mm of 700 streamlines, 100 in each bundle."""
    asked = {"age": float(years), "diagnosis": group}
    made, _ = model.generate(700, conditions=asked, balanced=True, seed=2)
    return lengths(made).mean()


asked = np.arange(22.5, 80, 5)
stated = np.array(
    [[laws.length_factor(a - 20, one) for a in asked] for one in DIAGNOSES]
)
obtained = np.array([[mean_length(a, one) for a in asked] for one in DIAGNOSES])
scale = (obtained / stated).mean()

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for row, group in enumerate(DIAGNOSES):
    axes.plot(asked, scale * stated[row], color=f"C{row}", label=f"{group}, stated")
    axes.plot(asked, obtained[row], f"C{row}o", label=f"{group}, generated")
axes.set(xlabel="age [years]", ylabel="mean length [mm]")
axes.set_title("Mean length by age, as stated and as generated")
axes.legend(frameon=False)
plt.show()

lacking = 1 - (obtained[1] / obtained[0]).mean()
print(
    f"Patients lack {lacking:.1%} of the length; stated are {laws.patient_length:.1%}"
)
