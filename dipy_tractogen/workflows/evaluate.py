"""`dipy_evaluate_streamlines`: generated streamlines against real ones."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.schema import write_json
from dipy_tractogen.utils.tables import write_table

from .flows.base import TractogenFlow
from .inputs import (
    ParticipantsOptions,
    load_to_encode,
    load_trained_model,
    option_errors,
)
from .options.loading import default_loading, load
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")


class EvaluateStreamlinesFlow(TractogenFlow):
    """Measure generated streamlines against held-out real ones."""

    short_name = "evaluate_streamlines"
    advanced = (
        *("bundles_from", "reference", "outside_box", "grid", "voxel_size"),
        *("nb_bootstrap",),
    )

    @with_parameters_of(ParticipantsOptions)
    def run(
        self,
        generated_file,
        real_files,
        train_files=None,
        model_file=None,
        require=None,
        bundles_from="auto",
        reference=None,
        outside_box="drop",
        grid=None,
        voxel_size=None,
        nb_bootstrap=1000,
        figures=False,
        seed=0,
        out_dir="",
        out_metrics="metrics.json",
        out_table="metrics.tsv",
        out_measures="measures.png",
        out_distributions="distributions.png",
        **given,
    ):
        """Measure generated streamlines against held-out real ones.

        Every measure comes with that of other real streamlines against the same
        held-out ones: that is what a perfect generator would reach. Bundles are
        compared by name. One bounding box holds for all files, that of the real ones.
        Lengths, curvatures and tortuosities that a generated trx or trk says it was
        asked for are compared with those obtained. Where --require is not met, the exit
        code is 3.

        Parameters
        ----------
        generated_file : string or Path
            Tractogram from dipy_generate_streamlines; five times as many streamlines
            as in training tell most.
        real_files : variable string or Path
            Tractograms of real streamlines that were not trained on, such as the
            held_out.trx of a training.
        train_files : variable string or Path, optional
            Tractograms that were trained on. Streamlines that are also in the real
            files are left out. Without them there is no novelty and no look for
            copies, and real streamlines are compared half against half.
        model_file : string or Path, optional
            Model whose point error on the real files is measured, too, and its latents.
        require : variable string, optional
            What measures have to reach, in quotes: 'coverage>=0.85' for all bundles
            together, 'AF_L:coverage>=0.8' for one, 'each:coverage>=0.8' for every one;
            'coverage>=0.95*real' is relative to real streamlines.
        bundles_from : string, optional
            Where the names of the bundles come from: auto (TRX groups, or
            codes of a TRK that its JSON file names, or else the name of the file),
            stem, groups, or a key of data_per_streamline.
        reference : string or Path, optional
            Image or tractogram whose grid holds for all the files.
        outside_box : string, optional
            Generated, real and training streamlines that leave the bounding box of the
            grid: drop, keep or error. To drop more than a tenth is an error as well.
        grid : string or Path, optional
            Image or tractogram whose voxels are those of Dice, overlap and overreach,
            in place of --voxel_size; what lies beyond does not count.
        voxel_size : float, optional
            Edge in mm of the voxels of Dice, overlap and overreach; 2 by default.
        nb_bootstrap : int, optional
            Number of times that streamlines are drawn anew for the 95-percent
            confidence intervals; 0 for none.
        figures : bool, optional
            Draw --out_measures and --out_distributions as well.
        seed : int, optional
            Fixes the samples that are compared, and the draws.
        out_dir : string or Path, optional
            Output folder.
        out_metrics : string, optional
            JSON file with all measures, overall and by bundle.
        out_table : string, optional
            Table of the measures, tab-separated.
        out_measures : string, optional
            Figure of precision, recall, density and coverage by bundle.
        out_distributions : string, optional
            Figure of the distributions of length, curvature, tortuosity and winding.
        """
        voxel_size = _check_voxels(grid, voxel_size)
        if given["participants"] and not model_file:
            raise ValueError(
                f"--participants {given['participants']}: only a model reads it; give "
                "--model_file, or leave it out."
            )
        thresholds = _parse_thresholds(require)
        names = {"out_metrics": out_metrics, "out_table": out_table}
        if figures:
            names["out_measures"] = out_measures
            names["out_distributions"] = out_distributions
        paths = self.outputs(out_dir, **names)
        kinds = {"generated": generated_file, "real": real_files}
        if train_files:
            kinds["training"] = train_files
        files = {kind: self.inputs(each) for kind, each in kinds.items()}
        voxels = _read_grid(grid)
        model = load_trained_model(model_file) if model_file else None

        from dipy_tractogen.metrics.errors import measure_model
        from dipy_tractogen.metrics.evaluate_bundles import (
            evaluate_bundles,
            warnings_of_sets,
        )
        from dipy_tractogen.metrics.thresholds import (
            check_thresholds,
            raise_if_missed,
        )
        from dipy_tractogen.streamlines.common_grid import first_grid
        from dipy_tractogen.streamlines.formats.sidecar import read_generating_model
        from dipy_tractogen.streamlines.values import requested_values

        order = ("real", "training", "generated")
        loading = {
            **default_loading(),
            **given,
            "bundles_from": bundles_from,
            "outside_box": outside_box,
            "reference": first_grid(files, order, reference),
        }
        sets = self._load(files, loading, model)
        report = evaluate_bundles(
            **sets,
            requested=requested_values(sorted(files["generated"]), sets["generated"]),
            require=thresholds,
            voxel_size=voxel_size,
            grid=voxels,
            nb_bootstrap=nb_bootstrap,
            seed=seed,
            show_progress=self.show_progress,
        )
        if model:
            shown = {"show_progress": self.show_progress}
            measures = measure_model(model, sets["real"], **shown)
            report["model"] = {"file": str(model_file), **measures}
        report["generated_with"] = read_generating_model(files["generated"])
        report["screening"] = self.screening
        report["warnings"] = [*warnings_of_sets(report, sets), *report["warnings"]]
        report["parameters"].update(
            bundles_from=bundles_from,
            outside_box=outside_box,
            grid_file=str(grid) if grid else None,
            files={kind: [str(file) for file in each] for kind, each in files.items()},
        )
        for warning in report["warnings"]:
            logger.warning(warning)
        report["thresholds"] = check_thresholds(thresholds, report)
        self._write(paths, report)
        raise_if_missed(report["thresholds"])

    def _load(self, files: dict, loading: dict, model) -> dict:
        """Load the sets of streamlines, real ones with what the model reads."""
        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

        places = {"generated": {"continuous": (FILE_NUMBER, INDEX_IN_FILE)}}
        shown = {"show_progress": self.show_progress, "unassigned": "drop"}
        sets = {}
        for kind, each in files.items():
            options = {"kind": kind, **shown, **places.get(kind, {})}
            if kind == "real" and model:
                sets[kind] = load_to_encode(model, each, loading, **options)
            else:
                # Rows of values are counted in sorted files.
                each = sorted(each) if kind == "generated" else each
                sets[kind] = load(each, loading, **options)
        return sets

    def _write(self, paths: dict, report: dict) -> None:
        from dipy_tractogen.metrics.report_schema import (
            describe_columns,
            format_table,
            table_rows,
        )
        from dipy_tractogen.utils.versions import current_versions

        report["columns"] = columns = describe_columns()
        versions = {"command": self.command, "versions": current_versions()}
        report = {**versions, **report}
        write_json(paths["out_metrics"], report, force=self.force)
        with self.optional(paths["out_table"]):
            rows = (
                ["n/a" if value is None else value for value in row.values()]
                for row in table_rows(report)
            )
            write_table(paths["out_table"], list(columns), rows, force=self.force)
        if "out_measures" in paths:
            self._draw(report, paths)
        for line in format_table(report).splitlines():
            logger.info(line)
        self.log_written(paths.values())

    def _draw(self, report: dict, paths: dict) -> None:
        """Draw the figures, each whether or not the other can be."""
        with self.optional(paths["out_measures"]):
            from dipy_tractogen.viz.evaluation import plot_measures

            plot_measures(report, paths["out_measures"], force=self.force)
        with self.optional(paths["out_distributions"]):
            from dipy_tractogen.viz.evaluation import plot_distributions

            plot_distributions(report, paths["out_distributions"], force=self.force)


def _check_voxels(grid, voxel_size: float | None) -> float:
    """Check that voxels are given in one way; return their size in mm."""
    if grid and voxel_size is not None:
        raise ValueError(
            f"--grid {grid} and --voxel_size {voxel_size} are both given: leave out "
            "one."
        )
    if voxel_size is None:
        from dipy_tractogen.metrics.bundle_similarity import VOXEL_SIZE

        return VOXEL_SIZE
    return voxel_size


def _parse_thresholds(require: list[str] | None) -> list:
    """Return the limits of --require."""
    if require is None:
        return []
    from dipy_tractogen.metrics.thresholds import Threshold

    with option_errors("require"):
        return [Threshold.parse(text) for text in require or [""]]


def _read_grid(grid):
    """Read the grid of an image, or of a tractogram that was made with one."""
    if not grid:
        return None
    from dipy_tractogen.streamlines.reference import Reference

    voxels = Reference.from_file(grid)
    if voxels.is_placeholder:
        raise ValueError(
            f"--grid {grid} has the dimensions {voxels.dimensions}, as a file made "
            "without an image: give an image."
        )
    return voxels
