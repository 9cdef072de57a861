"""`dipy_evaluate_streamlines`: generated streamlines against real ones."""

from __future__ import annotations

import logging

from .arguments import check_int, check_number
from .base import TractogenFlow
from .tables import write_json

logger = logging.getLogger("dipy_tractogen")


class EvaluateStreamlinesFlow(TractogenFlow):
    """Measure generated streamlines against held-out real ones."""

    short_name = "evaluate_streamlines"

    def run(
        self,
        generated_file,
        real_files,
        train_files=None,
        bundles_from="auto",
        reference=None,
        voxel_size=2.0,
        seed=0,
        out_dir="",
        out_metrics="metrics.json",
    ):
        """Measure generated streamlines against held-out real ones.

        Every measure comes with that of other real streamlines against the same
        held-out ones: that is what a perfect generator would reach. Bundles are
        compared by name. Generated streamlines out of the bounding box count as well.

        Parameters
        ----------
        generated_file : string or Path
            Tractogram from dipy_generate_streamlines; five times as many streamlines
            as in training tell most.
        real_files : variable string or Path
            Tractograms of real streamlines that were not trained on, such as the
            held_out.trx of a training.
        train_files : variable string, optional
            Tractograms that were trained on. Streamlines that are also in the real
            files are left out. Without them there is no novelty, and real streamlines
            are compared half against half.
        bundles_from : string, optional
            Where the names of the bundles come from: auto (TRX groups, or else the
            name of the file), stem, groups, or a key of data_per_streamline.
        reference : string or Path, optional
            Image or tractogram whose grid holds for all the files.
        voxel_size : float, optional
            Edge in mm of the voxels of Dice, overlap and overreach.
        seed : int, optional
            Fixes the samples that are compared.
        out_dir : string or Path, optional
            Output folder.
        out_metrics : string, optional
            JSON file with all measures, overall and by bundle.
        """
        check_number("voxel_size", voxel_size, low=0.1, high=100)
        check_int("seed", seed, low=0)
        path = self.outputs(out_dir, out_metrics=out_metrics)["out_metrics"]

        from dipy_tractogen.streamlines.files import expand_inputs

        inputs = {"generated": generated_file, "real": real_files}
        if train_files:
            inputs["training"] = train_files
        files = {kind: expand_inputs(given) for kind, given in inputs.items()}
        sets = _load(files, bundles_from=bundles_from, reference=reference)

        from dipy_tractogen.metrics.table import format_table

        report = _evaluate(sets, voxel_size=voxel_size, seed=seed)
        report["parameters"].update(
            bundles_from=bundles_from,
            files={
                kind: [str(file) for file in found] for kind, found in files.items()
            },
        )
        for warning in report["warnings"]:
            logger.warning(warning)
        write_json(path, report, force=self.force)
        for line in format_table(report).splitlines():
            logger.info(line)
        logger.info("Wrote %s", path)


def _load(files: dict, *, bundles_from: str, reference) -> dict:
    from dipy_tractogen.streamlines.io import load_bundles

    return {
        kind: load_bundles(
            given,
            bundles_from=bundles_from,
            reference=reference,
            out_of_bounds="keep" if kind == "generated" else "drop",
        )
        for kind, given in files.items()
    }


def _evaluate(sets: dict, *, voxel_size: float, seed: int) -> dict:
    """Give all sets the same codes of bundles, and evaluate."""
    import numpy as np

    from dipy_tractogen.metrics.evaluation import evaluate

    names = sorted({name for each in sets.values() for name in each.bundle_names})
    labels = {
        f"{kind}_labels": np.searchsorted(names, each.bundle_names)[each.labels]
        for kind, each in sets.items()
    }
    logger.info(
        "Comparing %s streamlines",
        ", ".join(f"{len(each)} {kind}" for kind, each in sets.items()),
    )
    return evaluate(
        **{kind: each.streamlines for kind, each in sets.items()},
        **labels,
        bundle_names=names,
        voxel_size=voxel_size,
        seed=seed,
    )
