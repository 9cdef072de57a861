"""`dipy_filter_streamlines`: plausible streamlines, and the others."""

from __future__ import annotations

from contextlib import ExitStack
import logging

import numpy as np

from dipy_tractogen.segment.thresholds import ThresholdParameters

from .flows.segmentation import ReferenceOptions, SegmentationFlow, as_data
from .options.loading import LoadingOptions, MapOptions
from .options.parameters import with_parameters_of
from .options.spaces import SpaceOptions

logger = logging.getLogger("dipy_tractogen")


class FilterStreamlinesFlow(SegmentationFlow):
    """Keep the streamlines that are like plausible ones."""

    short_name = "filter_streamlines"

    def estimator(self):
        """Return the function that fits the filter, and its class."""
        from dipy_tractogen.segment.filter import LatentFilter
        from dipy_tractogen.segment.fit import fit_filter

        return fit_filter, LatentFilter

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

        model, reference, parts, transform = self.load_all(
            model_file, input_files, given
        )
        found = _Found(parts.bundle_names)
        with ExitStack() as stack:
            written = _Outputs(stack, parts, paths, force=self.force)
            for number in range(len(parts)):
                self._separate(
                    model, reference, parts.load(number), transform, found, written
                )
            if not found.kept.sum():
                self._raise_none(reference, parts, transform, found)
            if found.kept.sum() == found.total.sum() and "out_rejected" in paths:
                path = paths.pop("out_rejected")
                logger.warning("No streamline is rejected: %s is not written", path)
        total, kept = int(found.total.sum()), int(found.kept.sum())
        places = self.places(reference, parts, total - kept, total, transform)
        counts = {"counts": found.counts()}
        report = {**reference.report, **places, **counts, **self.make_notes()}
        logger.info("%d of %d streamlines are plausible", kept, total)
        self.write_report(paths, reference, model_file, report)

    def _separate(self, model, reference, bundles, transform, found, written) -> None:
        """Compare the streamlines of a part, count and write them."""
        distances, _, relative = reference.compare(
            model, bundles, transform=transform, show_progress=self.show_progress
        )
        plausible = relative <= 1
        found.add(bundles.labels, plausible, distances)
        data = as_data(distances, relative)
        written.write("out_tractogram", bundles, data, plausible)
        written.write("out_rejected", bundles, data, ~plausible)

    def _raise_none(self, reference, parts, transform, found) -> None:
        """Raise ValueError, as no streamline is plausible."""
        from dipy_tractogen.streamlines.location import Location, compare_locations

        place = Location.of(parts.load(0).streamlines, transform=transform)
        sets = {"input": place, "reference": reference.place}
        raise ValueError(
            f"none of the {found.total.sum()} streamlines is plausible, the nearest "
            f"being {found.nearest:.3g} mm from the reference: "
            "inputs have to be in the space of the reference. "
            f"{compare_locations(**sets)[0]}"
        )


class _Found:
    """Numbers of streamlines by bundle, in all and of those kept, and the nearest."""

    def __init__(self, bundle_names):
        self._names = bundle_names
        self.total = self.kept = np.zeros(len(bundle_names), dtype=np.int64)
        self.nearest = np.inf

    def add(self, labels, plausible, distances) -> None:
        """Count the streamlines of a part."""
        number = len(self._names)
        self.total = self.total + np.bincount(labels, minlength=number)
        self.kept = self.kept + np.bincount(labels[plausible], minlength=number)
        self.nearest = min(self.nearest, distances.min(initial=np.inf))

    def counts(self) -> dict:
        """Return the numbers of plausible and rejected ones, by bundle."""
        numbers = zip(self._names, self.total.tolist(), self.kept.tolist())
        return {
            name: {"nb_plausible": kept, "nb_rejected": total - kept}
            for name, total, kept in numbers
            if total
        }


class _Outputs:
    """Tractograms that are opened when there is a streamline for them."""

    def __init__(self, stack: ExitStack, parts, paths: dict, *, force: bool):
        self._stack, self._parts, self._paths = stack, parts, paths
        self._force = force
        self._writers: dict = {}

    def write(self, name: str, bundles, data: dict, chosen: np.ndarray) -> None:
        """Write the chosen streamlines as they are, where the output is asked for."""
        from dipy_tractogen.streamlines.formats.writers import open_writer

        if name not in self._paths or not chosen.any():
            return
        if name not in self._writers:
            opened = open_writer(
                self._paths[name],
                reference=self._parts.reference,
                bundle_names=self._parts.bundle_names,
                force=self._force,
            )
            self._writers[name] = self._stack.enter_context(opened)
        part = bundles.select(chosen)
        self._writers[name].write(
            part.streamlines,
            part.labels,
            {key: each[chosen] for key, each in data.items()},
            part.data_per_streamline,
            part.data_per_point,
        )
