"""`dipy_explore_latent`: what the latents of a model hold, as figures and tables."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import printable
from dipy_tractogen.utils.schema import write_json

from .flows.base import TractogenFlow
from .options.arguments import check_int
from .options.inputs import ParticipantsOptions, load_to_encode, load_trained_model
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of
from .options.spaces import SpaceOptions, check_spaces, find_transform

logger = logging.getLogger("dipy_tractogen")


class ExploreLatentFlow(TractogenFlow):
    """Look at the latent space of a model."""

    short_name = "explore_latent"
    advanced = ("max_streamlines", "nb_steps", "nb_deviations")

    @with_parameters_of(SpaceOptions, ParticipantsOptions, LoadingOptions, MapOptions)
    def run(
        self,
        model_file,
        input_files,
        projection=None,
        color_by=None,
        max_streamlines=5000,
        bundle=None,
        nb_steps=7,
        nb_deviations=3.0,
        walk=None,
        interpolate=None,
        seed=0,
        out_dir="",
        out_latent="latent.json",
        **given,
    ):
        """Look at the latent space of a model: figures, and tables beside them.

        Latents of the given streamlines are projected to two dimensions, and correlated
        with length, curvature, tortuosity and place. Each active dimension is
        traversed: streamlines of a bundle get several values of it, all else stays, and
        they are decoded. The one that moves streamlines most is animated.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        input_files : variable string or Path
            Tractograms, folders or globs; best are streamlines that the model was not
            trained on, such as the held_out.trx of a training.
        projection : variable string, optional
            How latents are projected: pca (the default), umap, which needs
            umap-learn, and tsne.
        color_by : variable string, optional
            What the streamlines of a projection are coloured by, a plot each: bundle
            and length by default; curvature, tortuosity; x, y or z, of the centre;
            subject; a condition of the model, or a number that participants or
            data_per_streamline have. Numbers are correlated with the latents as well.
        max_streamlines : int, optional
            About how many streamlines are explored. Of more, some are chosen at
            random, with the shares of the bundles kept.
        bundle : string, optional
            Bundle whose streamlines are walked with; by default the largest.
        nb_steps : int, optional
            Steps of a traversal.
        nb_deviations : float, optional
            How far a traversal goes from the mean of the bundle, either way, in
            standard deviations of the bundle's latents.
        walk : string, optional
            What the animated walk goes along: a dimension, such as z3, or a number that
            the decoder reads, such as length; by default the dimension that moves
            streamlines most.
        interpolate : variable string, optional
            Names of two bundles: a second walk goes from the one to the other.
        seed : int, optional
            Seed of the choices of streamlines, and of umap and tsne.
        out_dir : string or Path, optional
            Output folder.
        out_latent : string, optional
            JSON file with what was found, and a list of the figures and tables, whose
            names begin as its own.
        """
        from dipy_tractogen.viz.latent.findings import names_of_findings

        check_spaces(given)
        projection, colours = projection or ["pca"], color_by or ["bundle", "length"]
        check_int("max_streamlines", max_streamlines, low=3)
        check_int("nb_steps", nb_steps, low=2, high=15)
        names = names_of_findings(out_latent, projection, interpolate)
        paths = self.outputs(out_dir, out_latent=out_latent, **names)
        files = sorted(self.inputs(input_files))
        if walk or interpolate:
            from dipy_tractogen.viz.display import require_rendering

            require_rendering()
        model = load_trained_model(model_file)

        from dipy_tractogen.metrics.latents import values_to_load
        from dipy_tractogen.nn.latent import traversed_axis
        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE
        from dipy_tractogen.viz.latent.explore import explore_latent

        if walk is not None:
            traversed_axis(model, walk, option="walk")
        conditions, categories = values_to_load(model, colours)
        bundles = load_to_encode(
            self,
            model,
            files,
            given,
            numbers=(FILE_NUMBER, INDEX_IN_FILE),
            categories=categories,
            conditions=conditions,
        )
        found = explore_latent(
            model,
            bundles,
            paths,
            transform=find_transform(self, model, bundles, given),
            projection=projection,
            color_by=colours,
            max_streamlines=max_streamlines,
            bundle=bundle,
            nb_steps=nb_steps,
            nb_deviations=nb_deviations,
            walk=walk,
            interpolate=interpolate,
            seed=seed,
            force=self.force,
            optional=self.optional,
            show_progress=self.show_progress,
        )
        named = {"files": [printable(file) for file in files]}
        found["streamlines"] = {**named, **found["streamlines"]}
        path = paths["out_latent"]
        write_json(path, self.make_record(model_file, **found), force=self.force)
        logger.info("Wrote %s and %d figures", path, len(found["figures"]))
