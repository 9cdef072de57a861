"""`dipy_filter_streamlines`: plausible streamlines, and the others."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.schema import write_json

from .base import TractogenFlow
from .options.loading import check_loading, loading_parameters
from .options.parameters import with_parameters_of
from .runtime.provenance import make_notes
from .steps.encoding import load_to_encode
from .steps.latent_reference import (
    LatentReference,
    check_reads_no_bundle,
    check_reference,
    reference_parameters,
    settle_outputs,
)
from .steps.learning import learn
from .steps.models import load_trained_model
from .steps.places import compare_places, warn_of_rejection

logger = logging.getLogger("dipy_tractogen")


class FilterStreamlinesFlow(TractogenFlow):
    """Keep the streamlines that are like plausible ones."""

    short_name = "filter_streamlines"

    @with_parameters_of(reference_parameters, loading_parameters)
    def run(
        self,
        model_file,
        input_files,
        out_dir="",
        out_tractogram="plausible.trx",
        out_rejected="",
        out_metrics="filter.json",
        out_thresholds="filter_thresholds.npz",
        **given,
    ):
        """Keep the streamlines that are like plausible ones.

        A streamline is plausible if its latents, and what they do not hold of it, are
        near those of a reference streamline. How near, in mm, is learnt for each
        bundle from the reference and from streamlines that are invalid; distances and
        figures are of streamlines that were held out.

        Parameters
        ----------
        model_file : string or Path
            Model file, from dipy_train_vae, dipy_train_ae or dipy_train_rvae.
        input_files : variable string or Path
            Tractograms, folders or globs.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram of the plausible streamlines; trx and trk hold
            data_per_streamline["distance_mm"], that to the nearest reference, and
            "relative_distance", that over the threshold: at most one.
        out_rejected : string, optional
            Tractogram of the others; none is written by default.
        out_metrics : string, optional
            JSON file with thresholds, figures on held-out examples, and counts.
        out_thresholds : string, optional
            What was learnt, for --thresholds_file; not written where that is given.
        """
        from dipy_tractogen.utils.files import tractogram_extension

        check_loading(given)
        check_reference(given)
        names = {"out_tractogram": out_tractogram, "out_metrics": out_metrics}
        if out_rejected:
            names["out_rejected"] = out_rejected
        for name in filter(None, (out_tractogram, out_rejected)):
            tractogram_extension(name)
        paths = settle_outputs(
            self, out_dir, given, **names, out_thresholds=out_thresholds
        )
        files = self.inputs(input_files)
        model = load_trained_model(model_file)
        check_reads_no_bundle(model, model_file)

        reference, report = self._reference(model, model_file, given)
        bundles = load_to_encode(
            model, files, given, keep_data=True, show_progress=self.show_progress
        )
        distances, _, relative = reference.compare(
            model, bundles, show_progress=self.show_progress
        )
        plausible = relative <= 1
        if not plausible.any():
            sets = {"input": bundles.streamlines, "reference": reference.place}
            raise ValueError(
                f"none of the {len(bundles)} streamlines is plausible, the nearest "
                f"being {distances.min():.3g} mm from the reference: "
                "inputs have to be in the space of the reference. "
                f"{compare_places(**sets)[0]}"
            )
        rejected = int((~plausible).sum())
        report |= warn_of_rejection(rejected, bundles, reference.place)
        data = {
            "distance_mm": distances.astype("float32"),
            "relative_distance": relative.astype("float32"),
        }
        written = {"out_tractogram": plausible, "out_rejected": ~plausible}
        if plausible.all() and "out_rejected" in paths:
            path = paths.pop("out_rejected")
            logger.warning("No streamline is rejected: %s is not written", path)
        for name, chosen in written.items():
            if name in paths:
                self._write(paths[name], bundles, data, chosen)
        report["counts"] = _counts(bundles, plausible)
        report |= make_notes(self)
        with self.optional(paths["out_metrics"]):
            write_json(paths["out_metrics"], report, force=self.force)
        if "out_thresholds" in paths:
            with self.optional(paths["out_thresholds"]):
                reference.save(paths["out_thresholds"], model_file, force=self.force)
        logger.info("%d of %d streamlines are plausible", plausible.sum(), len(bundles))
        self.log_written(paths.values())

    def _reference(self, model, model_file, given: dict):
        """Learn what is near, or read it; and what is to be reported of it."""
        from dipy_tractogen.segment.filter import LatentFilter

        if given["thresholds_file"]:
            path = given["thresholds_file"]
            return LatentReference.load(path, model_file, LatentFilter), {}

        def fit(z, labels, groups, **options):
            return LatentFilter(**options).fit(z, labels >= 0, labels.clip(0), groups)

        reference, examples, report = learn(self, model, given, fit)
        figures = reference.estimator.held_out_figures(examples.labels >= 0)
        names = ("f1", "precision", "recall", "roc_auc")
        shown = ", ".join(
            f"{name} {figures[name]:.3f}" for name in names if figures[name] is not None
        )
        logger.info("On held-out examples: %s", shown)
        return reference, {"held_out": figures, **report}

    def _write(self, path, bundles, data: dict, chosen) -> None:
        """Write the chosen streamlines as they are."""
        import numpy as np

        from dipy_tractogen.streamlines.formats.writers import open_writer

        rows = np.flatnonzero(chosen)
        with open_writer(
            path,
            reference=bundles.reference,
            bundle_names=bundles.bundle_names,
            force=self.force,
        ) as writer:
            writer.write(
                bundles.streamlines[rows],
                bundles.labels[rows],
                {name: values[rows] for name, values in data.items()},
                {
                    name: each[rows]
                    for name, each in bundles.data_per_streamline.items()
                },
            )


def _counts(bundles, plausible) -> dict:
    """Count the streamlines of each bundle of the input by what became of them."""
    return {
        name: {
            "nb_plausible": int(plausible[bundles.labels == label].sum()),
            "nb_rejected": int((~plausible)[bundles.labels == label].sum()),
        }
        for label, name in enumerate(bundles.bundle_names)
    }
