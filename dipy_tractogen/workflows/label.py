"""`dipy_label_streamlines`: the bundle of each streamline of a tractogram."""

from __future__ import annotations

import logging

import numpy as np

from dipy_tractogen.segment.thresholds import ThresholdParameters
from dipy_tractogen.utils.messages import listed
from dipy_tractogen.utils.tables import write_table

from .flows.segmentation import ReferenceOptions, SegmentationFlow, as_data
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of
from .options.spaces import SpaceOptions

logger = logging.getLogger("dipy_tractogen")


class LabelStreamlinesFlow(SegmentationFlow):
    """Find the bundle of each streamline."""

    short_name = "label_streamlines"

    def estimator(self):
        """Return the function that fits labels, and their class."""
        from dipy_tractogen.segment.fit import fit_labels
        from dipy_tractogen.segment.label import LatentLabels

        return fit_labels, LatentLabels

    @with_parameters_of(
        *(ReferenceOptions, SpaceOptions, ThresholdParameters),
        *(LoadingOptions, MapOptions),
    )
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
        paths = self.checked_outputs(
            out_dir,
            given,
            out_tractogram=out_tractogram,
            out_counts=out_counts,
            out_metrics=out_metrics,
            out_thresholds=out_thresholds,
        )

        from dipy_tractogen.segment.label import score_labels
        from dipy_tractogen.streamlines.formats.writers import open_writer
        from dipy_tractogen.streamlines.naming import UNASSIGNED

        model, reference, parts, transform = self.load_all(
            model_file, input_files, given
        )
        names = (*reference.bundle_names, UNASSIGNED)
        counts, scored = np.zeros(len(names), dtype=np.int64), []
        with open_writer(
            paths["out_tractogram"],
            reference=parts.reference,
            bundle_names=names,
            force=self.force,
        ) as writer:
            for number in range(len(parts)):
                labels, own = self._label(
                    model, reference, parts.load(number), transform, writer
                )
                counts += np.bincount(labels, minlength=len(names))
                if score:
                    scored.append((labels, own))
        with self.optional(paths["out_counts"]):
            self._count(paths["out_counts"], counts, names)
        nb_rejected, total = int(counts[-1]), int(counts.sum())
        places = self.places(reference, parts, nb_rejected, total, transform)
        report = {**reference.report, **places, **self.make_notes()}
        if score:
            labels, own = map(np.concatenate, zip(*scored))
            report["score"] = score_labels(labels, own, parts.bundle_names, names)
        self.write_report(paths, reference, model_file, report)

    def _label(self, model, reference, bundles, transform, writer) -> tuple:
        """Label the streamlines of a part, and write them; return both labels."""
        distances, labels, relative = reference.compare(
            model, bundles, transform=transform, show_progress=self.show_progress
        )
        labels = labels.copy()
        labels[relative > 1] = len(reference.bundle_names)
        writer.write(
            bundles.streamlines,
            labels,
            as_data(distances, relative),
            bundles.data_per_streamline,
            bundles.data_per_point,
        )
        return labels, bundles.labels

    def _count(self, path, counts, names) -> None:
        counts, total = counts.tolist(), int(counts.sum())
        rows = zip(names, counts, (count / total for count in counts))
        columns = ("bundle", "nb_streamlines", "share")
        write_table(path, columns, rows, force=self.force)
        logger.info(
            "Labelled %s", listed(f"{name} {n}" for name, n in zip(names, counts) if n)
        )
