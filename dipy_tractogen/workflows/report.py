"""`dipy_write_report`: one page about a training and what it makes."""

from __future__ import annotations

import logging
from pathlib import Path

from .flows.base import TractogenFlow
from .options.arguments import check_needs
from .options.inputs import load_trained_model
from .options.loading import LoadingOptions, MapOptions, default_loading, load, maps_of
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")

_SETS = ("real", "generated", "reconstructed")


class WriteReportFlow(TractogenFlow):
    """Write one page about a training and what it makes."""

    short_name = "write_report"
    advanced = ("captions", "pictures", "outside_box", "max_streamlines")

    @with_parameters_of(LoadingOptions.only("bundles_from", "reference"), MapOptions)
    def run(
        self,
        model_file,
        real_files=None,
        generated_files=None,
        reconstructed_files=None,
        metrics_file=None,
        latent_file=None,
        pictures=None,
        captions=None,
        mask=None,
        outside_box="keep",
        max_streamlines=3000,
        seed=0,
        out_dir="",
        out_report="report.html",
        **given,
    ):
        """Write one page about a training and what it makes.

        An HTML file with everything in it, to be opened by any browser without a
        network: warnings, figures, pictures, curves, tables that can be sorted, and the
        commands to repeat it. With a model alone it reports the training; each other
        input adds to it.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        real_files : variable string or Path, optional
            Tractograms of real streamlines, such as the held_out.trx of the training,
            drawn beside what the model makes. So are the profiles of the values that
            the model has learnt, and of --maps, which are for these files.
        generated_files : variable string or Path, optional
            Tractograms from dipy_generate_streamlines, with the JSON file that it
            wrote beside them.
        reconstructed_files : variable string or Path, optional
            Tractograms from dipy_reconstruct_streamlines, of the real files, with the
            error of each streamline.
        metrics_file : string or Path, optional
            JSON file from dipy_evaluate_streamlines.
        latent_file : string or Path, optional
            JSON file from dipy_explore_latent, with its figures beside it.
        pictures : variable string or Path, optional
            Other pictures to show: PNG, JPEG, GIF or WebP.
        captions : variable string, optional
            What is seen in each of them, also for those who cannot see it. By default
            the names of the files.
        mask : string or Path, optional
            Image that is not zero in the brain, whose outline is drawn behind the
            streamlines.
        outside_box : string, optional
            Streamlines that leave the bounding box of the grid: drop, keep or error. By
            default they are drawn, as a picture is where one would want to see them.
        max_streamlines : int, optional
            Number of streamlines drawn in each panel, about; chosen at random.
        seed : int, optional
            Fixes the choice of the streamlines that are drawn.
        out_dir : string or Path, optional
            Output folder.
        out_report : string, optional
            HTML file.
        """
        if not out_report.lower().endswith((".html", ".htm")):
            raise ValueError(f"--out_report {out_report}: give a name with .html.")
        files = {kind: self.given[f"{kind}_files"] for kind in _SETS}
        others = {"metrics": metrics_file, "latent_space": latent_file, "mask": mask}
        if mask and not Path(mask).is_file():
            raise FileNotFoundError(f"{mask} does not exist: give an image.")
        if mask and not any(files.values()):
            raise ValueError(
                f"--mask {mask} is drawn behind streamlines: give some, by "
                "--generated_files or the like, or leave it out."
            )
        check_needs(self.given, {"maps": ("real_files",)})
        path = self.outputs(out_dir, out_report=out_report)["out_report"]
        files = {kind: self.inputs(each) for kind, each in files.items() if each}

        from dipy_tractogen.viz.report import ReportInputs, write_report
        from dipy_tractogen.viz.report.inputs import read_small_inputs

        # What is wrong with small files is said before a model takes seconds to load.
        read = read_small_inputs(
            files.get("generated", ()), metrics_file, latent_file, pictures, captions
        )
        model = load_trained_model(model_file)
        loading = {**default_loading(), **given, "outside_box": outside_box}
        sets = {
            kind: self._load(kind, each, loading, model) for kind, each in files.items()
        }
        files |= {name: [Path(file)] for name, file in others.items() if file}
        inputs = ReportInputs(
            Path(model_file), model, **sets, **read, files=files, command=self.command
        )
        write_report(
            inputs,
            path,
            max_streamlines=max_streamlines,
            mask=mask or None,
            seed=seed,
            force=self.force,
        )
        logger.info("Wrote %s", path)

    def _load(self, kind: str, files: list[Path], loading: dict, model):
        """Load streamlines with those values along them that are drawn."""
        maps = maps_of(loading) if kind == "real" else {}
        drawn = {*model.profiles, *maps}
        bundles = load(
            self,
            files,
            loading,
            kind=kind,
            continuous=["error_mm"] if kind == "reconstructed" else (),
            # A file need not have what the model has learnt.
            keep_data=bool(drawn),
            maps=maps,
        )
        data = bundles.data_per_point
        bundles.data_per_point = {name: data[name] for name in data if name in drawn}
        return bundles
