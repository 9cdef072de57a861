"""`dipy_generate_streamlines`: new streamlines from a model file."""

from __future__ import annotations

import logging

from .arguments import check_int
from .base import TractogenFlow
from .conditions import (
    log_codes,
    parse_conditions,
    split_conditions,
    values_to_write,
)
from .models import load_trained_model

logger = logging.getLogger("dipy_tractogen")

# How far the length of a streamline may be from the one that was asked for.
_TOLERANCE_MM = 1.0
_TOLERANCE = 0.02


class GenerateStreamlinesFlow(TractogenFlow):
    """Generate new streamlines from a trained model."""

    short_name = "generate_streamlines"

    def run(
        self,
        model_file,
        nb_streamlines=1000,
        bundles=None,
        conditions=None,
        balanced=False,
        nb_points=None,
        smooth=False,
        reference=None,
        seed=0,
        out_dir="",
        out_tractogram="synthetic.trx",
    ):
        """Generate new streamlines from a trained model, bundle by bundle.

        Conditions are asked for by the names that the model knows: bundle and length
        always, others such as age and diagnosis if it was trained with them. What is
        not asked for is drawn as the training had it, given what is. A number outside
        of the training's range is an extrapolation, and a warning says the range.
        Memory does not grow with the number of streamlines for trx, trk and tck.

        Parameters
        ----------
        model_file : string or Path
            Model file, from one of the dipy_train commands.
        nb_streamlines : int, optional
            Number of streamlines in all, shared among the bundles as in training.
        bundles : variable string, optional
            Names of the bundles to generate; all of them by default.
        conditions : variable string, optional
            What else is asked of the streamlines: NAME=VALUE, a range NAME=LOW:HIGH of
            numbers, or several categories NAME=A,B, as length=80:140 age=70.
        balanced : bool, optional
            Share the number equally among the bundles.
        nb_points : int, optional
            Points of each streamline; by default those of the model.
        smooth : bool, optional
            Leave streamlines as they are decoded: the mean of what the latents do not
            say, too smooth and a little short.
        reference : string or Path, optional
            Image or tractogram whose grid goes into the header; by default that of
            the training. The points are in RASMM mm in any case.
        seed : int, optional
            Fixes the draw.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram in any format of DIPY. A TRX holds the bundles as groups, a
            TRK as data_per_streamline["bundle"]; both hold the other conditions that
            each streamline was drawn for as data_per_streamline, categories as codes.
        """
        from dipy_tractogen.streamlines.files import tractogram_extension

        check_int("nb_streamlines", nb_streamlines)
        check_int("seed", seed, low=0)
        if bundles is not None and not bundles:
            raise ValueError("--bundles: give one or more names, or leave it out.")
        asked = split_conditions(conditions)
        if nb_points is not None:
            check_int("nb_points", nb_points, low=2)
        tractogram_extension(out_tractogram)
        path = self.outputs(out_dir, out_tractogram=out_tractogram)["out_tractogram"]

        from dipy_tractogen.streamlines.reference import Reference

        header = Reference.from_file(reference) if reference else None

        model = load_trained_model(model_file, to_generate=True)
        header = header or Reference.from_dict(model.record.reference)
        known = model.record.density.conditions
        batches = model.generate_batches(
            nb_streamlines,
            bundles,
            conditions=parse_conditions(asked, known),
            balanced=balanced,
            nb_points=nb_points,
            smooth=smooth,
            seed=seed,
        )
        missed = _Missed() if "length" in asked else None
        counts = self._write(path, batches, nb_streamlines, header, model, missed)
        logger.info(
            "Generated %s",
            ", ".join(f"{name} {n}" for name, n in counts.items() if n),
        )
        if missed:
            missed.warn()
        log_codes(known)
        logger.info("Wrote %s", path)

    def _write(
        self, path, batches, nb_streamlines, header, model, missed
    ) -> dict[str, int]:
        """Write batches as they come; count the streamlines of each bundle."""
        from tqdm.auto import tqdm

        from dipy_tractogen.streamlines.writers import open_writer

        names = model.record.bundle_names
        counts = dict.fromkeys(names, 0)
        bar = tqdm(
            total=nb_streamlines,
            desc="Generating",
            unit="streamline",
            unit_scale=True,
            disable=not self.show_progress,
        )
        with (
            bar,
            open_writer(
                path, reference=header, bundle_names=names, force=self.force
            ) as writer,
        ):
            known = model.record.density.conditions
            for points, labels, values in batches:
                writer.write(points, labels, values_to_write(known, values))
                counts[names[labels[0]]] += len(points)
                if missed:
                    missed.look(points, values["length"])
                bar.update(len(points))
        return counts


class _Missed:
    """Counts streamlines whose length is not the one that was asked for."""

    def __init__(self):
        self.nb_streamlines = self.nb_missed = 0
        self.largest = 0.0

    def look(self, points, asked) -> None:
        import numpy as np

        from dipy_tractogen.streamlines.geometry import lengths

        error = np.abs(lengths(points) - asked)
        missed = error > np.maximum(_TOLERANCE_MM, _TOLERANCE * asked)
        self.nb_streamlines += len(points)
        self.nb_missed += int(missed.sum())
        self.largest = max(self.largest, float(error.max()))

    def warn(self) -> None:
        if self.nb_missed:
            logger.warning(
                "%d of %d streamlines miss the asked length by more than %g mm and "
                "%g %%, by %.3g mm at most: ask within the training's range, for "
                "more points, without --smooth, or train longer",
                self.nb_missed,
                self.nb_streamlines,
                _TOLERANCE_MM,
                100 * _TOLERANCE,
                self.largest,
            )
