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
from dipy_tractogen.utils.messages import format_count, listed
from dipy_tractogen.utils.parameters import Parameters

from ..options.inputs import load_trained_model
from ..options.loading import LoadingOptions, MapOptions, load
from ..options.spaces import TemplateOptions, check_template, load_template
from ..options.training import (
    OF_CONDITIONS,
    OF_TRAININGS,
    InputOptions,
    backbone_options,
    check_conditions,
    check_training,
    make_regularizers,
    names_to_load,
)
from ..runtime.workspace import Workspace
from .base import TractogenFlow
from .finished import difference_of, loading_of, with_table
from .training_messages import describe_conditions, describe_extent, log_stages

logger = logging.getLogger("dipy_tractogen")

OF_VAES = (VAESizes, KLParameters, PosteriorParameters)
"""Parameters of the variational autoencoders."""

SHARED = (
    *(InputOptions, *OF_CONDITIONS, *OF_TRAININGS),
    *(TemplateOptions, LoadingOptions, MapOptions),
)
"""Options that every training has."""


class TrainingFlow(TractogenFlow):
    """Load and split bundles, train a model on them, write it with its history."""

    model_name = ""
    on_several_hosts = True
    card: dict[str, str]

    def train(self, given: dict, *of_model: type[Parameters]) -> None:
        """Run a training from files to files.

        `given` has the values of all options in `SHARED` and in `of_model`, the
        parameters of the model that not every one has. KeyboardInterrupt is raised
        after an interrupt; the best model so far is kept in the working folder.
        """
        check_training(given)
        check_conditions(given)
        check_template(given)
        parameters = {"seed": given["seed"]}
        for each in (*of_model, NetworkParameters, ReconstructionParameters):
            parameters |= each.from_options(given)
        if not self.writes:
            # Another process writes the outputs, and says whether there are any.
            if not (given["resume"] and _shared(False)):
                self._fit(parameters, self.inputs(given["input_files"]), given)
            return
        workspace = Workspace(
            Path(given["out_dir"] or ".") / given["out_model"],
            resume=given["resume"],
            force=self.force,
        )
        workspace.check(_places(given))
        # A training that was broken off at its very end may have outputs.
        again = workspace.is_resumed or workspace.is_finished
        paths = self._settle_outputs(given, again)
        self.card = _read_card(given)
        files = self.inputs(given["input_files"])
        if given["resume"] and _shared(workspace.is_finished):
            self._check_finished(paths, parameters, files, given)
            return
        count = format_count(len(files), "file")
        logger.info("Training on %s, %s", count, describe_extent(given))
        with workspace:
            model, aside = self._fit(parameters, files, given, workspace)
            self._write(model, aside, workspace, paths, force=self.force or again)
            workspace.finish()
        self.log_written(paths.values())

    def _write(self, model, aside, workspace, paths: dict, *, force: bool) -> None:
        """Write the outputs of a training; model first, which needs no other one."""
        from dipy_tractogen.streamlines.io import save_with_conditions

        if "event_files" in model.record.parameters:
            events = Path(self.given["tensorboard"])
            self.missing[events] = model.record.parameters["event_files"]
        if "out_held_out" in paths and not len(aside):
            del paths["out_held_out"]
            logger.warning("No bundle has a streamline to spare: none is held out.")
        self.report(model, aside)
        self._note(model)
        model.save(paths["out_model"], overwrite=force)
        if "out_held_out" in paths:
            with self.optional(paths["out_held_out"]):
                known = model.record.density.conditions
                save_with_conditions(paths["out_held_out"], aside, known, force=force)
        with self.optional(paths["out_history"]):
            workspace.save_history(paths["out_history"], force=force)

    def _check_finished(
        self, paths: dict, parameters: dict, files, given: dict
    ) -> None:
        """Log that a training to resume has ended; ValueError if another is asked."""
        path = paths["out_model"]
        done = load_trained_model(path)
        difference = difference_of(done, self._make(parameters, given), files, given)
        anew = "start anew with another --out_dir or --out_model, or with --force"
        if difference:
            raise ValueError(
                f"{path} is of a finished training with another {difference}; it "
                f"cannot be resumed: {anew}."
            )
        logger.info(
            "%s: this training is finished, after %s, and nothing is left to resume. "
            "To train longer, give more --epochs or --max_minutes, and %s.",
            path,
            format_count(int(done.record.history[-1]["step"]), "step"),
            anew,
        )
        if not self.card.items() <= done.record.card.items():
            logger.warning(
                "--card %s: the model is written already; dipy_describe_model adds it",
                given["card"],
            )
        if done.record.data.get("nb_held_out") == 0:
            paths.pop("out_held_out", None)
        events = [Path(given["tensorboard"])] if given["tensorboard"] else []
        if missing := [
            each for each in (*paths.values(), *events) if not each.exists()
        ]:
            logger.warning("Not written by a finished training: %s", listed(missing))

    def report(self, model, aside) -> None:
        """Log the results of a training; `aside` are the held-out streamlines."""
        record = model.record
        last = record.history[-1]
        logger.info(
            "%s in %.0f s; %d of %d latent dimensions are active",
            format_count(int(last["step"]), "step"),
            last["seconds"],
            record.active_units,
            model.latent_dim,
        )
        log_stages(record.parameters.get("seconds", {}))
        logger.info("Conditions: %s", describe_conditions(record.density.conditions))
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
        for name, errors in record.held_out_profiles.items():
            logger.info(
                "Held-out error of %s: mean %.3g, 95th percentile %.3g",
                name,
                errors["mean"],
                errors["percentile_95"],
            )

    def _note(self, model) -> None:
        """Keep space, card, command and warnings in the record of the model."""
        model.record.space = self.given["space"]
        model.record.card |= self.card
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
        """Load and split the bundles; describe them in the record of the model.

        Returns both parts, and the subject of each streamline of the first, or None.
        """
        from dipy_tractogen.streamlines.duplicates import describe_duplicates
        from dipy_tractogen.streamlines.participants import subjects_of
        from dipy_tractogen.streamlines.values import (
            FILE_NUMBER,
            SUBJECT,
            select_known_categories,
        )
        from dipy_tractogen.utils.files import file_digest

        began = time.perf_counter()
        subjects = None
        if SUBJECT not in names["categorical"]:
            subjects = subjects_of(sorted(files))
        if subjects is not None:
            names = {**names, "continuous": [*names["continuous"], FILE_NUMBER]}
        template = load_template(self, given)
        bundles = load(
            self,
            files,
            given,
            participants=given["participants"],
            unassigned="drop",
            folder=folder,
            keep_data=True,
            values=model.profiles,
            register_to=template,
            **names,
        )
        for found in describe_duplicates({"": (bundles.streamlines, bundles.labels)}):
            logger.warning("%s: held-out ones may be trained on as well", found)
        kept, aside = bundles.split(given["held_out"], given["seed"])
        aside = select_known_categories(aside, kept)
        kept.data_per_streamline = {}
        kept.data_per_point = {n: kept.data_per_point[n] for n in model.profiles}
        if subjects is not None:
            # It is no condition, and not written with what is held out.
            aside.values.pop(FILE_NUMBER)
            subjects = subjects[kept.values.pop(FILE_NUMBER).astype(int)]
        model.record.reference = bundles.reference.to_dict()
        model.record.data = {
            "files": {str(one): file_digest(one) for one in with_table(files, given)},
            "nb_training": len(kept),
            "nb_held_out": len(aside),
            "held_out": given["held_out"],
            "loading": loading_of(given),
            "held_out_counts": aside.counts(),
            "dropped": dict(bundles.report.dropped),
            **({"registrations": template.registrations} if template else {}),
            "seconds_to_read": round(time.perf_counter() - began, 3),
        }
        logger.info(
            "Read %s of %s in %.1f s",
            format_count(bundles.report.total, "streamline"),
            format_count(len(files), "file"),
            model.record.data["seconds_to_read"],
        )
        logger.info(
            "Training on %s; %d held out",
            format_count(len(kept), "streamline"),
            len(aside),
        )
        return kept, aside, subjects

    def _fit(self, parameters: dict, files, given: dict, workspace=None) -> tuple:
        """Train a model; return it with the held-out streamlines.

        `workspace` is that of the process that writes the outputs.
        """
        from dipy_tractogen.streamlines.conditions import COMPUTED

        model = self._make(parameters, given)
        names = names_to_load(given, model.needed_conditions)
        folder = workspace.folder if workspace else Path(gettempdir())
        kept, aside, subjects = self._load(model, files, names, folder, given)
        places = {}
        if workspace:
            logger.info("The losses can be followed in %s", workspace.history)
            places = {"history_file": workspace.history, "checkpoint_dir": folder}
            places["resume"] = given["resume"]
            places["tensorboard_dir"] = given["tensorboard"]
        # What is computed from the points is only named.
        computed = dict.fromkeys(one for one in names["continuous"] if one in COMPUTED)
        try:
            model.fit(
                kept,
                values=computed,
                subjects=subjects,
                held_out=aside if len(aside) else None,
                held_out_values=computed,
                show_progress=self.show_progress,
                **places,
                **FitParameters.from_options(given),
                seed=given["seed"],
            )
        except KeyboardInterrupt:
            if workspace:
                self._note(model)
                with self.optional(workspace.best):
                    workspace.keep_best(model)
            raise
        return model, aside


def _shared(value: bool) -> bool:
    """Return the value of the process that writes, for all processes of a training."""
    from dipy_tractogen.nn.backend import processes

    return processes.broadcast(value)


def _read_card(given: dict) -> dict[str, str]:
    """Read the texts of the model's card, if they are given."""
    if not given["card"]:
        return {}
    from dipy_tractogen.nn.archive.card import read_card

    return read_card(given["card"])


def _places(given: dict) -> list[Path]:
    """Return the files and folders that a training may write."""
    folder = Path(given["out_dir"] or ".")
    names = [given[name] for name in ("out_model", "out_history", "out_held_out")]
    events = [Path(given["tensorboard"])] if given["tensorboard"] else []
    return [folder, *(folder / name for name in names), *events]
