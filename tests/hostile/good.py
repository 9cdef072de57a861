"""Good inputs of every command, for the tests to break copies of."""

import numpy as np
import pytest

from dipy_tractogen.nn import AE
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup
from dipy_tractogen.workflows.cli import main

from .roles import SMALL, SWEEP


class Good:
    """Good inputs of the commands, made when they are first asked for.

    Parameters
    ----------
    folder : Path
        Where they are made.
    **made
        Inputs that there are already.
    """

    def __init__(self, folder, **made):
        self.folder = folder
        vars(self).update(made)

    def __getattr__(self, name):
        """Make an input, once."""
        maker = getattr(type(self), f"_make_{name}", None)
        if maker is None:
            raise AttributeError(name)
        made = maker(self)
        setattr(self, name, made)
        return made

    @property
    def folders(self):
        """Where the inputs are."""
        return [self.folder, self.bundles[0].parent, self.model.parent]

    def tractogram(self, extension):
        """Give bundle_1 as a file of a format."""
        path = self.folder / "formats" / f"bundle_1{extension}"
        if not path.exists():
            bundle = self.phantom.select(self.phantom.labels == 0)
            labelled = {"labels": np.zeros(12, int), "bundle_names": ("bundle_1",)}
            data = {"data_per_streamline": {"weight": np.arange(12.0)}}
            if extension != ".trx":
                labelled = {}
            if extension not in (".trx", ".trk"):
                data = {}
            if extension not in (".tck", ".dpy"):
                n = bundle.nb_points
                of_points = {"FA": np.arange(n) / n, "t": np.ones((n, 9))}
                data["data_per_point"] = of_points
            save_bundles(
                path,
                bundle.streamlines,
                reference=self.phantom.reference,
                **labelled,
                **data,
            )
        return path

    def _run(self, command, *arguments, to=""):
        given = [*map(str, arguments), "--quiet", "--out_dir", str(self.folder / to)]
        assert main(command, given) == 0

    def _make_phantom(self):
        return simulate_fibercup(12, seed=0)

    def _make_bundles(self):
        paths = [self.folder / f"bundle_{number}.trk" for number in (1, 2, 3)]
        for code, path in enumerate(paths):
            bundle = self.phantom.select(self.phantom.labels == code)
            reference = self.phantom.reference
            save_bundles(path, bundle.streamlines, reference=reference)
        return paths

    def _make_model(self):
        options = ["--epochs", "2", "--nb_points", "32", "--latent_dim", "4"]
        self._run("dipy_train_vae", *self.bundles, *options, to="vae")
        return self.folder / "vae" / "model.keras"

    def _make_large(self):
        """Make a model of bundles that are large enough to be shared."""
        bundle = simulate_fibercup(30, seed=0)
        path = self.folder / "large.trk"
        bundle = bundle.select(bundle.labels == 0)
        save_bundles(path, bundle.streamlines, reference=bundle.reference)
        self._run("dipy_train_vae", path, *SMALL, to="large")
        return self.folder / "large" / "model.keras"

    def _make_conditional(self):
        options = ["--participants", self.participants, "--categorical", "diagnosis"]
        options += ["--continuous", "age", *SMALL]
        self._run("dipy_train_cvae", *self.cohort_files, *options, to="cvae")
        return self.folder / "cvae" / "model.keras"

    def _make_regression(self):
        options = ["--attribute", "length", *SMALL]
        self._run("dipy_train_rvae", *self.bundles, *options, to="rvae")
        return self.folder / "rvae" / "model.keras"

    def _make_cohort(self):
        options = ["--nb_subjects", "4", "--nb_streamlines", "6", "--nb_points", "16"]
        self._run("dipy_simulate_cohort", *options, to="cohort")
        return self.folder / "cohort"

    def _make_cohort_files(self):
        return sorted(self.cohort.rglob("*.trx"))

    def _make_participants(self):
        return self.cohort / "participants.tsv"

    def _make_synthetic(self):
        number = ["--nb_streamlines", "30"]
        self._run("dipy_generate_streamlines", self.model, *number)
        return self.folder / "synthetic.trx"

    def _make_metrics(self):
        options = ["--nb_bootstrap", "0"]
        self._run("dipy_evaluate_streamlines", self.synthetic, *self.bundles, *options)
        return self.folder / "metrics.json"

    def _make_latent(self):
        options = ["--max_streamlines", "20"]
        with pytest.MonkeyPatch.context() as patch:
            findings = "dipy_tractogen.viz.latent.traversal_findings"
            patch.setattr(f"{findings}._NB_FRAMES", 3)
            patch.setattr(f"{findings}._EVERY", 1)
            self._run("dipy_explore_latent", self.model, *self.bundles, *options)
        return self.folder / "latent.json"

    def _make_thresholds(self):
        options = ["--reference_files", *self.bundles]
        self._run("dipy_filter_streamlines", self.model, *self.bundles, *options)
        return self.folder / "filter_thresholds.npz"

    def _make_labelled(self):
        options = ["--reference_files", *self.bundles]
        options += ["--out_tractogram", "labelled.trk"]
        self._run("dipy_label_streamlines", self.model, *self.bundles, *options)
        return self.folder / "labelled.trk"

    def _make_sweep(self):
        self._run("dipy_sweep_beta", *self.bundles, *SWEEP)
        return self.folder / "sweep.journal"

    def _make_checkpoint(self):
        options = {"filters": (2, 2, 2, 2, 2, 2)}
        network = AE(64, 2, backbone="conv", backbone_options=options).network
        dense, *others = (layer for layer in network.decoder.layers if layer.weights)
        layers = [layer for layer in network.encoder.layers if layer.weights]
        layers += [network.z_mean, dense, *others]
        numbers = range(1, 7)
        names = [f"encod_conv{number}" for number in numbers] + ["fc1", "fc2"]
        names += [f"decod_conv{number}" for number in numbers]
        path = self.folder / "weights.pt"
        with open(path, "wb") as stream:
            np.savez(
                stream,
                **{
                    f"{name}.{kind}": array.T
                    for name, layer in zip(names, layers, strict=True)
                    for kind, array in zip(("weight", "bias"), layer.get_weights())
                },
            )
        return path

    def _make_image(self):
        options = ["--nb_streamlines", "2", "--out_tractogram", "unused.trx"]
        self._run("dipy_simulate_fibercup", *options)
        return self.folder / "white_matter.nii.gz"
