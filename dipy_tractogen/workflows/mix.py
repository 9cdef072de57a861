"""`dipy_mix_streamlines`: streamlines between those of two bundles."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import check_choice, format_count, listed

from .flows.base import TractogenFlow
from .options.arguments import check_int, check_room
from .options.inputs import ParticipantsOptions, load_to_encode, load_trained_model
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class MixStreamlinesFlow(TractogenFlow):
    """Mix the streamlines of two bundles, step by step from one to the other."""

    short_name = "mix_streamlines"

    @with_parameters_of(ParticipantsOptions, LoadingOptions, MapOptions)
    def run(
        self,
        model_file,
        first_file,
        second_file,
        first_bundle=None,
        second_bundle=None,
        nb_pairs=100,
        nb_steps=5,
        path="linear",
        nb_points=None,
        seed=0,
        out_dir="",
        out_tractogram="mixed.trx",
        **given,
    ):
        """Mix the streamlines of two bundles, step by step from one to the other.

        Streamlines of the two are drawn and paired so that those of a pair lie near
        each other. Their latents, and the conditions that the model reads, are mixed
        and decoded. A file with one streamline mixes that one.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        first_file : string or Path
            Tractogram with the bundle that the mixtures begin with.
        second_file : string or Path
            Tractogram with the bundle that they end with; may be the same.
        first_bundle : string, optional
            Name of the bundle of the first file; all of its streamlines by default.
        second_bundle : string, optional
            Name of the bundle of the second file.
        nb_pairs : int, optional
            Number of pairs; the smaller bundle may have fewer.
        nb_steps : int, optional
            Steps from one to the other, both included.
        path : string, optional
            Way through the latent space: linear, or spherical, which keeps to where
            the latents of a variational autoencoder lie, if the two are far apart.
        nb_points : int, optional
            Points of each streamline; by default those of the model.
        seed : int, optional
            Seed of the draw of the pairs.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram. A TRX holds a group for each step; data_per_streamline the
            "weight" of the second bundle, from 0 to 1, and the number of the "pair".
        """
        from dipy_tractogen.sampling.arithmetic import PATHS
        from dipy_tractogen.utils.files import tractogram_extension

        check_int("nb_steps", nb_steps, low=2)
        check_choice("path", path, PATHS)
        tractogram_extension(out_tractogram)
        out = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = [self.inputs(file) for file in (first_file, second_file)]
        model = load_trained_model(model_file)

        options = ("first_bundle", "second_bundle")
        sides = []
        for option, each, name in zip(options, files, (first_bundle, second_bundle)):
            kind = option.replace("bundle", "file")
            bundles = load_to_encode(
                self, model, each, given, kind=kind, keep_data=True
            )
            bundles.leave_out_data("a mixture is a new streamline", model.profiles)
            sides.append(_one_bundle(bundles, name, option))
        nb_found = min(nb_pairs, *map(len, sides))
        size = nb_found * nb_steps * (nb_points or model.nb_points) * 12
        check_room(out_dir, f"--nb_steps {nb_steps}", size)

        from dipy_tractogen.nn.mixing import save_mixtures

        nb_found = save_mixtures(
            out,
            model,
            sides,
            nb_pairs=nb_pairs,
            nb_steps=nb_steps,
            path=path,
            nb_points=nb_points,
            outside_box=given["outside_box"],
            seed=seed,
            force=self.force,
            show_progress=self.show_progress,
        )
        pairs = format_count(nb_found, "pair")
        logger.info("Mixed %s of streamlines in %d steps", pairs, nb_steps)
        logger.info("Wrote %s", out)


def _one_bundle(bundles, name: str | None, option: str):
    """Return the streamlines of a bundle; all without a name."""
    if name is None:
        if len(bundles.bundle_names) > 1:
            logger.info(
                "Streamlines of %s are mixed without regard to their bundle: --%s "
                "chooses one",
                listed(bundles.bundle_names),
                option,
            )
        return bundles
    if name not in bundles.bundle_names:
        raise ValueError(
            f"--{option} {name}: the file has {listed(bundles.bundle_names)}."
        )
    return bundles.select(bundles.labels == bundles.bundle_names.index(name))
