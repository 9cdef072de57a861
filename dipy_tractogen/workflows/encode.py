"""`dipy_encode_streamlines`: the latents of tractograms."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.tables import write_arrays

from .base import TractogenFlow
from .options.loading import LoadingOptions
from .options.parameters import with_parameters_of
from .steps.inputs import (
    ParticipantsOptions,
    load_to_encode,
    load_trained_model,
)

logger = logging.getLogger("dipy_tractogen")

# Formats of tractograms that can hold latents.
_WITH_DATA = (".trx", ".trk")


class EncodeStreamlinesFlow(TractogenFlow):
    """Encode tractograms, and write the latents."""

    short_name = "encode_streamlines"

    @with_parameters_of(ParticipantsOptions, LoadingOptions)
    def run(
        self,
        model_file,
        input_files,
        out_dir="",
        out_latents="latents.npz",
        **given,
    ):
        """Encode tractograms, and write the latents.

        Which end of a streamline comes first does not matter: of the two directions
        the one that the model reconstructs better is encoded.

        Parameters
        ----------
        model_file : string or Path
            Model file, from one of the dipy_train commands.
        input_files : variable string or Path
            Tractograms, folders or globs.
        out_dir : string or Path, optional
            Output folder.
        out_latents : string, optional
            An npz file with the arrays z_mean, deviation (where the model has one),
            error_mm, labels, bundle_names, files, file_of_streamline and
            index_in_file, and as data_per_streamline/NAME what the inputs hold of
            each; or a trx or trk, the streamlines as they are with
            data_per_streamline["latent"], "deviation" and "error_mm".
        """
        extension = _extension(out_latents)
        path = self.outputs(out_dir, out_latents=out_latents)["out_latents"]
        files = sorted(self.inputs(input_files))
        model = load_trained_model(model_file)

        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

        bundles = load_to_encode(
            model,
            files,
            given,
            numbers=(FILE_NUMBER, INDEX_IN_FILE),
            keep_data=True,
            show_progress=self.show_progress,
        )
        blocks = self._encoded(model, bundles)
        if extension == ".npz":
            self._write_arrays(path, bundles, blocks, files)
        else:
            self._write_tractogram(path, bundles, blocks)
        logger.info(
            "Encoded %d streamlines to %d latents each", len(bundles), model.latent_dim
        )
        logger.info("Wrote %s", path)

    def _encoded(self, model, bundles):
        """Yield rows of each block, and its latents and point errors by name."""
        from dipy_tractogen.metrics.errors import point_errors
        from dipy_tractogen.nn.encoding import encoded_blocks

        shown = {"show_progress": self.show_progress}
        for rows, points, outputs in encoded_blocks(model, bundles, **shown):
            error = point_errors(points, outputs.pop("points"))
            latents = {"z_mean": outputs.pop("z_mean"), **outputs}
            yield rows, {**latents, "error_mm": error.astype("float32")}

    def _write_arrays(self, path, bundles, blocks, files) -> None:
        import numpy as np

        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE
        from dipy_tractogen.utils.messages import printable

        parts = [arrays for _, arrays in blocks]
        latents = {
            name: np.concatenate([arrays[name] for arrays in parts])
            for name in parts[0]
        }
        known = {
            "labels": bundles.labels,
            "bundle_names": np.array(bundles.bundle_names),
            "files": np.array([printable(file) for file in files]),
            "file_of_streamline": bundles.values[FILE_NUMBER].astype(np.int32),
            "index_in_file": bundles.values[INDEX_IN_FILE].astype(np.int64),
        }
        kept = {
            f"data_per_streamline/{name}": values
            for name, values in bundles.data_per_streamline.items()
        }
        write_arrays(path, {**latents, **known, **kept}, force=self.force)

    def _write_tractogram(self, path, bundles, blocks) -> None:
        from dipy_tractogen.streamlines.formats.writers import open_writer

        with open_writer(
            path,
            reference=bundles.reference,
            bundle_names=bundles.bundle_names,
            force=self.force,
        ) as writer:
            for rows, arrays in blocks:
                data = {"latent": arrays.pop("z_mean"), **arrays}
                writer.write(
                    bundles.streamlines[rows],
                    bundles.labels[rows],
                    data,
                    {k: each[rows] for k, each in bundles.data_per_streamline.items()},
                )


def _extension(name: str) -> str:
    """Return the extension of the output; refuse what cannot hold latents."""
    from dipy_tractogen.utils.files import split_extension

    extension = split_extension(name)[1].lower()
    accepted = (".npz", *_WITH_DATA)
    if extension not in accepted:
        raise ValueError(
            f"--out_latents {name}: latents are written to {', '.join(accepted)}."
        )
    return extension
