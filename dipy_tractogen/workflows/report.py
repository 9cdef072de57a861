"""`dipy_write_report`: one page about a training and what it makes."""

from __future__ import annotations

import logging
from pathlib import Path

from .flows.base import TractogenFlow
from .inputs import load_trained_model
from .options.loading import default_loading, load

logger = logging.getLogger("dipy_tractogen")

_ERROR = "error_mm"


class WriteReportFlow(TractogenFlow):
    """Write one page about a training and what it makes."""

    short_name = "write_report"
    advanced = (
        *("captions", "pictures", "bundles_from", "reference", "outside_box"),
        *("max_streamlines",),
    )

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
        bundles_from="auto",
        reference=None,
        outside_box="keep",
        max_streamlines=3000,
        seed=0,
        out_dir="",
        out_report="report.html",
    ):
        """Write one page about a training and what it makes.

        An HTML file with everything in it, to be opened by any browser without a
        network: warnings, figures, pictures, curves, tables that can be sorted, and the
        commands to repeat it. With a model alone it reports the training; each other
        input adds to it.

        Parameters
        ----------
        model_file : string or Path
            Model file, from one of the dipy_train commands.
        real_files : variable string or Path, optional
            Tractograms of real streamlines, such as the held_out.trx of the training,
            drawn beside what the model makes.
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
        bundles_from : string, optional
            Where the names of the bundles come from: auto (TRX groups, or
            codes of a TRK that its JSON file names, or else the name of the file),
            stem, groups, or a key of data_per_streamline.
        reference : string or Path, optional
            Image or tractogram whose grid holds for all the files.
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
        pictures = _checked_pictures(pictures, captions)
        if mask and not Path(mask).is_file():
            raise FileNotFoundError(f"{mask} does not exist: give an image.")
        if mask and not (real_files or generated_files or reconstructed_files):
            raise ValueError(
                f"--mask {mask} is drawn behind streamlines: give some, by "
                "--generated_files or the like, or leave it out."
            )
        path = self.outputs(out_dir, out_report=out_report)["out_report"]
        given = {
            "real": real_files,
            "generated": generated_files,
            "reconstructed": reconstructed_files,
        }
        files = {kind: self.inputs(each) for kind, each in given.items() if each}

        from dipy_tractogen.viz.report import ReportInputs, write_report
        from dipy_tractogen.viz.report.inputs import read_runs

        # What is wrong with small files is said before a model takes seconds to load.
        told = read_runs(files.get("generated", ()), metrics_file, latent_file)
        model = load_trained_model(model_file)
        loading = {**default_loading(self.given), "bundles_from": bundles_from}
        others = {"metrics": metrics_file, "latent_space": latent_file, "mask": mask}
        inputs = ReportInputs(
            Path(model_file),
            model,
            **{kind: self._load(kind, each, loading) for kind, each in files.items()},
            **told,
            pictures=pictures,
            captions=captions or (),
            files={
                **files,
                **{name: [Path(file)] for name, file in others.items() if file},
            },
            command=self.command,
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

    def _load(self, kind: str, files: list[Path], loading: dict):
        values = {"continuous": [_ERROR]} if kind == "reconstructed" else {}
        shown = {"show_progress": self.show_progress}
        return load(files, loading, kind=kind, **values, **shown)


def _checked_pictures(pictures, captions) -> list[Path]:
    paths = [Path(each) for each in pictures or ()]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: give a picture.")
    if captions and len(captions) != len(paths):
        raise ValueError(
            f"--captions: {len(captions)} are given for {len(paths)} --pictures: give "
            "one for each."
        )
    return paths
