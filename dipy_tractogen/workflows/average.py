"""`dipy_average_streamlines`: the mean streamline of each bundle."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import format_count

from .flows.base import TractogenFlow
from .options.inputs import ParticipantsOptions, load_to_encode, load_trained_model
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class AverageStreamlinesFlow(TractogenFlow):
    """Find the mean streamline of each bundle."""

    short_name = "average_streamlines"

    @with_parameters_of(ParticipantsOptions, LoadingOptions, MapOptions)
    def run(
        self,
        model_file,
        input_files,
        nb_points=None,
        seed=0,
        out_dir="",
        out_tractogram="mean.trx",
        **given,
    ):
        """Find the mean streamline of each bundle.

        It is decoded from the mean of the latents, and so has the shape of one of the
        bundle, where the mean of the points is too short and too straight.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        input_files : variable string or Path
            Tractograms, folders or globs.
        nb_points : int, optional
            Points of each streamline; by default those of the model.
        seed : int, optional
            Seed of the choice of 10,000 streamlines of a bundle that has more.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram with one streamline for each bundle. A TRX holds each as a
            group; data_per_streamline the "nb_streamlines" that it is the mean of.
        """
        from dipy_tractogen.utils.files import tractogram_extension

        tractogram_extension(out_tractogram)
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = self.inputs(input_files)
        model = load_trained_model(model_file)

        from dipy_tractogen.nn.mixing import save_means

        bundles = load_to_encode(
            self, model, files, given, unassigned="drop", keep_data=True
        )
        bundles.leave_out_data("a mean streamline is a new one", model.profiles)
        nb_written = save_means(
            path,
            model,
            bundles,
            nb_points=nb_points,
            outside_box=given["outside_box"],
            seed=seed,
            force=self.force,
        )
        logger.info("Averaged %s", format_count(nb_written, "bundle"))
        logger.info("Wrote %s", path)
