"""`dipy_sweep_beta`: what beta does, and which to take."""

from __future__ import annotations

import os

from dipy_tractogen.parameters.model import (
    NetworkParameters,
    ReconstructionParameters,
    VAESizes,
)
from dipy_tractogen.parameters.training import FitParameters

from ..flows.base import TractogenFlow
from ..options.inputs import check_figures
from ..options.loading import LoadingOptions, MapOptions, digests_of_maps, load
from ..options.parameters import with_parameters_of
from ..options.spaces import (
    TemplateOptions,
    check_template,
    load_template,
    template_of,
)
from ..options.training import InputOptions

_Values = NetworkParameters.only("profiles", "profile_sigmas")

# What every trial has, unless it is searched.
_OF_TRIALS = (
    *(VAESizes, ReconstructionParameters.only("sigma_mm"), _Values),
    FitParameters.only("epochs", "max_minutes"),
)


class SweepBetaFlow(TractogenFlow):
    """Train with many values of beta, and compare what comes out."""

    short_name = "sweep_beta"
    advanced = ("minimum_beta", "tolerance_mm")

    @with_parameters_of(
        *(InputOptions, *_OF_TRIALS, TemplateOptions, LoadingOptions, MapOptions)
    )
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
        storage="",
        study_name="beta",
        out_dir="",
        out_study="sweep.journal",
        out_table="sweep.tsv",
        out_png="sweep.png",
        **given,
    ):
        """Train with many values of beta, and compare what comes out.

        Every trial trains a variational autoencoder (spectral backbone) on the same
        streamlines and measures it on those that are held out: point error, KL
        divergence, active dimensions, quality of generated streamlines,
        disentanglement, and the error of --values. A search that was stopped goes on
        with --resume, and the same command, run several times at once with --resume,
        shares its trials: on one machine, or on several that have the file of the study
        on a common disk or use the same --storage.

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
            Go on with the search that is there, or start one where there is none.
        storage : string, optional
            Address of a database that keeps the search in place of --out_study, such
            as postgresql://user@host/name, with the password in ~/.pgpass. Any that
            Optuna can use, but for SQLite.
        study_name : string, optional
            Name of the search in the database, which may have several.
        out_dir : string or Path, optional
            Output folder.
        out_study : string, optional
            File of the search.
        out_table : string, optional
            Table of the trials, tab-separated.
        out_png : string, optional
            Figure of the trade-off.
        """
        from dipy_tractogen.tuning.space import DEFAULT_BETAS, search_space

        # Several processes may share a GPU, of which JAX would take three quarters.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        space = {
            "betas": betas or DEFAULT_BETAS,
            "minimum_beta": minimum_beta,
            "search": search or [],
            "nb_trials": nb_trials,
            "nb_points": given["nb_points"],
            "latent_dim": given["latent_dim"],
        }
        search_space(**space)
        values = _Values.from_options(given)
        NetworkParameters(**values)
        check_template(given)
        if storage:
            from dipy_tractogen.tuning.storage import check_address

            check_address(storage)
        # The table and the figure are made anew from the study each time.
        names = {"out_table": out_table, "out_png": out_png}
        if not storage:
            names["out_study"] = out_study
        paths = self.outputs(out_dir, again=resume, **names)
        check_figures({"out_png": paths["out_png"]})
        files = self.inputs(given["input_files"])

        from dipy_tractogen.tuning.sweep import log_recommended, save_trials, sweep_beta
        from dipy_tractogen.utils.files import file_digest

        shown = {"show_progress": self.show_progress}
        template = load_template(self, given)
        bundles = load(
            self,
            files,
            given,
            unassigned="drop",
            register_to=template,
            values=values.get("profiles", ()),
        )
        # The study knows the files by what is in them, and not by their names.
        loading = ("bundles_from", "outside_box", "min_length")
        settings = {name: given[name] for name in loading}
        settings |= template_of(given)
        settings["data"] = [file_digest(file) for file in files]
        settings |= digests_of_maps(given)
        rows = sweep_beta(
            bundles,
            storage or paths["out_study"],
            **space,
            **{name: given[name] for name in ("sigma_mm", "epochs", "max_minutes")},
            **values,
            tolerance_mm=tolerance_mm,
            held_out=held_out,
            settings=settings,
            seed=seed,
            resume=resume,
            force=self.force,
            study_name=study_name,
            **shown,
        )
        save_trials(paths["out_table"], rows, force=True)
        if not log_recommended(rows):
            raise ValueError(
                f"no trial was completed: the reasons are in {paths['out_table']}."
            )
        with self.optional(paths["out_png"]):
            from dipy_tractogen.viz.plots import plot_tradeoff

            plot_tradeoff(rows, paths["out_png"], force=True)
        self.log_written(paths.values())
