"""`dipy_sweep_beta`: what beta does, and which to take."""

from __future__ import annotations

from contextlib import nullcontext
import logging
import os
from pathlib import Path

from dipy_tractogen.parameters.model import ReconstructionParameters, VAESizes
from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.messages import listed

from .flows.base import TractogenFlow
from .options.arguments import check_int
from .options.loading import LoadingOptions, load
from .options.parameters import with_parameters_of
from .options.training import InputOptions

logger = logging.getLogger("dipy_tractogen")

# What every trial has, unless it is searched.
_OF_TRIALS = (
    *(VAESizes, ReconstructionParameters.only("sigma_mm")),
    FitParameters.only("epochs", "max_minutes"),
)


class SweepBetaFlow(TractogenFlow):
    """Train with many values of beta, and compare what comes out."""

    short_name = "sweep_beta"
    advanced = ("minimum_beta", "tolerance_mm")

    @with_parameters_of(InputOptions, *_OF_TRIALS, LoadingOptions)
    def run(
        self,
        betas=None,
        minimum_beta=0.0,
        search=None,
        nb_trials=0,
        tolerance_mm=0.02,
        held_out=0.1,
        seed=0,
        resume=False,
        out_dir="",
        out_study="sweep.db",
        out_table="sweep.tsv",
        out_png="sweep.png",
        **given,
    ):
        """Train with many values of beta, and compare what comes out.

        Every trial trains a variational autoencoder (spectral backbone) on the same
        streamlines and measures it on those that are held out: point error, KL
        divergence, active dimensions, quality of generated streamlines,
        disentanglement. The study is a database: a search that was stopped goes on
        with --resume, and the same command, run several times at once with --resume,
        shares its trials.

        Parameters
        ----------
        betas : variable float, optional
            Values of beta: by default 0 0.125 0.25 0.5 1 2 4 8 16.
        minimum_beta : float, optional
            Smaller values of beta are not tried.
        search : variable string, optional
            Further parameters that are searched, with their ranges, NAME=LOW:HIGH, in
            place of one value each: latent_dim, nb_coefficients, sigma_mm,
            learning_rate, free_bits.
        nb_trials : int, optional
            All trials, where further parameters are searched; by default four times
            the number of betas.
        tolerance_mm : float, optional
            Difference of point errors that does not matter, in mm: of trials that are
            so near to the smallest, that of the best quality is recommended.
        held_out : float, optional
            Share of every bundle that is not trained on, above 0 and less than 1.
        seed : int, optional
            Fixes the split, the trainings and the search.
        resume : bool, optional
            Go on with the search in the database, or start one where there is none.
        out_dir : string or Path, optional
            Output folder.
        out_study : string, optional
            SQLite database of the search.
        out_table : string, optional
            Table of the trials, tab-separated.
        out_png : string, optional
            Figure of the trade-off.
        """
        from dipy_tractogen.tuning.space import (
            DEFAULT_BETAS,
            check_betas,
            parse_ranges,
        )

        # Several processes may share a GPU, of which JAX would take three quarters.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        nb_points = given["nb_points"]
        check_int("latent_dim", given["latent_dim"], high=3 * nb_points)
        betas = check_betas(betas or DEFAULT_BETAS, minimum_beta)
        ranges = parse_ranges(search or [])
        for name, limit in (
            ("latent_dim", 3 * nb_points),
            ("nb_coefficients", nb_points),
        ):
            if name in ranges:
                check_int(f"search {name}", ranges[name][1], high=limit)
        if nb_trials and not ranges:
            raise ValueError(
                "--nb_trials goes with --search: betas alone are tried once each."
            )
        # The table and the figure are made anew from the study each time.
        names = {"out_study": out_study, "out_table": out_table, "out_png": out_png}
        paths = self.outputs(out_dir, again=resume, **names)
        files = self.inputs(given["input_files"])

        from dipy_tractogen.metrics.prdc import NB_NEIGHBOURS
        from dipy_tractogen.tuning.database import new_database
        from dipy_tractogen.tuning.study import BetaStudy
        from dipy_tractogen.utils.files import file_digest

        fixed = {name: given[name] for name in ("nb_points", "latent_dim", "sigma_mm")}
        options = {name: given[name] for name in ("epochs", "max_minutes")}
        options["seed"] = seed
        # The study knows the files by what is in them, and not by their names.
        loading = ("bundles_from", "outside_box", "min_length")
        shown = {"show_progress": self.show_progress}
        bundles = load(files, given, unassigned="drop", **shown)
        training, aside = bundles.split(held_out, seed)
        if len(aside) <= NB_NEIGHBOURS:
            raise ValueError(
                f"--held_out {held_out} holds out {len(aside)} streamlines, too few to "
                f"measure with: give a share that makes more than {NB_NEIGHBOURS}."
            )
        settings = {
            **fixed,
            **options,
            **{name: given[name] for name in loading},
            "held_out": held_out,
            "data": [file_digest(file) for file in files],
        }
        is_there = resume and paths["out_study"].exists()
        with nullcontext() if is_there else new_database(paths["out_study"]):
            study = BetaStudy(
                paths["out_study"],
                settings,
                betas=betas,
                ranges=ranges,
                nb_trials=nb_trials or (4 * len(betas) if ranges else len(betas)),
                seed=seed,
            )
            # The backend takes seconds to load: what is wrong is said before.
            from dipy_tractogen.tuning.trial import run_trials

            run_trials(study, training, aside, fixed, options, **shown)
            rows = study.rows(tolerance_mm)
        _write_table(paths["out_table"], rows)
        _report(rows, paths)

        with self.optional(paths["out_png"]):
            from dipy_tractogen.viz.tradeoff import plot_tradeoff

            plot_tradeoff(rows, paths["out_png"], force=True)
        self.log_written(paths.values())


def _write_table(path: Path, rows: list[dict]) -> None:
    """Write all trials; what a trial does not have is empty."""
    from dipy_tractogen.utils.tables import write_table

    columns = list(dict.fromkeys(name for row in rows for name in row))
    # The reason of a failure is long, and stands last.
    columns.sort(key=lambda name: name == "reason")
    lines = ([row.get(name, "") for name in columns] for row in rows)
    write_table(path, columns, lines, force=True)


def _report(rows: list[dict], paths: dict[str, Path]) -> None:
    best = [row for row in rows if row.get("recommended")]
    if not best:
        raise ValueError(
            f"no trial was completed: the reasons are in {paths['out_table']}."
        )
    front = listed(f"{row['beta']:g}" for row in rows if row.get("pareto"))
    logger.info("Beta of the trials on the Pareto front: %s", front)
    logger.info(
        "Recommended: trial %(trial)d, beta %(beta)g, point error "
        "%(point_error_mm).2f mm, quality %(quality).3f",
        best[0],
    )
