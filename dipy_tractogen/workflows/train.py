"""`dipy_train_vae`: from tractograms to a model file."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from .arguments import check_choice, check_int, check_number
from .base import TractogenFlow

logger = logging.getLogger("dipy_tractogen")

# Bytes of a file that are read at a time for its digest.
_CHUNK = 1 << 20


class TrainVAEFlow(TractogenFlow):
    """Train a variational autoencoder on bundles of streamlines."""

    short_name = "train_vae"

    def run(
        self,
        input_files,
        backbone="spectral",
        nb_points=256,
        nb_coefficients=None,
        latent_dim=16,
        beta=1.0,
        sigma_mm=1.0,
        reduction="effective",
        epochs=None,
        max_minutes=None,
        batch_size=256,
        learning_rate=2e-3,
        held_out=0.1,
        seed=0,
        bundles_from="auto",
        reference=None,
        outside_box="drop",
        min_length=0.0,
        out_dir="",
        out_model="model.keras",
        out_history="history.csv",
        out_held_out="held_out.trx",
    ):
        """Train a variational autoencoder on bundles of streamlines.

        The model reads and gives points in RASMM millimetres. It keeps the density of
        the latents of each bundle, so that dipy_generate_streamlines can draw new
        streamlines bundle by bundle. A part of every bundle is held out: it stops the
        training when it no longer gets better, and is written for the evaluation.

        Parameters
        ----------
        input_files : variable string or Path
            Tractograms, folders or globs (trk, tck, trx, vtk, vtp, fib, dpy). Files
            with the same name in several folders are one bundle.
        backbone : string, optional
            Network between a streamline and its latents: spectral.
        nb_points : int, optional
            Points that a streamline is resampled to.
        nb_coefficients : int, optional
            Cosine coefficients that the spectral backbone keeps of each axis; by
            default 24, or nb_points where those are fewer.
        latent_dim : int, optional
            Dimensions of the latent space, at most three a point.
        beta : float, optional
            Weight of the KL divergence.
        sigma_mm : float, optional
            Point error that is accepted, in mm.
        reduction : string, optional
            How many independent points a streamline counts as in the likelihood:
            effective (8), sum (all) or mean (1).
        epochs : float, optional
            Passes over the training streamlines. Without it and without a limit of
            time, as many as make 6000 steps.
        max_minutes : float, optional
            Limit of the time for optimisation steps, in minutes.
        batch_size : int, optional
            Streamlines in an optimisation step.
        learning_rate : float, optional
            Learning rate at the start; it falls along a cosine.
        held_out : float, optional
            Share of every bundle that is not trained on, from 0 to less than 1.
        seed : int, optional
            Fixes the split, the weights and the order of the streamlines.
        bundles_from : string, optional
            Where the names of the bundles come from: auto (TRX groups, or else the
            name of the file), stem, groups, or a key of data_per_streamline.
        reference : string or Path, optional
            Image or tractogram whose grid holds for all the input files.
        outside_box : string, optional
            Streamlines that leave the bounding box: drop, keep or error.
        min_length : float, optional
            Shorter streamlines are dropped, in mm.
        out_dir : string or Path, optional
            Output folder.
        out_model : string, optional
            Model file; its name ends in .keras.
        out_history : string, optional
            Table of the losses during the training, written as it goes.
        out_held_out : string, optional
            Tractogram of the streamlines that were held out.
        """
        from dipy_tractogen.streamlines.files import tractogram_extension

        check_choice("backbone", backbone, ("spectral",))
        check_choice("reduction", reduction, ("effective", "sum", "mean"))
        check_choice("outside_box", outside_box, ("drop", "keep", "error"))
        check_int("nb_points", nb_points, low=2)
        check_int("seed", seed, low=0, high=2**32 - 1)
        check_int("latent_dim", latent_dim, high=3 * nb_points)
        check_int("batch_size", batch_size)
        if nb_coefficients is not None:
            check_int("nb_coefficients", nb_coefficients, high=nb_points)
        check_number("beta", beta, low=0)
        check_number("min_length", min_length, low=0)
        check_number("held_out", held_out, low=0, high=1, open_high=True)
        _check_positive(sigma_mm=sigma_mm, learning_rate=learning_rate)
        _check_positive(epochs=epochs, max_minutes=max_minutes)
        if Path(out_model).suffix != ".keras":
            raise ValueError(f"--out_model {out_model}: give a name ending in .keras.")
        names = {"out_model": out_model, "out_history": out_history}
        if held_out > 0:
            tractogram_extension(out_held_out)
            names["out_held_out"] = out_held_out
        paths = self.outputs(out_dir, **names)
        files = self.inputs(input_files)

        from dipy_tractogen.streamlines.io import load_bundles

        bundles = load_bundles(
            files,
            bundles_from=bundles_from,
            reference=reference,
            out_of_bounds=outside_box,
            min_length=min_length,
        )
        training, aside = bundles.split(held_out, seed)

        from dipy_tractogen.nn import VAE

        model = VAE(
            nb_points,
            latent_dim,
            beta=beta,
            sigma_mm=sigma_mm,
            reduction=reduction,
            backbone=backbone,
            backbone_options={"nb_coefficients": nb_coefficients},
            seed=seed,
        )
        model.record.reference = bundles.reference.to_dict()
        model.record.data = {
            "files": _digests(files),
            "nb_training": len(training),
            "nb_held_out": len(aside),
            "held_out": held_out,
        }
        self._fit(
            model,
            training,
            aside,
            paths["out_history"],
            epochs=epochs,
            max_minutes=max_minutes,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
        )
        model.save(paths["out_model"], overwrite=self.force)
        self._save_held_out(aside, paths.get("out_held_out"))
        _report(model)
        for path in paths.values():
            if path.exists():
                logger.info("Wrote %s", path)

    def _fit(self, model, training, aside, history_path, **options) -> None:
        from dipy_tractogen.streamlines.files import replacing

        logger.info(
            "Training on %d streamlines; %d are held out", len(training), len(aside)
        )
        held_out = aside.resample(model.nb_points) if len(aside) else None
        with replacing(history_path, force=self.force) as history_file:
            logger.info("The losses can be followed in %s", history_file)
            model.fit(
                training.resample(model.nb_points),
                training.labels,
                training.bundle_names,
                held_out=held_out,
                held_out_labels=aside.labels,
                history_file=history_file,
                show_progress=self.show_progress,
                **options,
            )

    def _save_held_out(self, aside, path: Path | None) -> None:
        from dipy_tractogen.streamlines.writers import save_bundles

        if path is None:
            return
        if not len(aside):
            logger.warning("No bundle has a streamline to spare: none is held out.")
            return
        save_bundles(
            path,
            aside.streamlines,
            reference=aside.reference,
            labels=aside.labels,
            bundle_names=aside.bundle_names,
            force=self.force,
        )


def _check_positive(**numbers: float | None) -> None:
    for name, value in numbers.items():
        if value is not None:
            check_number(name, value, low=0, open_low=True)


def _digests(files: list[Path]) -> dict[str, str]:
    """Name the files and the SHA-256 of each."""
    digests = {}
    for path in files:
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        digests[str(path)] = digest.hexdigest()
    return digests


def _report(model) -> None:
    record = model.record
    last = record.history[-1]
    logger.info(
        "%d steps in %.0f s; %d of %d latent dimensions are active",
        last["step"],
        last["seconds"],
        record.active_units,
        model.latent_dim,
    )
    if record.held_out_mm:
        logger.info(
            "Held-out point error: mean %.2f mm, 95th percentile %.2f mm, of which "
            "the number of coefficients alone causes %.2f mm",
            record.held_out_mm["mean"],
            record.held_out_mm["percentile_95"],
            record.truncation_mm,
        )
