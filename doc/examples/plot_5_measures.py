"""
Understanding the measures
==========================

How good are generated streamlines? This needs several measures. In this example they are
computed for real streamlines and for four generators, two of which cheat.
"""

# %%
# Train
# -----
#
# A variational autoencoder is trained on the three bundles that DIPY contains.

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from dipy_tractogen import VAE, evaluate, load_bundles, packaged_bundles

bundles = load_bundles(packaged_bundles("measures"))
training, held_out = bundles.split(held_out=0.25, seed=0)
model = VAE(nb_points=128, latent_dim=16, seed=0)
model.fit(
    training.resample(128),
    training.labels,
    training.bundle_names,
    held_out=held_out.resample(128),
    held_out_labels=held_out.labels,
    epochs=600,
    seed=0,
)

# %%
# Four generators
# ---------------
#
# Two generators draw latents: from kernels at those of the training, the default, and from
# the prior, which covers latents that no streamline has. Two cheat: one returns training
# streamlines with a little noise, the other the same streamline again for each bundle.

NB_STREAMLINES = 1500
rng = np.random.default_rng(0)
points = training.resample(128)


def copies():
    """Return training streamlines, moved by a tenth of a millimetre."""
    rows = rng.integers(len(points), size=NB_STREAMLINES)
    moves = rng.normal(0, 0.1, size=(NB_STREAMLINES, 1, 3))
    return points[rows] + moves, training.labels[rows]


def means():
    """Return the mean streamline of each bundle, again and again."""
    labels = np.arange(NB_STREAMLINES) % len(training.bundle_names)
    z = model.encode(points)
    centres = [z[training.labels == label].mean(axis=0) for label in range(3)]
    made = model.decode(np.array(centres))[labels]
    return made + rng.normal(0, 0.1, size=(NB_STREAMLINES, 1, 3)), labels


generators = {
    "manifold": model.generate(NB_STREAMLINES, seed=0),
    "prior": model.generate(NB_STREAMLINES, sampler="prior", seed=0),
    "copies": copies(),
    "means": means(),
}

# %%
# Measure
# -------
#
# Each generator is compared with the held-out streamlines. In each report, ``real`` is the
# comparison of training streamlines with the same held-out ones, in samples of the same size.

reports = {
    name: evaluate(
        made,
        held_out.streamlines,
        training.streamlines,
        generated_labels=labels,
        real_labels=held_out.labels,
        training_labels=training.labels,
        bundle_names=training.bundle_names,
        seed=0,
    )["overall"]
    for name, (made, labels) in generators.items()
}
measured = {"real": (reports["manifold"], "real")}
measured |= {name: (report, "generated") for name, report in reports.items()}

# %%
# Fidelity and diversity
# ----------------------
#
# Precision and density measure whether generated streamlines are near real ones, recall and
# coverage whether real streamlines are near generated ones. The first bar of each group is
# the value of real streamlines, the best that can be expected. Lines are 95 % intervals.

names = ("precision", "recall", "density", "coverage")
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
width = 0.8 / len(measured)
for place, (name, (report, kind)) in enumerate(measured.items()):
    left = np.arange(len(names)) + (place - 2) * width
    heights = np.array([report[kind][one] for one in names])
    limits = np.array([report["intervals"][kind][one] for one in names]).T
    errors = np.abs(limits - heights)
    axes.bar(left, heights, width, yerr=errors, ecolor="0.3", label=name)
axes.set_xticks(np.arange(len(names)), names)
axes.set_title("Fidelity and diversity of five sets of streamlines")
figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
plt.show()

# %%
# The means have no recall: a model whose latents carry no information generates them. The
# prior generates streamlines of no bundle, which lowers the precision. Copies are as good as
# real streamlines in all four: these measures do not detect copies.
#
# Novelty and repetition
# ----------------------
#
# Novelty is the median distance to the nearest training streamline, over that of held-out
# ones: much less than one means memorised. Repetition is the share of streamlines that are
# very close to another one.

print(f"{'':10}{'novelty':>10}{'repetition':>12}{'length W1':>12}{'curvature W1':>14}")
for name, report in reports.items():
    ratios, generated = report["ratios"], report["generated"]
    print(
        f"{name:10}{ratios['novelty']:10.2f}{generated['repetition']:12.1%}"
        f"{ratios['length_w1']:12.2f}{ratios['curvature_w1']:14.2f}"
    )

# %%
# The last two columns are distances between distributions, of length and of curvature,
# over those of real streamlines. A decoder removes detail that the latents do not describe,
# so that streamlines are too short and too straight. Texture, which ``generate`` adds unless
# it has the option ``smooth``, corrects both.
#
# The verdict of the report on copies:

for name, report in reports.items():
    verdict = f"{name}: {report['memorisation']['verdict']}"
    print(textwrap.fill(verdict, 80, subsequent_indent="    "))
