"""`dipy_import_weights`: from a published PyTorch checkpoint to a model file."""

from __future__ import annotations

import logging
from pathlib import Path

from dipy_tractogen.utils.messages import format_count

from .flows.base import TractogenFlow
from .options.loading import LoadingOptions, load
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class ImportWeightsFlow(TractogenFlow):
    """Make a model file of the weights of the published autoencoder."""

    short_name = "import_weights"

    @with_parameters_of(LoadingOptions)
    def run(
        self,
        checkpoint_file,
        training_files=None,
        seed=0,
        out_dir="",
        out_model="model.keras",
        **loading,
    ):
        """Make a model file of the weights of the published autoencoder.

        The checkpoint holds the weights of FINTA, saved by PyTorch, which has to be
        installed for this command only. The model encodes and reconstructs as the
        network did. To generate streamlines it needs to know where the latents of each
        bundle lie: give tractograms as training_files, those that the network was
        trained on or others in the same space.

        Parameters
        ----------
        checkpoint_file : string or Path
            PyTorch checkpoint with encod_conv1 to 6, fc1, fc2 and decod_conv1 to 6.
        training_files : variable string or Path, optional
            Tractograms, folders or globs whose latents are described, bundle by
            bundle.
        seed : int, optional
            Fixes the description of the latents.
        out_dir : string or Path, optional
            Output folder.
        out_model : string, optional
            Model file; its name ends in .keras.
        """
        if Path(out_model).suffix != ".keras":
            raise ValueError(f"--out_model {out_model}: give a name ending in .keras.")
        path = self.outputs(out_dir, out_model=out_model)["out_model"]
        if not Path(checkpoint_file).is_file():
            raise FileNotFoundError(
                f"{checkpoint_file} does not exist: give a PyTorch checkpoint."
            )
        files = self.inputs(training_files) if training_files else []

        from dipy_tractogen.nn.archive.published import load_published
        from dipy_tractogen.utils.files import file_digest

        model = load_published(checkpoint_file, seed=seed)
        if files:
            model.record.data["files"] = {
                str(file): file_digest(file) for file in files
            }
            self._describe(model, files, loading, seed)
        model.save(path, overwrite=self.force)
        logger.info("Wrote %s", path)

    def _describe(self, model, files, loading: dict, seed: int) -> None:
        """Fit the density of the latents of given bundles."""
        from dipy_tractogen.nn.training.dataset import TrainingData
        from dipy_tractogen.nn.training.latent_summary import describe

        bundles = load(self, files, loading, unassigned="drop")
        model.record.reference = bundles.reference.to_dict()
        data = TrainingData(bundles.streamlines, bundles.labels, bundles.bundle_names)
        describe(model, data, seed=seed)
        logger.info(
            "Described the latents of %s of %s",
            format_count(len(bundles), "streamline"),
            format_count(len(bundles.bundle_names), "bundle"),
        )
