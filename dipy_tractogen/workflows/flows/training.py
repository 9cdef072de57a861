"""What the commands that train a model share."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import gettempdir
import time

from dipy_tractogen.parameters.model import (
    NetworkParameters,
    ReconstructionParameters,
    VAESizes,
)
from dipy_tractogen.parameters.terms import KLParameters, PosteriorParameters
from dipy_tractogen.parameters.training import FitParameters
from dipy_tractogen.utils.messages import briefly, listed
from dipy_tractogen.utils.parameters import Parameters

from ..options.loading import LoadingOptions, load
from ..options.training import (
    OF_TRAININGS,
    InputOptions,
    backbone_options,
    check_training,
)
from ..options.training_conditions import (
    OF_CONDITIONS,
    check_conditions,
    make_regularizers,
    names_to_load,
)
from ..runtime.workspace import Workspace
from .base import TractogenFlow

logger = logging.getLogger("dipy_tractogen")

OF_VAES = (VAESizes, KLParameters, PosteriorParameters)
"""Parameters of the variational autoencoders."""

SHARED = (InputOptions, *OF_CONDITIONS, *OF_TRAININGS, LoadingOptions)
"""Options that every training has."""

_BY_DEFAULT = "6,000 steps"


class TrainingFlow(TractogenFlow):
    """Load and split bundles, train a model on them, write it with its history."""

    model_name = ""
    on_several_hosts = True

    def train(self, given: dict, *of_model: type[Parameters]) -> None:
        """Run a training from files to files.

        Parameters
        ----------
        given : dict
            Values of all the options in `SHARED` and in `of_model`.
        *of_model : type
            Parameters of the model that not every one has, sizes among them.

        Raises
        ------
        KeyboardInterrupt
            After an interrupt; the best model so far is kept in the working folder.
        """
        check_training(given)
        check_conditions(given)
        parameters = {"seed": given["seed"]}
        for each in (*of_model, NetworkParameters, ReconstructionParameters):
            parameters |= each.from_options(given)
        if not self.writes:
            self._take_part(parameters, given)
            return
        workspace = Workspace(
            Path(given["out_dir"] or ".") / given["out_model"],
            resume=given["resume"],
            force=self.force,
        )
        workspace.check(_places(given))
        # A training that was broken off at its very end may have outputs.
        again = workspace.is_resumed
        paths = self._settle_outputs(given, again)
        force = self.force or again
        files = self.inputs(given["input_files"])
        logger.info("Training on %s, %s", _counted(files), _extent(given))
        with workspace:
            model = self._make(parameters, given)
            names = names_to_load(given, model.needed_conditions)
            kept, aside = self._load(model, files, names, workspace.folder, given)
            try:
                logger.info("The losses can be followed in %s", workspace.history)
                self._fit(
                    model,
                    kept,
                    aside,
                    names["continuous"],
                    given,
                    history_file=workspace.history,
                    checkpoint_dir=workspace.folder,
                    resume=given["resume"],
                    tensorboard_dir=given["tensorboard"],
                )
            except KeyboardInterrupt:
                self._note(model)
                with self.optional(workspace.best):
                    workspace.keep_best(model)
                raise
            if "event_files" in model.record.parameters:
                events = Path(given["tensorboard"])
                self.missing[events] = model.record.parameters["event_files"]
            if "out_held_out" in paths and not len(aside):
                del paths["out_held_out"]
                logger.warning("No bundle has a streamline to spare: none is held out.")
            self.report(model, aside)
            self._note(model)
            model.save(paths["out_model"], overwrite=force)
            if "out_held_out" in paths:
                with self.optional(paths["out_held_out"]):
                    _save_held_out(model, aside, paths["out_held_out"], force)
            with self.optional(paths["out_history"]):
                workspace.save_history(paths["out_history"], force=force)
            workspace.finish()
        self.log_written(paths.values())

    def report(self, model, aside) -> None:
        """Log the results of a training; `aside` are the held-out streamlines."""
        record = model.record
        last = record.history[-1]
        logger.info(
            "%d steps in %.0f s; %d of %d latent dimensions are active",
            last["step"],
            last["seconds"],
            record.active_units,
            model.latent_dim,
        )
        _log_stages(record.parameters.get("seconds", {}))
        logger.info("Conditions: %s", _described(record.density.conditions))
        if not record.held_out_mm:
            return
        mean, high = record.held_out_mm["mean"], record.held_out_mm["percentile_95"]
        logger.info(
            "Held-out point error: mean %.2f mm, 95th percentile %.2f mm", mean, high
        )
        if record.truncation_mm > 0:
            logger.info(
                "Of it, the number of coefficients alone causes %.2f mm",
                record.truncation_mm,
            )

    def _note(self, model) -> None:
        """Keep the command and the warnings in the record of the model."""
        model.record.parameters["command"] = self.command
        model.record.parameters["warnings"] = list(self.warnings)

    def _settle_outputs(self, given: dict, again: bool) -> dict[str, Path]:
        names = {key: given[key] for key in ("out_model", "out_history")}
        if given["held_out"] > 0:
            names["out_held_out"] = given["out_held_out"]
        return self.outputs(given["out_dir"], again=again, **names)

    def _make(self, parameters: dict, given: dict):
        from dipy_tractogen import nn

        return getattr(nn, self.model_name)(
            **parameters,
            regularizers=make_regularizers(given),
            backbone_options=backbone_options(given),
        )

    def _load(self, model, files, names: dict, folder: Path, given: dict):
        """Load and split the bundles; describe them in the record of the model."""
        from dipy_tractogen.streamlines.duplicates import describe_duplicates
        from dipy_tractogen.streamlines.values import select_known_categories
        from dipy_tractogen.utils.files import file_digest

        began = time.perf_counter()
        bundles = load(
            files,
            given,
            participants=given["participants"],
            unassigned="drop",
            folder=folder,
            keep_data=True,
            show_progress=self.show_progress,
            **names,
        )
        for found in describe_duplicates({"": (bundles.streamlines, bundles.labels)}):
            logger.warning("%s: held-out ones may be trained on as well", found)
        kept, aside = bundles.split(given["held_out"], given["seed"])
        aside = select_known_categories(aside, kept)
        kept.data_per_streamline = {}
        tables = [Path(given["participants"])] if given["participants"] else []
        model.record.reference = bundles.reference.to_dict()
        model.record.data = {
            "files": {str(file): file_digest(file) for file in [*files, *tables]},
            "nb_training": len(kept),
            "nb_held_out": len(aside),
            "held_out": given["held_out"],
            "held_out_counts": aside.counts(),
            "dropped": dict(bundles.report.dropped),
            "seconds_to_read": round(time.perf_counter() - began, 3),
        }
        logger.info(
            "Read %s streamlines of %s in %.1f s",
            f"{bundles.report.total:,}",
            _counted(files),
            model.record.data["seconds_to_read"],
        )
        logger.info(
            "Training on %d streamlines; %d are held out", len(kept), len(aside)
        )
        return kept, aside

    def _take_part(self, parameters: dict, given: dict) -> None:
        """Train together with another process, which writes the outputs."""
        model = self._make(parameters, given)
        names = names_to_load(given, model.needed_conditions)
        files, folder = self.inputs(given["input_files"]), Path(gettempdir())
        kept, aside = self._load(model, files, names, folder, given)
        self._fit(model, kept, aside, names["continuous"], given)

    def _fit(self, model, kept, aside, numbers, given: dict, **places) -> None:
        from dipy_tractogen.streamlines.conditions import COMPUTED

        # What is computed from the points is only named.
        computed = dict.fromkeys(name for name in numbers if name in COMPUTED)
        model.fit(
            kept,
            values=computed,
            held_out=aside if len(aside) else None,
            held_out_values=computed,
            show_progress=self.show_progress,
            **places,
            **FitParameters.from_options(given),
            seed=given["seed"],
        )


def _counted(files: list[Path]) -> str:
    return "one file" if len(files) == 1 else f"{len(files):,} files"


def _extent(given: dict) -> str:
    """Return the length of a training in words, before anything is read."""
    names = [name for name in ("epochs", "max_minutes") if given[name] is not None]
    asked = ", ".join(f"--{name} {given[name]:g}" for name in names)
    if given["max_minutes"] is None:
        return f"{asked or _BY_DEFAULT}; what the steps take is said once some are made"
    return (
        f"{asked}; the minutes are those of the steps: reading and compiling before "
        "them, looks at the model between them, density and texture after them come on "
        "top"
    )


def _places(given: dict) -> list[Path]:
    """Return the files and folders that a training may write."""
    folder = Path(given["out_dir"] or ".")
    names = [given[name] for name in ("out_model", "out_history", "out_held_out")]
    events = [Path(given["tensorboard"])] if given["tensorboard"] else []
    return [folder, *(folder / name for name in names), *events]


def _log_stages(seconds: dict[str, float]) -> None:
    """Log the time of each stage of a training."""
    from dipy_tractogen.utils.progress import format_duration

    parts = ", ".join(
        f"{name} {format_duration(each)}" for name, each in seconds.items()
    )
    logger.info("In all %s: %s", format_duration(sum(seconds.values())), parts)


def _described(conditions) -> str:
    """Return the conditions beside the bundle, briefly."""
    texts = (one.describe() for one in conditions if one.name != "bundle")
    return listed(map(briefly, texts), "; ")


def _save_held_out(model, aside, path: Path, force: bool) -> None:
    from dipy_tractogen.streamlines.category_codes import (
        code_tables,
        values_to_numbers,
    )
    from dipy_tractogen.streamlines.formats.writers import save_bundles

    known = model.record.density.conditions
    save_bundles(
        path,
        aside.streamlines,
        reference=aside.reference,
        labels=aside.labels,
        bundle_names=aside.bundle_names,
        data_per_streamline=values_to_numbers(known, aside.values),
        inherited={
            name: values
            for name, values in aside.data_per_streamline.items()
            if name not in aside.values
        },
        categories=code_tables(known),
        force=force,
    )
