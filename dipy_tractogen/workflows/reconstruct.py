"""`dipy_reconstruct_streamlines`: a tractogram through a model and back."""

from __future__ import annotations

from dataclasses import replace
import logging

from .base import TractogenFlow
from .conditions import values_that_were_written
from .loading import check_loading, load, loading_parameters
from .models import load_trained_model
from .parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")

# Streamlines held as points at a time: 100 MB at 256 points.
_BLOCK = 32768


class ReconstructStreamlinesFlow(TractogenFlow):
    """Encode and decode tractograms, and measure the point error."""

    short_name = "reconstruct_streamlines"

    @with_parameters_of(loading_parameters)
    def run(
        self,
        model_file,
        input_files,
        participants=None,
        out_dir="",
        out_tractogram="reconstructed.trx",
        **given,
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
        participants : string or Path, optional
            Table of the subjects, a participants.tsv as in BIDS, for a model that
            reads conditions of theirs; without it these are looked up in
            data_per_streamline, where categories may have the codes that a training or
            a generation wrote. The files need not be those of the training,
            but their bundles and other categories have to be known to such a model.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram; trx and trk keep the error of each streamline.
        """
        from dipy_tractogen.streamlines.files import tractogram_extension

        check_loading(given)
        tractogram_extension(out_tractogram)
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]
        files = self.inputs(input_files)
        model = load_trained_model(model_file)

        names = conditions_to_load(model)
        if participants and not any(names.values()):
            raise ValueError(
                f"--participants {participants}: the model reads nothing of subjects; "
                "leave it out."
            )
        if any(names.values()):
            read = [*names["categorical"], *names["continuous"]]
            logger.info("The model reads %s", ", ".join(read))
        bundles = load(files, given, participants=participants, **names)
        if not participants and any(names.values()):
            values = values_that_were_written(model.conditions, bundles.values)
            bundles = replace(bundles, values=values)
        check_known(model, bundles)
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
                values = _values(bundles, rows)
                reconstructed = model.reconstruct(points, values)
                errors.append(point_errors(points, reconstructed))
                truncation.append(model.truncation_error(points))
                tractogram.write(
                    reconstructed, bundles.labels[rows], {"error_mm": errors[-1]}
                )
        summary = summarize_errors(np.concatenate(errors))
        lost = float(np.concatenate(truncation).mean())
        return summary["mean"], summary["p95"], lost


def conditions_to_load(model) -> dict[str, list[str]]:
    """Find what files have to tell of streamlines that a model is to encode.

    Parameters
    ----------
    model : StreamlineModel
        The model.

    Returns
    -------
    dict of str to list of str
        Names under ``categorical`` and ``continuous``; none where the networks read no
        conditions.
    """
    from dipy_tractogen.streamlines.conditions import BUNDLE, COMPUTED

    if not model.conditions_in_networks:
        return {"categorical": [], "continuous": []}
    kinds = {
        "categorical": model.conditions.categorical,
        "continuous": model.conditions.continuous,
    }
    return {
        kind: [one.name for one in each if one.name not in (BUNDLE, *COMPUTED)]
        for kind, each in kinds.items()
    }


def check_known(model, bundles) -> None:
    """Refuse categories that the networks of a model never read.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    bundles : BundleSet
        What is to be encoded.

    Raises
    ------
    ValueError
        If a bundle or another category is unknown.
    """
    if model.conditions_in_networks:
        model.conditions.codes(_values(bundles, slice(None)))


def _values(bundles, rows: slice) -> dict:
    """Give the bundle and other values of some streamlines."""
    import numpy as np

    names = np.array(bundles.bundle_names)[bundles.labels[rows]]
    return {"bundle": names, **{k: v[rows] for k, v in bundles.values.items()}}
