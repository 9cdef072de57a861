"""
From DIPY's bundles to a report
===============================

DIPY ships three bundles of five subjects. Here a model learns them, new streamlines are
drawn and measured against real ones that the model never met, and all of it is looked
at. Nothing but the commands of the package is used; at a shell they are typed without
``run``.
"""

# %%
# A command takes files and options, says what it does, and gives an exit code. ``run``
# does what the shell does, and puts the messages here.

from contextlib import redirect_stderr
from pathlib import Path
import shlex
import sys

from dipy_tractogen.workflows.cli import main


def run(line):
    """Run a command line, and stop where it fails."""
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
# learning rate falls to its end with the last of them.

run(
    "dipy_train_vae 'tutorial/bundles/*/*.trk' --held_out 0.25 --epochs 700 "
    "--seed 0 --out_dir tutorial"
)

# %%
# Generate
# --------
#
# Five times as many streamlines as the model was trained on: enough to see whether it
# repeats itself.

run(
    "dipy_generate_streamlines tutorial/model.keras --nb_streamlines 3000 "
    "--seed 0 --out_dir tutorial"
)

# %%
# Look
# ----
#
# The bundles of the five subjects are in spaces of their own, and so are those that are
# generated.

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
# The held-out streamlines, encoded and decoded, in the colour of their error.

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
# Each figure stands beside that of real streamlines, those of training, against the
# same held-out ones: this, and not one, is what a perfect generator would have.
# :ref:`sphx_glr_gallery_plot_5_measures.py` reads them one by one.

run(
    "dipy_evaluate_streamlines tutorial/synthetic.trx tutorial/held_out.trx "
    "--train_files 'tutorial/bundles/*/*.trk' --out_dir tutorial"
)

# %%
# Explore the latent space
# ------------------------
#
# The latents of the held-out streamlines, projected and coloured by bundle and by
# length. There are more pictures: :ref:`sphx_glr_gallery_plot_3_latent_space.py`.

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
# One page of it all, which any browser opens without a network.

run(
    "dipy_write_report tutorial/model.keras --real_files tutorial/held_out.trx "
    "--generated_files tutorial/synthetic.trx "
    "--reconstructed_files tutorial/reconstructed.trx "
    "--metrics_file tutorial/metrics.json --latent_file tutorial/latent/latent.json "
    "--out_dir tutorial"
)
Path("tutorial/report.html")
