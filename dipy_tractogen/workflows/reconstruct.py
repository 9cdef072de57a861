"""`dipy_reconstruct_streamlines`: a tractogram through a model and back."""

from __future__ import annotations

import logging

from .arguments import check_choice
from .base import TractogenFlow
from .models import load_trained_model

logger = logging.getLogger("dipy_tractogen")

# Streamlines held as points at a time: 100 MB at 256 points.
_BLOCK = 32768


class ReconstructStreamlinesFlow(TractogenFlow):
    """Encode and decode tractograms, and measure the point error."""

    short_name = "reconstruct_streamlines"

    def run(
        self,
        model_file,
        input_files,
        bundles_from="auto",
        reference=None,
        outside_box="drop",
        out_dir="",
        out_tractogram="reconstructed.trx",
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
        bundles_from : string, optional
            Where the names of the bundles come from: auto (TRX groups, or else the
            name of the file), stem, groups, or a key of data_per_streamline.
        reference : string or Path, optional
            Image or tractogram whose grid holds for all the input files.
        outside_box : string, optional
            Streamlines that leave the bounding box: drop, keep or error.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram; trx and trk keep the error of each streamline.
        """
        from dipy_tractogen.streamlines.files import tractogram_extension

        check_choice("outside_box", outside_box, ("drop", "keep", "error"))
        tractogram_extension(out_tractogram)
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = self.inputs(input_files)
        model = load_trained_model(model_file)

        from dipy_tractogen.streamlines.io import load_bundles

        bundles = load_bundles(
            files,
            bundles_from=bundles_from,
            reference=reference,
            out_of_bounds=outside_box,
        )
        mean, high, truncation = self._write(path, bundles, model)
        logger.info(
            "Point error of %d streamlines: mean %.2f mm, 95th percentile %.2f mm",
            len(bundles),
            mean,
            high,
        )
        if truncation > 0:
            logger.info(
                "Of it, the number of coefficients alone causes %.2f mm", truncation
            )
        logger.info("Wrote %s", path)

    def _write(self, path, bundles, model) -> tuple[float, float, float]:
        """Write the reconstructions; give mean, 95th percentile and truncation."""
        import numpy as np
        from tqdm.auto import tqdm

        from dipy_tractogen.metrics.reconstruction import point_errors, summarize_errors
        from dipy_tractogen.streamlines.geometry import resample
        from dipy_tractogen.streamlines.writers import open_writer

        errors, truncation = [], []
        writer = open_writer(
            path,
            reference=bundles.reference,
            bundle_names=bundles.bundle_names,
            force=self.force,
        )
        with writer as tractogram:
            for start in tqdm(
                range(0, len(bundles), _BLOCK),
                desc="Reconstructing",
                disable=not self.show_progress,
            ):
                rows = slice(start, start + _BLOCK)
                points = resample(bundles.streamlines[rows], model.nb_points)
                reconstructed = model.reconstruct(points)
                errors.append(point_errors(points, reconstructed))
                truncation.append(model.truncation_error(points))
                tractogram.write(
                    reconstructed, bundles.labels[rows], {"error_mm": errors[-1]}
                )
        summary = summarize_errors(np.concatenate(errors))
        lost = float(np.concatenate(truncation).mean())
        return summary["mean"], summary["p95"], lost
