"""
From DIPY's bundles to a report
===============================

DIPY contains three bundles of five subjects. In this tutorial, a model is trained on them,
new streamlines are generated, and compared with held-out real ones. The results are shown
in pictures and in a report. Only commands of the package are used; at a shell, type them
without ``run``.
"""

# %%
# A command has files and options as arguments, logs its work, and returns an exit code.
# ``run`` runs a command line and prints the messages to this page.

from contextlib import redirect_stderr
from pathlib import Path
import shlex
import sys

from dipy_tractogen.workflows.cli import main


def run(line):
    """Run a command line, and raise an error if it fails."""
    print("$", line)
    command, *arguments = shlex.split(line)
    with redirect_stderr(sys.stdout):
        code = main(command, [*arguments, "--force"])
    if code:
        raise RuntimeError(f"{command} ended with exit code {code}")


# %%
# The data
# --------
#
# The left arcuate fasciculus, the forceps major and the right corticospinal tract: 750
# streamlines of 20 points. Files with the same name in several folders are one bundle.

from dipy_tractogen import packaged_bundles

files = packaged_bundles("tutorial/bundles")
print(len(files), "files, such as", files[0])

# %%
# Train
# -----
#
# A quarter of every bundle is held out. Seven hundred passes take half a minute; the
# learning rate reaches its smallest value in the last one.

run(
    "dipy_train_vae 'tutorial/bundles/*/*.trk' --held_out 0.25 --epochs 700 "
    "--seed 0 --out_dir tutorial"
)

# %%
# Generate
# --------
#
# Five times as many streamlines as in the training are enough to see whether the model
# repeats streamlines.

run(
    "dipy_generate_streamlines tutorial/model.keras --nb_streamlines 3000 "
    "--seed 0 --out_dir tutorial"
)

# %%
# Draw
# ----
#
# The bundles of the five subjects are each in their own space, and so are generated ones.

run(
    "dipy_render_bundles 'tutorial/bundles/*/*.trk' "
    "--compare_with tutorial/synthetic.trx --titles real synthetic "
    "--max_streamlines 750 --out_dir tutorial --out_png real_and_synthetic.png"
)
# sphinx_gallery_alt = "Real streamlines of three bundles on the left, generated ones on the right."
Path("tutorial/real_and_synthetic.png")

# %%
# Reconstruct
# -----------
#
# The held-out streamlines are encoded and decoded, and coloured by their error.

run(
    "dipy_reconstruct_streamlines tutorial/model.keras tutorial/held_out.trx "
    "--out_dir tutorial"
)
run(
    "dipy_render_bundles tutorial/held_out.trx "
    "--compare_with tutorial/reconstructed.trx --titles original reconstructed "
    "--color_by error_mm --out_dir tutorial --out_png reconstructed.png"
)
# sphinx_gallery_alt = "Held-out streamlines on the left, the same encoded and decoded on the right, coloured by error."
Path("tutorial/reconstructed.png")

# %%
# Evaluate
# --------
#
# Each figure is reported together with that of real training streamlines, compared with
# the same held-out ones: this value, and not 1, is the best that a generator can reach.
# :ref:`sphx_glr_gallery_plot_5_measures.py` explains the figures one by one.

run(
    "dipy_evaluate_streamlines tutorial/synthetic.trx tutorial/held_out.trx "
    "--train_files 'tutorial/bundles/*/*.trk' --out_dir tutorial"
)

# %%
# Explore the latent space
# ------------------------
#
# The latents of the held-out streamlines are projected, and coloured by bundle and by
# length. :ref:`sphx_glr_gallery_plot_3_latent_space.py` has more pictures.

run(
    "dipy_explore_latent tutorial/model.keras tutorial/held_out.trx "
    "--out_dir tutorial/latent"
)
# sphinx_gallery_alt = "Two scatter plots of latents: three bundles lie apart; length grows across each."
Path("tutorial/latent/latent_pca.png")

# %%
# Report
# ------
#
# The report is one page with all results, which any browser opens, also offline.

run(
    "dipy_write_report tutorial/model.keras --real_files tutorial/held_out.trx "
    "--generated_files tutorial/synthetic.trx "
    "--reconstructed_files tutorial/reconstructed.trx "
    "--metrics_file tutorial/metrics.json --latent_file tutorial/latent/latent.json "
    "--out_dir tutorial"
)
Path("tutorial/report.html")
