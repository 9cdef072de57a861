"""`dipy_mix_streamlines`: streamlines between those of two bundles."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.messages import listed

from .base import TractogenFlow
from .options.arguments import check_choice, check_int
from .options.loading import LoadingOptions
from .options.parameters import with_parameters_of
from .runtime.room import check_room
from .steps.inputs import (
    ParticipantsOptions,
    load_to_encode,
    load_trained_model,
)

logger = logging.getLogger("dipy_tractogen")


class MixStreamlinesFlow(TractogenFlow):
    """Mix the streamlines of two bundles, step by step from one to the other."""

    short_name = "mix_streamlines"

    @with_parameters_of(ParticipantsOptions, LoadingOptions)
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
            Model file, from one of the dipy_train commands.
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
            Tractogram. A TRX holds a group for each step; data_per_streamline of a TRX
            or a TRK the "weight" of the second bundle, from 0 to 1, and the number of
            the "pair".
        """
        from dipy_tractogen.sampling.arithmetic import PATHS
        from dipy_tractogen.utils.files import tractogram_extension

        check_int("nb_steps", nb_steps, low=2)
        check_choice("path", path, PATHS)
        tractogram_extension(out_tractogram)
        out = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = [self.inputs(file) for file in (first_file, second_file)]
        model = load_trained_model(model_file)

        first, second = (
            _one_bundle(
                load_to_encode(
                    model,
                    each,
                    given,
                    kind=option.replace("bundle", "file"),
                    show_progress=self.show_progress,
                ),
                name,
                option,
            )
            for each, name, option in zip(
                files, (first_bundle, second_bundle), ("first_bundle", "second_bundle")
            )
        )
        nb_found = min(nb_pairs, len(first), len(second))
        if nb_found < nb_pairs:
            logger.info("There are %d pairs: the smaller bundle has no more", nb_found)
        size = nb_found * nb_steps * (nb_points or model.nb_points) * 12
        check_room(out_dir, f"--nb_steps {nb_steps}", size)
        pairs = model.pair(
            first.streamlines,
            second.streamlines,
            nb_found,
            first_values=first.known_values(),
            second_values=second.known_values(),
            seed=seed,
        )
        options = {"nb_steps": nb_steps, "path": path, "nb_points": nb_points}
        options["rule"] = given["outside_box"]
        nb_found = self._write(out, model, (first, second), pairs, **options)
        logger.info("Mixed %d pairs of streamlines in %d steps", nb_found, nb_steps)
        logger.info("Wrote %s", out)

    def _write(
        self, out, model, bundles, pairs, *, nb_steps, path, nb_points, rule
    ) -> int:
        """Mix the pairs and write all steps of each; return the number of pairs."""
        import numpy as np

        from dipy_tractogen.nn.encoding import mixed_blocks
        from dipy_tractogen.sampling.texture.arc_length import with_equal_steps
        from dipy_tractogen.streamlines.formats.writers import open_writer
        from dipy_tractogen.streamlines.screening import kept_in_box

        nb_written, weights = 0, np.linspace(0, 1, nb_steps)
        writer = open_writer(
            out,
            reference=bundles[0].reference,
            bundle_names=[f"step_{step}" for step in range(1, nb_steps + 1)],
            force=self.force,
        )
        blocks = mixed_blocks(
            model, bundles, pairs, nb_steps, path=path, show_progress=self.show_progress
        )
        with writer as tractogram:
            for number, steps in blocks:
                # The steps of a pair lie one after the other.
                points = with_equal_steps(
                    steps.reshape(-1, *steps.shape[2:]), nb_points
                )
                steps = points.reshape(len(number), nb_steps, *points.shape[1:])
                kept = kept_in_box(steps, bundles[0].reference, rule, "pairs")
                number, points = number[kept], points[np.repeat(kept, nb_steps)]
                data = {
                    "weight": np.tile(weights, len(number)).astype(np.float32),
                    "pair": np.repeat(number, nb_steps).astype(np.int32),
                }
                labels = np.tile(np.arange(nb_steps), len(number))
                tractogram.write(points, labels, data)
                nb_written += len(number)
        return nb_written


def _one_bundle(bundles, name: str | None, option: str):
    """Select the bundle of a name; all where there is none."""
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
