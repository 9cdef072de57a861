"""`dipy_share_model`: a model file without data of single training streamlines."""

from __future__ import annotations

import logging
from pathlib import Path

from .flows.base import TractogenFlow
from .options.inputs import load_trained_model

logger = logging.getLogger("dipy_tractogen")


class ShareModelFlow(TractogenFlow):
    """Write a model without data of single training streamlines."""

    short_name = "share_model"

    def run(self, model_file, seed=0, out_dir="", out_model="shared.keras"):
        """Write a model without data of single training streamlines.

        A model file holds latents, details and ends of training streamlines, from which
        these can be rebuilt. The shared model has densities in their place, none of
        whose components stands for fewer than 20 streamlines. Names and digests of
        files, the command of the training and its warnings are left out.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        seed : int, optional
            Fixes the densities and the texture that is drawn from them.
        out_dir : string or Path, optional
            Output folder.
        out_model : string, optional
            Model file; its name ends in .keras.
        """
        if Path(out_model).suffix != ".keras":
            raise ValueError(f"--out_model {out_model}: give a name ending in .keras.")
        path = self.outputs(out_dir, out_model=out_model)["out_model"]
        model = load_trained_model(model_file, to_generate=True)

        from dipy_tractogen.nn import share_model

        try:
            shared = share_model(model, seed=seed)
        except ValueError as error:
            raise ValueError(f"{model_file}: {error}") from error
        shared.save(path, overwrite=self.force)
        logger.info("Wrote %s", path)
