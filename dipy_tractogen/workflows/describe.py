"""`dipy_describe_model`: the card of a model, shown and written."""

from __future__ import annotations

import logging
from pathlib import Path

from .flows.base import TractogenFlow
from .options.inputs import load_trained_model

logger = logging.getLogger("dipy_tractogen")


class DescribeModelFlow(TractogenFlow):
    """Tell what a model is, of which data, for what use and how good."""

    short_name = "describe_model"

    def run(
        self,
        model_file,
        card=None,
        metrics_file=None,
        out_dir="",
        out_card="",
        out_model="",
    ):
        """Tell what a model is, of which data, for what use and how good.

        The card of a model has what its training recorded, and what its authors say of
        it: licence, intended use, limits, and measures by bundle, those of real
        streamlines in parentheses. --card and --metrics_file say more of the model,
        which --out_model keeps.

        Parameters
        ----------
        model_file : string or Path
            Model file, or name of a model: one that comes with the package, or is in
            the folder .dipy/tractogen of the home folder (DIPY_HOME names another), or
            in the list models.txt there, whose lines are NAME.keras, SHA-256, address.
        card : string or Path, optional
            TOML file with texts for the card, in place of those it has: name, version,
            description, developers, licence, citation, intended_use, out_of_scope_use,
            training_data, data_licence, data_citation and limitations.
        metrics_file : string or Path, optional
            JSON file from dipy_evaluate_streamlines on streamlines of the model, for
            the measures of the card.
        out_dir : string or Path, optional
            Output folder.
        out_card : string, optional
            Markdown file of the card; by default it is only shown.
        out_model : string, optional
            Model file with the card; its name ends in .keras.
        """
        names = {"out_card": out_card, "out_model": out_model}
        paths = self.outputs(out_dir, **{n: each for n, each in names.items() if each})
        if out_model and Path(out_model).suffix != ".keras":
            raise ValueError(f"--out_model {out_model}: give a name ending in .keras.")

        from dipy_tractogen.nn.archive.card import card_markdown, measures_of, read_card
        from dipy_tractogen.utils.files import atomic_write
        from dipy_tractogen.viz.report.inputs import read_metrics

        stated = read_card(card) if card else {}
        if metrics_file:
            stated["measures"] = measures_of(read_metrics(metrics_file))
        model = load_trained_model(model_file)
        model.record.card |= stated
        logger.info(card_markdown(model, escape=False))
        if out_card:
            with atomic_write(paths["out_card"], force=self.force) as temporary:
                temporary.write_text(card_markdown(model), encoding="utf-8")
        if out_model:
            model.save(paths["out_model"], overwrite=self.force)
        self.log_written(paths.values())
