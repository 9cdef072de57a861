"""`dipy_evaluate_streamlines`: generated streamlines against real ones."""

from __future__ import annotations

from functools import partial
import logging

from dipy_tractogen.utils.messages import format_count
from dipy_tractogen.utils.schema import write_json

from .flows.base import TractogenFlow
from .options.arguments import check_exclusive, check_needs
from .options.inputs import (
    ParticipantsOptions,
    check_figures,
    load_to_encode,
    load_trained_model,
    option_errors,
)
from .options.loading import LoadingOptions, MapOptions, default_loading, load
from .options.parameters import with_parameters_of
from .options.parts import InputParts
from .options.spaces import SpaceOptions, check_spaces, find_transform, is_moved

logger = logging.getLogger("dipy_tractogen")

_SETS = {"generated": "generated_file", "real": "real_files", "training": "train_files"}
_FIGURES = {"out_measures": "plot_measures", "out_distributions": "plot_distributions"}


class EvaluateStreamlinesFlow(TractogenFlow):
    """Measure generated streamlines against held-out real ones."""

    short_name = "evaluate_streamlines"
    advanced = ("grid", "voxel_size", "nb_bootstrap")

    @with_parameters_of(
        LoadingOptions.only("bundles_from", "reference", "outside_box"),
        ParticipantsOptions,
        SpaceOptions,
        MapOptions,
    )
    def run(
        self,
        generated_file,
        real_files,
        train_files=None,
        model_file=None,
        require=None,
        max_streamlines=1_000_000,
        grid=None,
        voxel_size=None,
        nb_bootstrap=1000,
        values=None,
        c2st=False,
        membership=False,
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
        Lengths, curvatures and tortuosities that a generated file says it was
        asked for are compared with those obtained. Where --require is not met, the exit
        code is 3.

        Parameters
        ----------
        generated_file : string or Path
            Tractogram from dipy_generate_streamlines, or folder of shards; five times
            as many streamlines as in training tell most.
        real_files : variable string or Path
            Tractograms of real streamlines that were not trained on, such as the
            held_out.trx of a training.
        train_files : variable string or Path, optional
            Tractograms that were trained on. Streamlines that are also in the real
            files are left out. Without them there is no novelty, copies are not
            searched for, and real streamlines are compared half against half.
        model_file : string or Path, optional
            Model whose point error on the real files is measured, too, and its latents.
        require : variable string, optional
            What measures have to reach, in quotes: 'coverage>=0.85' for all bundles
            together, 'AF_L:coverage>=0.8' for one, 'each:coverage>=0.8' for every one;
            'coverage>=0.95*real' is relative to real streamlines, and
            'FA_profile_w1<=2*real' is of one of --values.
        max_streamlines : int, optional
            Generated streamlines that are compared, at most. Of more a sample is drawn,
            which is the same from one file and from a folder of shards; these are read
            one after another.
        grid : string or Path, optional
            Image or tractogram whose voxels are those of Dice, overlap and overreach,
            in place of --voxel_size; what lies beyond does not count.
        voxel_size : float, optional
            Edge in mm of the voxels of Dice, overlap and overreach; 2 by default.
        nb_bootstrap : int, optional
            Number of times that streamlines are drawn anew for the 95-percent
            confidence intervals; 0 for none.
        values : variable string, optional
            Values along the streamlines (data_per_point of all the files) whose
            profiles are compared, such as FA MD: mean profile, distribution at each
            node, covariance along the bundle, and whether profiles belong to the shapes
            of their streamlines.
        c2st : bool, optional
            Classifier two-sample test: measure how well classifiers tell generated from
            held-out streamlines by their shape and by their texture, and say what gives
            them away; of --values by their profiles as well. Takes about half a minute;
            a --require of it asks for it, too.
        membership : bool, optional
            Membership attack: measure how well those trained on are told from held-out
            streamlines by how near they are to generated ones. Needs --train_files; a
            --require of it asks for it, too.
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
        from dipy_tractogen.metrics.bundle_similarity import Grid
        from dipy_tractogen.metrics.evaluate_bundles import evaluate_bundles
        from dipy_tractogen.metrics.measures import C2ST, MEMBERSHIP
        from dipy_tractogen.metrics.thresholds import (
            Threshold,
            check_values,
            raise_if_missed,
        )
        from dipy_tractogen.streamlines.values import requested_values

        check_exclusive(self.given, "grid", "voxel_size")
        check_spaces(given)
        needs = dict.fromkeys(("participants", "register"), ("model_file",))
        check_needs(self.given, {**needs, "maps": ("values", "model_file")})
        check_needs(
            {**self.given, "membership": membership or None},
            {"membership": ("train_files",)},
        )
        with option_errors("require"):
            limits = [Threshold.parse(text) for text in require or ()]
            check_values(limits, values or ())
        names = {"out_metrics": out_metrics, "out_table": out_table}
        if figures:
            names |= {"out_measures": out_measures}
            names |= {"out_distributions": out_distributions}
        paths = self.outputs(out_dir, **names)
        check_figures({name: paths[name] for name in _FIGURES if name in paths})
        files = {
            kind: self.inputs(self.given[name])
            for kind, name in _SETS.items()
            if self.given[name]
        }
        if grid:
            # Before anything is loaded: an error for a grid that has no voxels.
            Grid.of(grid)
        model = load_trained_model(model_file) if model_file else None
        sets = self._load(files, given, model)
        report = evaluate_bundles(
            **sets,
            requested=requested_values(sorted(files["generated"]), sets["generated"]),
            require=limits,
            model=model,
            voxel_size=voxel_size,
            grid=grid,
            nb_bootstrap=nb_bootstrap,
            values=values or (),
            c2st=c2st or any(one.measure in (*C2ST, "c2st_profile") for one in limits),
            membership=membership
            or any(limit.measure in MEMBERSHIP for limit in limits),
            seed=seed,
            show_progress=self.show_progress,
        )
        for warning in report["warnings"]:
            logger.warning(warning)
        self._write(report, files, paths)
        raise_if_missed(report["thresholds"])

    def _load(self, files: dict, given: dict, model) -> dict:
        """Load the sets of streamlines, real ones with what the model reads.

        Those that are in a space of their own are brought to that of the others.
        """
        from dipy_tractogen.streamlines.common_grid import first_grid
        from dipy_tractogen.streamlines.spaces.moved import moved_bundles
        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

        moved, order = is_moved(given), ("real", "training", "generated")
        # The box of the real files holds for all, unless it is in another space.
        others = order[1:] if moved else order
        grid = first_grid(files, others, None if moved else given["reference"])
        sets = {}
        for kind, each in files.items():
            options = {"kind": kind, "unassigned": "drop"}
            values = list(self.given["values"] or ())
            if kind == "training" and model and self.given["membership"]:
                values += model.profiles
            in_own = moved and kind == "real"
            loading = {**default_loading(), **given}
            loading["reference"] = given["reference"] if in_own else grid
            if kind == "real" and model:
                sets[kind] = load_to_encode(
                    self, model, each, loading, profiles=values, **options
                )
                continue
            if kind == "generated":
                # `requested_values` counts in sorted files.
                options["continuous"] = (FILE_NUMBER, INDEX_IN_FILE)
                # Their values are generated, too.
                options["maps"] = {}
                sets[kind] = self._sample(loading, values=values, **options)
                continue
            if not values:
                # The images are for the model that reads the real ones.
                options["maps"] = {}
            sets[kind] = load(self, each, loading, values=values, **options)
        if moved:
            transform = find_transform(self, model, sets["real"], given, kind="real")
            reference = sets["generated"].reference
            sets["real"] = moved_bundles(sets["real"], transform, reference)
        return sets

    def _sample(self, loading: dict, **options):
        """Load generated streamlines, a shard at a time, or a sample of many."""
        from dipy_tractogen.streamlines.running_sample import RunningSample

        most = self.given["max_streamlines"]
        # What is registered are real streamlines.
        loading = {**loading, "register": None}
        parts = InputParts(
            self,
            self.given[_SETS["generated"]],
            loading,
            partial(load, self, **options),
            kind="generated",
        )
        sample = RunningSample(most, self.given["seed"])
        for number in range(len(parts)):
            sample.add(parts.load(number))
        if sample.nb_streamlines > most:
            number = format_count(sample.nb_streamlines, "generated streamline")
            logger.info("Of %s a sample of %d is compared", number, most)
        return sample.result(parts.reference)

    def _write(self, report: dict, files: dict, paths: dict) -> None:
        """Write the report, with what it was made from, and its table and figures."""
        from dipy_tractogen.metrics.report_schema import (
            describe_columns,
            format_table,
            save_table,
        )
        from dipy_tractogen.streamlines.formats.sidecar import read_generating_model
        from dipy_tractogen.utils.versions import current_versions

        if "model" in report:
            report["model"] = {"file": str(self.given["model_file"]), **report["model"]}
        options = {name: self.given[name] for name in ("bundles_from", "outside_box")}
        grid = self.given["grid"]
        options["max_streamlines"] = self.given["max_streamlines"]
        report["parameters"] |= {**options, "grid_file": str(grid) if grid else None}
        report["parameters"]["files"] = {
            kind: [str(file) for file in each] for kind, each in files.items()
        }
        report = {
            "command": self.command,
            "versions": current_versions(),
            **self.make_notes(),
            **report,
            "generated_with": read_generating_model(files["generated"]),
            "columns": describe_columns(self.given["values"] or ()),
        }
        write_json(paths["out_metrics"], report, force=self.force)
        with self.optional(paths["out_table"]):
            save_table(paths["out_table"], report, force=self.force)
        for name, draw in _FIGURES.items():
            if name in paths:
                with self.optional(paths[name]):
                    from dipy_tractogen.viz import evaluation

                    getattr(evaluation, draw)(report, paths[name], force=self.force)
        for line in format_table(report).splitlines():
            logger.info(line)
        self.log_written(paths.values())
