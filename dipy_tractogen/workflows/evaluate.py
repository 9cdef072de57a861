"""`dipy_evaluate_streamlines`: generated streamlines against real ones."""

from __future__ import annotations

import logging

from dipy_tractogen.utils.schema import write_json

from .base import TractogenFlow
from .options.arguments import check_choice, check_int, check_number
from .options.loading import default_loading, load
from .options.parameters import with_parameters_of
from .runtime.tables import write_table
from .steps.encoding import load_to_encode, participants_parameters
from .steps.evaluation_inputs import (
    common_box,
    generating_model,
    load_generated,
    measure_model,
)
from .steps.models import load_trained_model
from .steps.places import warn_of_space
from .steps.thresholds import parse_thresholds, raise_if_missed

logger = logging.getLogger("dipy_tractogen")


class EvaluateStreamlinesFlow(TractogenFlow):
    """Measure generated streamlines against held-out real ones."""

    short_name = "evaluate_streamlines"

    @with_parameters_of(participants_parameters)
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
        check_choice("outside_box", outside_box, ("drop", "keep", "error"))
        check_int("nb_bootstrap", nb_bootstrap, low=0)
        check_int("seed", seed, low=0)
        _check_participants(given["participants"], model_file)
        thresholds = parse_thresholds(require)
        names = {"out_metrics": out_metrics, "out_table": out_table}
        if figures:
            names |= {
                "out_measures": out_measures,
                "out_distributions": out_distributions,
            }
        paths = self.outputs(out_dir, **names)
        kinds = {"generated": generated_file, "real": real_files}
        if train_files:
            kinds["training"] = train_files
        files = {kind: self.inputs(each) for kind, each in kinds.items()}
        voxels = _read_grid(grid)
        model = load_trained_model(model_file) if model_file else None

        loading = {
            **default_loading(),
            "bundles_from": bundles_from,
            "outside_box": outside_box,
            "reference": common_box(files, reference),
        }
        sets, asked = self._load(files, loading, model, given["participants"])
        labels, names = _common_labels(sets)
        _check_bundles(thresholds, labels, names)
        report = _evaluate(
            sets,
            asked,
            labels,
            names,
            voxel_size=voxel_size,
            grid=voxels,
            nb_bootstrap=nb_bootstrap,
            seed=seed,
            show_progress=self.show_progress,
        )
        if model:
            report["model"] = {
                "file": str(model_file),
                **measure_model(model, sets["real"], show_progress=self.show_progress),
            }
        report["generated_with"] = generating_model(files["generated"])
        report["screening"] = self.screening
        report["warnings"] = [
            *_warn_of_dropped(sets),
            *warn_of_space(report, sets),
            *report["warnings"],
        ]
        report["parameters"].update(
            bundles_from=bundles_from,
            outside_box=outside_box,
            grid_file=str(grid) if grid else None,
            files={kind: [str(file) for file in each] for kind, each in files.items()},
        )
        for warning in report["warnings"]:
            logger.warning(warning)
        self._write(paths, report, thresholds)
        raise_if_missed(report["thresholds"])

    def _load(self, files: dict, loading: dict, model, participants) -> tuple:
        """Load the sets, and what of the generated one was asked for."""
        shown = {"show_progress": self.show_progress, "unassigned": "drop"}
        sets = {}
        sets["generated"], asked = load_generated(
            files["generated"], loading, kind="generated", **shown
        )
        if model is None:
            sets["real"] = load(files["real"], loading, kind="real", **shown)
        else:
            sets["real"] = load_to_encode(
                model,
                files["real"],
                loading,
                participants,
                kind="real",
                **shown,
            )
        if "training" in files:
            sets["training"] = load(
                files["training"], loading, kind="training", **shown
            )
        return sets, asked

    def _write(self, paths: dict, report: dict, thresholds: list) -> None:
        from dipy_tractogen.metrics.report_schema import describe_columns, table_rows
        from dipy_tractogen.metrics.table import format_table
        from dipy_tractogen.metrics.thresholds import check_thresholds
        from dipy_tractogen.utils.versions import current_versions

        columns = describe_columns()
        report["thresholds"] = check_thresholds(thresholds, report)
        report["columns"] = columns
        report = {
            "command": self.command,
            "versions": current_versions(),
            **report,
        }
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
    """Refuse voxels of two kinds; give the size of those that are no image's."""
    if grid and voxel_size is not None:
        raise ValueError(
            f"--grid {grid} and --voxel_size {voxel_size} are both given: leave out "
            "one."
        )
    if voxel_size is None:
        from dipy_tractogen.metrics.volume import VOXEL_SIZE

        return VOXEL_SIZE
    check_number("voxel_size", voxel_size, low=0.1, high=100)
    return voxel_size


def _check_participants(participants, model_file) -> None:
    if participants and not model_file:
        raise ValueError(
            f"--participants {participants}: only a model reads it; give --model_file, "
            "or leave it out."
        )


def _read_grid(grid):
    """Read the grid of an image or of a tractogram that was made with one."""
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


def _warn_of_dropped(sets: dict) -> list[str]:
    """Say what was dropped of each set, or kept although it leaves the box."""
    return [
        f"Of the {kind} streamlines: {each.report.summary()}."
        for kind, each in sets.items()
        if each.report.counts
    ]


def _common_labels(sets: dict) -> tuple[dict, list[str]]:
    """Give the bundles of all sets the same codes, and their names."""
    import numpy as np

    names = sorted({name for each in sets.values() for name in each.bundle_names})
    labels = {
        kind: np.searchsorted(names, each.bundle_names)[each.labels]
        for kind, each in sets.items()
    }
    return labels, names


def _check_bundles(thresholds: list, labels: dict, names: list[str]) -> None:
    """Refuse limits of bundles that are not going to be compared."""
    if not thresholds:
        return
    from dipy_tractogen.metrics.matching import common_bundles
    from dipy_tractogen.metrics.thresholds import check_bundles

    check_bundles(thresholds, common_bundles(labels, tuple(names))[1].values())


def _evaluate(
    sets: dict, asked: dict, labels: dict, names: list[str], **options
) -> dict:
    """Evaluate, and compare what was asked for with what was obtained."""
    from dipy_tractogen.metrics.errors import condition_errors
    from dipy_tractogen.metrics.evaluation import evaluate

    logger.info(
        "Comparing %s streamlines",
        ", ".join(f"{len(each)} {kind}" for kind, each in sets.items()),
    )
    report = evaluate(
        **{kind: each.streamlines for kind, each in sets.items()},
        **{f"{kind}_labels": each for kind, each in labels.items()},
        bundle_names=names,
        **options,
    )
    compared = {names.index(name): name for name in report["bundles"]}
    report["conditions"] = condition_errors(
        sets["generated"].streamlines, asked, labels["generated"], compared
    )
    return report
