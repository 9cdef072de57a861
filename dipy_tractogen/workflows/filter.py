"""`dipy_filter_streamlines`: plausible streamlines, and the others."""

from __future__ import annotations

import logging

from dipy_tractogen.segment.thresholds import ThresholdParameters

from .flows.segmentation import ReferenceOptions, SegmentationFlow, as_data
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of
from .options.spaces import SpaceOptions

logger = logging.getLogger("dipy_tractogen")


class FilterStreamlinesFlow(SegmentationFlow):
    """Keep the streamlines that are like plausible ones."""

    short_name = "filter_streamlines"

    @with_parameters_of(
        *(ReferenceOptions, SpaceOptions, ThresholdParameters),
        *(LoadingOptions, MapOptions),
    )
    def run(
        self,
        model_file,
        input_files,
        out_dir="",
        out_tractogram="plausible.trx",
        out_rejected="",
        out_metrics="filter.json",
        out_thresholds="filter_thresholds.npz",
        **given,
    ):
        """Keep the streamlines that are like plausible ones.

        A streamline is plausible if its latents, and what they do not hold of it, are
        near those of a reference streamline. How near, in mm, is learnt for each
        bundle from the reference and from streamlines that are invalid; distances and
        figures are of streamlines that were held out.

        Parameters
        ----------
        model_file : string or Path
            Model file, from dipy_train_vae, dipy_train_ae or dipy_train_rvae.
        input_files : variable string or Path
            Tractograms, folders or globs.
        out_dir : string or Path, optional
            Output folder.
        out_tractogram : string, optional
            Tractogram of the plausible streamlines; trx and trk hold
            data_per_streamline["distance_mm"], that to the nearest reference, and
            "relative_distance", that over the threshold: at most one.
        out_rejected : string, optional
            Tractogram of the others; none is written by default.
        out_metrics : string, optional
            JSON file with thresholds, figures on held-out examples, and counts.
        out_thresholds : string, optional
            What was learnt, for --thresholds_file; not written where that is given.
        """
        names = {"out_tractogram": out_tractogram, "out_metrics": out_metrics}
        if out_rejected:
            names["out_rejected"] = out_rejected
        paths = self.checked_outputs(
            out_dir, given, **names, out_thresholds=out_thresholds
        )

        from dipy_tractogen.segment.filter import LatentFilter
        from dipy_tractogen.segment.fit import fit_filter
        from dipy_tractogen.streamlines.location import Location, compare_locations

        model, reference, bundles, transform = self.load_all(
            fit_filter, LatentFilter, model_file, input_files, given
        )
        distances, _, relative = reference.compare(
            model, bundles, transform=transform, show_progress=self.show_progress
        )
        plausible = relative <= 1
        if not plausible.any():
            place = Location.of(bundles.streamlines, transform=transform)
            sets = {"input": place, "reference": reference.place}
            raise ValueError(
                f"none of the {len(bundles)} streamlines is plausible, the nearest "
                f"being {distances.min():.3g} mm from the reference: "
                "inputs have to be in the space of the reference. "
                f"{compare_locations(**sets)[0]}"
            )
        places = reference.compare_locations(
            bundles, int((~plausible).sum()), transform=transform
        )
        if plausible.all() and "out_rejected" in paths:
            path = paths.pop("out_rejected")
            logger.warning("No streamline is rejected: %s is not written", path)
        data = as_data(distances, relative)
        self._write(paths["out_tractogram"], bundles, data, plausible)
        if "out_rejected" in paths:
            self._write(paths["out_rejected"], bundles, data, ~plausible)
        counts = {"counts": _counts(bundles, plausible)}
        report = {**reference.report, **places, **counts, **self.make_notes()}
        logger.info("%d of %d streamlines are plausible", plausible.sum(), len(bundles))
        self.write_report(paths, reference, model_file, report)

    def _write(self, path, bundles, data: dict, chosen) -> None:
        """Write the chosen streamlines as they are."""
        from dipy_tractogen.streamlines.formats.writers import save_bundles

        part = bundles.select(chosen)
        save_bundles(
            path,
            part,
            data_per_streamline={name: each[chosen] for name, each in data.items()},
            inherited=part.data_per_streamline,
            force=self.force,
        )


def _counts(bundles, plausible) -> dict:
    """Count plausible and rejected streamlines, by bundle."""
    kept = bundles.select(plausible).counts()
    return {
        name: {"nb_plausible": kept[name], "nb_rejected": number - kept[name]}
        for name, number in bundles.counts().items()
    }
