"""What the commands that train a model share."""

from __future__ import annotations

import logging
from pathlib import Path

from .arguments import check_int
from .base import TractogenFlow
from .training_parameters import check_training
from .workspace import Workspace

logger = logging.getLogger("dipy_tractogen")

_OF_MODEL = (
    *("nb_points", "backbone", "sigma_mm", "reduction", "reconstruction", "huber_mm"),
    "seed",
)
_OF_FIT = (
    *("epochs", "max_minutes", "batch_size", "learning_rate", "weight_decay"),
    *("clip_norm", "patience", "seed"),
)


class TrainingFlow(TractogenFlow):
    """Load and split bundles, train a model on them, write it with its history."""

    model_name = ""

    def train(self, input_files, parameters: dict, training: dict) -> None:
        """Run a training from files to files.

        Parameters
        ----------
        input_files : str, Path or sequence of those
            Tractograms, folders or globs.
        parameters : dict
            Arguments of the model that it alone has.
        training : dict
            Values of `training_parameters`.

        Raises
        ------
        ValueError
            If an option or an input is impossible, or the loss diverges.
        OSError
            If a file cannot be read or written, or an output exists.
        KeyboardInterrupt
            After an interrupt; the best model so far is kept in the working folder.
        """
        check_training(training)
        check_int(
            "latent_dim", parameters["latent_dim"], high=3 * training["nb_points"]
        )
        workspace = Workspace(
            Path(training["out_dir"] or ".") / training["out_model"],
            resume=training["resume"],
            force=self.force,
        )
        # A training that was broken off at its very end may have outputs.
        again = workspace.is_resumed
        paths = self._settle_outputs(training, again)
        force = self.force or again
        files = self.inputs(input_files)
        with workspace:
            model = self._make(parameters, training)
            try:
                aside = self._fit(model, files, workspace, training)
            except KeyboardInterrupt:
                workspace.keep_best(model)
                raise
            _save_held_out(aside, paths.get("out_held_out"), force)
            model.save(paths["out_model"], overwrite=force)
            workspace.finish(paths["out_history"], force=force)
        _report(model)
        for path in paths.values():
            if path.exists():
                logger.info("Wrote %s", path)

    def _settle_outputs(self, training: dict, again: bool) -> dict[str, Path]:
        names = {key: training[key] for key in ("out_model", "out_history")}
        if training["held_out"] > 0:
            names["out_held_out"] = training["out_held_out"]
        return self.outputs(training["out_dir"], again=again, **names)

    def _make(self, parameters: dict, training: dict):
        from dipy_tractogen import nn

        return getattr(nn, self.model_name)(
            **parameters,
            **{name: training[name] for name in _OF_MODEL},
            backbone_options=_backbone_options(training),
        )

    def _fit(self, model, files, workspace, training: dict):
        """Train on the files; give what was held out."""
        from dipy_tractogen.streamlines.files import file_digest
        from dipy_tractogen.streamlines.io import load_bundles

        bundles = load_bundles(
            files,
            bundles_from=training["bundles_from"],
            reference=training["reference"],
            out_of_bounds=training["outside_box"],
            min_length=training["min_length"],
        )
        kept, aside = bundles.split(training["held_out"], training["seed"])
        model.record.reference = bundles.reference.to_dict()
        model.record.data = {
            "files": {str(file): file_digest(file) for file in files},
            "nb_training": len(kept),
            "nb_held_out": len(aside),
            "held_out": training["held_out"],
        }
        logger.info(
            "Training on %d streamlines; %d are held out", len(kept), len(aside)
        )
        logger.info("The losses can be followed in %s", workspace.history)
        model.fit(
            kept.resample(model.nb_points),
            kept.labels,
            kept.bundle_names,
            held_out=aside.resample(model.nb_points) if len(aside) else None,
            held_out_labels=aside.labels,
            history_file=workspace.history,
            checkpoint_dir=workspace.folder,
            resume=training["resume"],
            tensorboard_dir=training["tensorboard"],
            show_progress=self.show_progress,
            **{name: training[name] for name in _OF_FIT},
        )
        return aside


def _save_held_out(aside, path: Path | None, force: bool) -> None:
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
        force=force,
    )


def _backbone_options(training: dict) -> dict:
    """Options of the backbone; those that were not given keep its defaults."""
    names = ("nb_coefficients", "kernel_size")
    given = {name: training[name] for name in names if training[name] is not None}
    return {**given, "batch_normalisation": training["batch_normalisation"]}


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
