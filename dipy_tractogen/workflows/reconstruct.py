"""`dipy_reconstruct_streamlines`: a tractogram through a model and back."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import format_count

from .flows.base import TractogenFlow
from .inputs import (
    ParticipantsOptions,
    load_to_encode,
    load_trained_model,
)
from .options.loading import LoadingOptions
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class ReconstructStreamlinesFlow(TractogenFlow):
    """Encode and decode tractograms, and measure the point error."""

    short_name = "reconstruct_streamlines"

    @with_parameters_of(ParticipantsOptions, LoadingOptions)
    def run(
        self,
        model_file,
        input_files,
        out_dir="",
        out_tractogram="reconstructed.trx",
        **given,
    ):
        """Encode and decode tractograms, and measure the point error.

        The mean distance between a streamline, resampled to the points of the model,
        and its reconstruction goes into data_per_streamline["error_mm"].

        Parameters
        ----------
        model_file : string or Path
            Model file, from one of the dipy_train commands.
        input_files : variable string or Path
            Tractograms, folders or globs.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram; trx and trk keep the error of each streamline.
        """
        from dipy_tractogen.utils.files import tractogram_extension

        tractogram_extension(out_tractogram)
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = self.inputs(input_files)
        model = load_trained_model(model_file)

        bundles = load_to_encode(
            model, files, given, keep_data=True, show_progress=self.show_progress
        )
        mean, high, truncation = self._write(path, bundles, model)
        logger.info(
            "Point error of %s: mean %.2f mm, 95th percentile %.2f mm",
            format_count(len(bundles), "streamline"),
            mean,
            high,
        )
        if truncation > 0:
            logger.info(
                "Of it, the number of coefficients alone causes %.2f mm", truncation
            )
        logger.info("Wrote %s", path)

    def _write(self, path, bundles, model) -> tuple[float, float, float]:
        """Write reconstructions; return mean and 95th percentile, and truncation."""
        import numpy as np

        from dipy_tractogen.metrics.errors import (
            point_errors,
            summarize_errors,
        )
        from dipy_tractogen.nn.encoding import encoded_blocks
        from dipy_tractogen.streamlines.formats.writers import open_writer

        errors, truncation = [], []
        writer = open_writer(
            path,
            reference=bundles.reference,
            bundle_names=bundles.bundle_names,
            force=self.force,
        )
        blocks = encoded_blocks(
            model,
            bundles,
            description="Reconstructing",
            show_progress=self.show_progress,
        )
        with writer as tractogram:
            for rows, points, outputs in blocks:
                errors.append(point_errors(points, outputs["points"]))
                truncation.append(model.coder.truncation_error(points))
                tractogram.write(
                    outputs["points"],
                    bundles.labels[rows],
                    {"error_mm": errors[-1].astype("float32")},
                    {k: each[rows] for k, each in bundles.data_per_streamline.items()},
                )
        summary = summarize_errors(np.concatenate(errors))
        lost = float(np.concatenate(truncation).mean())
        return summary["mean"], summary["p95"], lost
