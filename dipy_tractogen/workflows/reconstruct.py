"""`dipy_reconstruct_streamlines`: a tractogram through a model and back."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import format_count

from .flows.base import TractogenFlow
from .options.inputs import ParticipantsOptions, load_to_encode, load_trained_model
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of
from .options.spaces import SpaceOptions, check_spaces, find_transform

logger = logging.getLogger("dipy_tractogen")


class ReconstructStreamlinesFlow(TractogenFlow):
    """Encode and decode tractograms, and measure the point error."""

    short_name = "reconstruct_streamlines"

    @with_parameters_of(SpaceOptions, ParticipantsOptions, LoadingOptions, MapOptions)
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
        and its reconstruction goes into data_per_streamline["error_mm"]. Of a model
        with values along the streamlines, such as FA, the reconstructed values are the
        data_per_point, and the mean absolute error of each goes into "error_FA" and the
        like, in the unit of the value; NaN where a streamline has no value.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        input_files : variable string or Path
            Tractograms, folders or globs.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram; trx and trk keep the error of each streamline.
        """
        from dipy_tractogen.utils.files import tractogram_extension

        tractogram_extension(out_tractogram)
        check_spaces(given)
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = self.inputs(input_files)
        model = load_trained_model(model_file)

        from dipy_tractogen.metrics.latent_files import save_reconstructions

        bundles = load_to_encode(self, model, files, given, keep_data=True)
        errors = save_reconstructions(
            path,
            model,
            bundles,
            transform=find_transform(self, model, bundles, given),
            force=self.force,
            show_progress=self.show_progress,
        )
        logger.info(
            "Point error of %s: mean %.2f mm, 95th percentile %.2f mm",
            format_count(len(bundles), "streamline"),
            errors["mean"],
            errors["p95"],
        )
        if errors["truncation"] > 0:
            logger.info(
                "Of it, the number of coefficients alone causes %.2f mm",
                errors["truncation"],
            )
        for name, of_value in errors["values"].items():
            if of_value["mean"] is not None:
                logger.info(
                    "Error of %s: mean %.3g, 95th percentile %.3g",
                    name,
                    of_value["mean"],
                    of_value["p95"],
                )
        logger.info("Wrote %s", path)
