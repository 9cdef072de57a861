"""Base of the commands that compare streamlines with a reference by their latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
import inspect
from pathlib import Path

from dipy_tractogen.segment.thresholds import ThresholdParameters
from dipy_tractogen.utils.parameters import Parameters, parameter
from dipy_tractogen.utils.schema import write_json

from ..options.inputs import load_to_encode, load_trained_model
from ..options.parts import InputParts
from ..options.spaces import check_spaces, find_transform, is_moved
from .base import TractogenFlow


@dataclass
class ReferenceOptions(Parameters):
    """Files that thresholds are learnt from."""

    reference_files: Sequence[Path] | None = parameter(
        None,
        "Tractograms of plausible streamlines, a file or a TRX group a bundle; those "
        "of a bundle called unassigned are of none. Best are streamlines that the "
        "model was not trained on, such as the held_out.trx of the training.",
        essential=True,
    )
    invalid_files: Sequence[Path] | None = parameter(
        None,
        "Tractograms of streamlines that are not plausible, to learn thresholds from. "
        "Without them, and without unassigned ones, each reference streamline is made "
        "into one that is broken, looped, cut or shifted.",
        essential=True,
    )
    thresholds_file: Path | None = parameter(
        None,
        "What an earlier run with this model wrote, in place of all reference files.",
        essential=True,
    )


class SegmentationFlow(TractogenFlow):
    """Load a model, a reference and streamlines; write what was found."""

    def checked_outputs(self, out_dir, given: dict, **names: str) -> dict[str, Path]:
        """Check the options, and return the path of each output that is written."""
        from dipy_tractogen.utils.files import split_extension, tractogram_extension

        _check_reference(given)
        check_spaces(given)
        for name in ("out_tractogram", "out_rejected"):
            if names.get(name, "") or name == "out_tractogram":
                tractogram_extension(names[name])
        if given["thresholds_file"] is not None:
            del names["out_thresholds"]
        elif split_extension(names["out_thresholds"])[1].lower() != ".npz":
            raise ValueError(
                f"--out_thresholds {names['out_thresholds']}: what is learnt is "
                "written to an .npz."
            )
        return self.outputs(out_dir, **names)

    def estimator(self) -> tuple[Callable, type]:
        """Return the function that fits the reference, and the class that it fits."""
        raise NotImplementedError

    def learn_thresholds(self, model_file, path: Path, given: Mapping) -> dict:
        """Learn thresholds from reference files, and write them.

        Parameters
        ----------
        model_file : str or Path
            The model.
        path : Path
            An .npz file.
        given : mapping of str to object
            Values of options of the command.

        Returns
        -------
        dict
            What the fit reports, and notes of the run.
        """
        parameters = inspect.signature(self.run).parameters
        defaults = {name: one.default for name, one in parameters.items()}
        given = {**defaults, **given}
        _check_reference(given)
        check_spaces(given)
        model = _load_model(model_file)
        reference = self._fit(model, given)
        reference.save(path, model_file, force=self.force)
        return {**reference.report, **self.make_notes()}

    def load_all(self, model_file, input_files, given: dict) -> tuple:
        """Return model, reference, streamlines, and their transform, if there is one.

        The streamlines are `InputParts`. The reference is learnt, or read from the
        ``thresholds_file``.
        """
        from dipy_tractogen.segment.reference import LatentReference

        self.inputs(input_files)
        model = _load_model(model_file)
        if given["thresholds_file"]:
            path, (_, kind) = given["thresholds_file"], self.estimator()
            reference = LatentReference.load(path, model_file, kind)
        else:
            reference = self._fit(model, given)
        load = partial(load_to_encode, self, model, keep_data=True)
        parts = InputParts(self, input_files, given, load)
        # Only a registration needs streamlines, and has all of them.
        bundles = parts.load(0) if given["register"] else None
        transform = find_transform(self, model, bundles, given)
        return model, reference, parts, transform

    def places(
        self, reference, parts: InputParts, nb_rejected: int, number: int, transform
    ) -> dict:
        """Return what `LatentReference.compare_locations` does, by the first part."""
        from dipy_tractogen.segment.reference import NEARLY_ALL

        if nb_rejected < NEARLY_ALL * number:
            return {}
        return reference.compare_locations(
            parts.load(0), nb_rejected, nb_streamlines=number, transform=transform
        )

    def _fit(self, model, given: dict):
        """Return a reference, learnt from the files of `ReferenceOptions`."""
        # The grid that is given is that of the input.
        loading = {**given, "reference": None} if is_moved(given) else given
        if not model.profiles:
            # The images are for the streamlines that are written.
            loading = {**loading, "maps": None}
        examples = [
            load_to_encode(
                self, model, self.inputs(given[f"{name}_files"]), loading, kind=name
            )
            for name in ("reference", "invalid")
            if given[f"{name}_files"]
        ]
        fit, _ = self.estimator()
        options = ThresholdParameters.from_options(given)
        return fit(model, *examples, **options, show_progress=self.show_progress)

    def write_report(self, paths: dict[str, Path], reference, model_file, report):
        """Write a report as JSON, and the thresholds unless they were given."""
        with self.optional(paths["out_metrics"]):
            write_json(paths["out_metrics"], report, force=self.force)
        if "out_thresholds" in paths:
            with self.optional(paths["out_thresholds"]):
                reference.save(paths["out_thresholds"], model_file, force=self.force)
        self.log_written(paths.values())


def _load_model(path):
    """Load a model that encodes streamlines whose bundle is not known."""
    from dipy_tractogen.segment.reference import check_reads_no_bundle

    model = load_trained_model(path)
    check_reads_no_bundle(model, path)
    return model


def as_data(distances, relative) -> dict:
    """Return distances as `data_per_streamline` of a tractogram."""
    return {
        "distance_mm": distances.astype("float32"),
        "relative_distance": relative.astype("float32"),
    }


def _check_reference(given: dict) -> None:
    """Raise ValueError where there is not one source of thresholds."""
    if given["thresholds_file"] is None:
        if not given["reference_files"]:
            raise ValueError(
                "--reference_files: give tractograms of plausible streamlines, or "
                "--thresholds_file of an earlier run."
            )
        return
    for name in ("reference_files", "invalid_files", "kept_share"):
        if given[name] is not None:
            raise ValueError(
                f"--thresholds_file says already what is near: leave out --{name}."
            )
