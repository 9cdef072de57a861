"""`dipy_encode_streamlines`: the latents of tractograms."""

from __future__ import annotations

from functools import partial
import logging

from dipy_tractogen.utils.messages import format_count

from .flows.base import TractogenFlow
from .options.inputs import ParticipantsOptions, load_to_encode, load_trained_model
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of
from .options.parts import InputParts
from .options.spaces import SpaceOptions, check_spaces, find_transform

logger = logging.getLogger("dipy_tractogen")


class EncodeStreamlinesFlow(TractogenFlow):
    """Encode tractograms, and write the latents."""

    short_name = "encode_streamlines"

    @with_parameters_of(SpaceOptions, ParticipantsOptions, LoadingOptions, MapOptions)
    def run(
        self, model_file, input_files, out_dir="", out_latents="latents.npz", **given
    ):
        """Encode tractograms, and write the latents.

        Which end of a streamline comes first does not matter: of the two directions
        the one that the model reconstructs better is encoded.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        input_files : variable string or Path
            Tractograms, folders or globs.
        out_dir : string or Path, optional
            Output folder.
        out_latents : string, optional
            An npz file with the arrays z_mean, deviation (where the model has one),
            error_mm, labels, bundle_names, files, file_of_streamline and
            index_in_file, and as data_per_streamline/NAME what the inputs hold of
            each; or a trx, trk, vtk, vtp or fib, the streamlines as they are with
            data_per_streamline["latent"], "deviation" and "error_mm".
        """
        _check_extension(out_latents)
        check_spaces(given)
        path = self.outputs(out_dir, out_latents=out_latents)["out_latents"]
        self.inputs(input_files)
        model = load_trained_model(model_file)

        from dipy_tractogen.metrics.latent_files import open_latents
        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

        options = {"numbers": (FILE_NUMBER, INDEX_IN_FILE), "keep_data": True}
        load = partial(load_to_encode, self, model, **options)
        parts = InputParts(self, input_files, given, load)
        # Only a registration needs streamlines, and has all of them.
        bundles = parts.load(0) if given["register"] else None
        transform = find_transform(self, model, bundles, given)
        nb_encoded = 0
        opened = open_latents(
            path,
            parts.files,
            reference=parts.reference,
            bundle_names=parts.bundle_names,
            force=self.force,
        )
        with opened as write:
            for number in range(len(parts)):
                nb_encoded += self._encode(model, parts.load(number), transform, write)
        logger.info(
            "Encoded %s to %s each",
            format_count(nb_encoded, "streamline"),
            format_count(model.latent_dim, "latent"),
        )
        logger.info("Wrote %s", path)

    def _encode(self, model, bundles, transform, write) -> int:
        """Encode the streamlines of a part; return their number."""
        shown = {"show_progress": self.show_progress}
        write(model, bundles, transform=transform, **shown)
        return len(bundles)


def _check_extension(name: str) -> None:
    """Check that a file can hold latents."""
    from dipy_tractogen.streamlines.formats.block_writers import BLOCK_WRITERS
    from dipy_tractogen.utils.files import split_extension

    kept = [each for each, writer in BLOCK_WRITERS.items() if writer.keeps_data]
    accepted = (".npz", *kept)
    if split_extension(name)[1].lower() not in accepted:
        raise ValueError(
            f"--out_latents {name}: latents are written to {', '.join(accepted)}."
        )
