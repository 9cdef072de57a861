"""`dipy_label_streamlines`: the bundle of each streamline of a tractogram."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.schema import write_json

from .base import TractogenFlow
from .options.loading import check_loading, loading_parameters
from .options.parameters import with_parameters_of
from .runtime.provenance import make_notes
from .runtime.tables import write_table
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
from .steps.places import warn_of_rejection

logger = logging.getLogger("dipy_tractogen")


class LabelStreamlinesFlow(TractogenFlow):
    """Find the bundle of each streamline."""

    short_name = "label_streamlines"

    @with_parameters_of(reference_parameters, loading_parameters)
    def run(
        self,
        model_file,
        input_files,
        score=False,
        out_dir="",
        out_tractogram="labelled.trx",
        out_counts="counts.tsv",
        out_metrics="labels.json",
        out_thresholds="label_thresholds.npz",
        **given,
    ):
        """Find the bundle of each streamline.

        It is that of the reference streamline whose latents, and what these do not
        hold of it, are nearest, if that is near enough; other streamlines are
        unassigned. How near, in mm, is learnt for each bundle from the reference and
        from streamlines that are of none; distances and figures are of streamlines
        that were held out.

        Parameters
        ----------
        model_file : string or Path
            Model file, from dipy_train_vae, dipy_train_ae or dipy_train_rvae.
        input_files : variable string or Path
            Tractograms, folders or globs.
        score : bool, optional
            The input is labelled as the reference is: compare. Streamlines of bundles
            that the reference does not have should be unassigned.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram of all streamlines. A TRX holds the bundles, and unassigned,
            as groups, a TRK as data_per_streamline["bundle"]; both hold
            data_per_streamline["distance_mm"], that to the nearest reference, and
            "relative_distance", that over the threshold.
        out_counts : string, optional
            Table of the streamlines of each bundle, tab-separated.
        out_metrics : string, optional
            JSON file with thresholds, figures on held-out examples, and the score.
        out_thresholds : string, optional
            What was learnt, for --thresholds_file; not written where that is given.
        """
        from dipy_tractogen.streamlines.naming import UNASSIGNED
        from dipy_tractogen.utils.files import tractogram_extension

        check_loading(given)
        check_reference(given)
        tractogram_extension(out_tractogram)
        paths = settle_outputs(
            self,
            out_dir,
            given,
            out_tractogram=out_tractogram,
            out_counts=out_counts,
            out_metrics=out_metrics,
            out_thresholds=out_thresholds,
        )
        files = self.inputs(input_files)
        model = load_trained_model(model_file)
        check_reads_no_bundle(model, model_file)

        reference, report = self._reference(model, model_file, given)
        bundles = load_to_encode(
            model, files, given, keep_data=True, show_progress=self.show_progress
        )
        distances, nearest, relative = reference.compare(
            model, bundles, show_progress=self.show_progress
        )
        names = (*reference.bundle_names, UNASSIGNED)
        labels = nearest.copy()
        labels[relative > 1] = len(names) - 1
        data = {
            "distance_mm": distances.astype("float32"),
            "relative_distance": relative.astype("float32"),
        }
        self._write(paths["out_tractogram"], bundles, labels, names, data)
        with self.optional(paths["out_counts"]):
            self._count(paths["out_counts"], labels, names)
        rejected = int((relative > 1).sum())
        report |= warn_of_rejection(rejected, bundles, reference.place)
        report |= make_notes(self)
        if score:
            report["score"] = _score(bundles, labels, names)
        with self.optional(paths["out_metrics"]):
            write_json(paths["out_metrics"], report, force=self.force)
        if "out_thresholds" in paths:
            with self.optional(paths["out_thresholds"]):
                reference.save(paths["out_thresholds"], model_file, force=self.force)
        self.log_written(paths.values())

    def _reference(self, model, model_file, given: dict):
        """Learn what is near, or read it; and what is to be reported of it."""
        from dipy_tractogen.segment.label import LatentLabels, label_figures

        if given["thresholds_file"]:
            path = given["thresholds_file"]
            return LatentReference.load(path, model_file, LatentLabels), {}

        def fit(z, labels, groups, **options):
            return LatentLabels(**options).fit(z, labels, groups)

        reference, examples, report = learn(self, model, given, fit)
        figures = label_figures(
            reference.estimator.held_out_labels(),
            examples.labels,
            reference.bundle_names,
        )
        logger.info(
            "On held-out examples: accuracy %.3f, mean F1 of the bundles %.3f",
            figures["accuracy"],
            figures["macro_f1"],
        )
        return reference, {"held_out": figures, **report}

    def _write(self, path, bundles, labels, names, data: dict) -> None:
        from dipy_tractogen.streamlines.formats.writers import save_bundles

        save_bundles(
            path,
            bundles.streamlines,
            reference=bundles.reference,
            labels=labels,
            bundle_names=names,
            data_per_streamline=data,
            inherited=bundles.data_per_streamline,
            force=self.force,
        )

    def _count(self, path, labels, names) -> None:
        import numpy as np

        counts = np.bincount(labels, minlength=len(names)).tolist()
        rows = zip(names, counts, (count / len(labels) for count in counts))
        columns = ("bundle", "nb_streamlines", "share")
        write_table(path, columns, rows, force=self.force)
        logger.info(
            "Labelled %s",
            listed(f"{name} {n}" for name, n in zip(names, counts) if n),
        )


def _score(bundles, labels, names) -> dict:
    """Compare labels with the bundles that streamlines come with, by name."""
    import numpy as np

    from dipy_tractogen.segment.label import label_figures

    last = len(names) - 1
    unknown = [name for name in bundles.bundle_names if name not in names]
    if unknown:
        logger.info("Not in the reference, so of none: %s", listed(unknown))
    codes = [names.index(n) if n in names else last for n in bundles.bundle_names]
    figures = label_figures(labels, np.array(codes)[bundles.labels], names)
    for name, each in figures["bundles"].items():
        logger.info(
            "%s: precision %.3f, recall %.3f of %d streamlines",
            name,
            each["precision"],
            each["recall"],
            each["nb_streamlines"],
        )
    logger.info(
        "Accuracy %.3f, mean F1 of the bundles %.3f",
        figures["accuracy"],
        figures["macro_f1"],
    )
    return figures
