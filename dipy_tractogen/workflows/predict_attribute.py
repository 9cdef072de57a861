"""`dipy_predict_attribute`: what a regression model says of other streamlines."""

from __future__ import annotations

import logging

from .flows.base import TractogenFlow
from .options.inputs import load_trained_model
from .options.loading import LoadingOptions, MapOptions, load
from .options.parameters import with_parameters_of
from .options.spaces import SpaceOptions, check_spaces, find_transform

logger = logging.getLogger("dipy_tractogen")


class PredictAttributeFlow(TractogenFlow):
    """Predict the attribute of each streamline."""

    short_name = "predict_attribute"

    @with_parameters_of(SpaceOptions, LoadingOptions, MapOptions)
    def run(
        self,
        model_file,
        input_files,
        participants=None,
        out_dir="",
        out_table="attribute.tsv",
        **given,
    ):
        """Predict the attribute of each streamline.

        The attribute is the one that the model was trained on, in the unit of the
        training. Where it is known, the mean absolute error and R2 are logged, by
        bundle and of all streamlines: length, curvature and tortuosity are computed
        from the points that the model reads; another attribute is looked up in the
        participants file or, if all the files have it, in data_per_streamline, and
        streamlines without it are dropped.

        Parameters
        ----------
        model_file : string or Path
            Model file, from dipy_train_rvae.
        input_files : variable string or Path
            Tractograms, folders or globs.
        participants : string or Path, optional
            Table of the subjects, a participants.tsv as in BIDS, with the true values
            of the attribute. Without it, nothing has to be known of the subjects.
        out_dir : string or Path, optional
            Output folder.
        out_table : string, optional
            Table of the streamlines, tab-separated, with the data_per_streamline that
            the inputs have.
        """
        check_spaces(given)
        path = self.outputs(out_dir, out_table=out_table)["out_table"]
        files = self.inputs(input_files)
        model = _load_regression_model(model_file)

        from dipy_tractogen.metrics.errors import log_predictions, save_predictions
        from dipy_tractogen.nn.encoding import predict_attribute

        names = _attribute_to_load(model.attribute, files, participants)
        bundles = load(
            self,
            files,
            given,
            participants=participants,
            continuous=names,
            values=model.profiles,
            keep_data=True,
        )
        _check_unit(model, bundles)
        predicted, deviation, measured = predict_attribute(
            model,
            bundles,
            transform=find_transform(self, model, bundles, given),
            show_progress=self.show_progress,
        )
        values = {"deviation": deviation, "measured": measured}
        save_predictions(path, bundles, predicted, **values, force=self.force)
        named = {
            "name": model.attribute,
            "unit": model.conditions[model.attribute].unit,
        }
        log_predictions(bundles, predicted, measured, **named)
        logger.info("Wrote %s", path)


def _load_regression_model(path):
    """Load a trained model that predicts an attribute."""
    model = load_trained_model(path)

    from dipy_tractogen.nn import RVAE

    if not isinstance(model, RVAE):
        raise ValueError(
            f"{path} holds a model of the class {type(model).__name__}, which predicts "
            "no attribute: give one written by dipy_train_rvae."
        )
    return model


def _attribute_to_load(attribute: str, files: list, participants) -> list[str]:
    """Return the attribute, or nothing where it is computed or not known."""
    from dipy_tractogen.streamlines.conditions import COMPUTED
    from dipy_tractogen.streamlines.formats.readers import read_tractogram

    if attribute in COMPUTED:
        if participants:
            raise ValueError(
                f"--participants {participants}: the model predicts {attribute}, which "
                "is computed from the points; leave it out."
            )
        return []
    if participants:
        return [attribute]
    # All have to be read for it, but none is held.
    for file in files:
        contents = read_tractogram(file)
        # A file without streamlines may keep no names.
        if len(contents.streamlines) and attribute not in contents.data_per_streamline:
            logger.info(
                "%s has no data_per_streamline %r, so that predictions cannot be "
                "compared: give --participants for that",
                file,
                attribute,
            )
            return []
    return [attribute]


def _check_unit(model, bundles) -> None:
    """Check that numbers of one unit are compared."""
    name = model.attribute
    unit, given = model.conditions[name].unit, bundles.units.get(name)
    if unit and given and given != unit:
        raise ValueError(
            f"--participants: its {name} is in {given}, that of the model in {unit}; "
            "bring it to that unit."
        )
