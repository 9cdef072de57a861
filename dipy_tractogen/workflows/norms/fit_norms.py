"""`dipy_fit_norms`: what is usual among subjects, kept in a copy of a model."""

from __future__ import annotations

import logging
from pathlib import Path

from dipy_tractogen.utils.messages import format_count, listed

from ..flows.base import TractogenFlow
from ..options.inputs import load_trained_model, option_errors
from ..options.loading import LoadingOptions, MapOptions, load
from ..options.parameters import with_parameters_of
from ..options.spaces import SpaceOptions, check_spaces, to_model_space
from ..options.training import ConditionOptions

logger = logging.getLogger("dipy_tractogen")


class FitNormsFlow(TractogenFlow):
    """Learn what is usual among subjects of an age and a sex."""

    short_name = "fit_norms"

    @with_parameters_of(ConditionOptions, SpaceOptions, LoadingOptions, MapOptions)
    def run(
        self,
        model_file,
        input_files,
        values=None,
        group=None,
        out_dir="",
        out_model="norms.keras",
        **given,
    ):
        """Learn what is usual among subjects of an age and a sex.

        Of each bundle these are the mean profiles of values such as FA, its length,
        volume, spread and curvature, and the mean of its latents: what is expected of a
        subject by its conditions, and how much subjects vary about it, apart from the
        error of a mean over few streamlines. The number of subjects is that of the
        sample; 20 are few. Subjects are told by sub- in the names of files or folders,
        and need not be those that the model was trained on. Scores of other subjects
        are by dipy_score_subject.

        Parameters
        ----------
        model_file : string or Path
            Model file of a dipy_train command, or name of a model, such as human20.
        input_files : variable string or Path
            Tractograms of several subjects, folders or globs.
        values : variable string, optional
            Names of data_per_point of which there are to be profiles, such as FA MD. By
            default those that the model was trained on.
        group : variable string, optional
            Subjects that are taken, as NAME=CATEGORY, such as diagnosis=control, by
            columns of the participants file. By default all.
        out_dir : string or Path, optional
            Output folder.
        out_model : string, optional
            Copy of the model file with the norms; its name ends in .keras.
        """
        if Path(out_model).suffix != ".keras":
            raise ValueError(f"--out_model {out_model}: give a name ending in .keras.")
        check_spaces(given)
        path = self.outputs(out_dir, out_model=out_model)["out_model"]
        files, chosen_group = self.inputs(input_files), _group(group)

        from dipy_tractogen.streamlines.participants import read_participants

        participants = given.get("participants")
        table = read_participants(participants) if participants else None
        if chosen_group and table is None:
            raise ValueError("--group needs --participants: give both.")
        model = load_trained_model(model_file)
        kinds = _kinds(model, given, table)
        values = list(dict.fromkeys(values or model.profiles))
        if not values:
            logger.warning(
                "No values are named, and the model has none: there are norms of shape "
                "and latents only; --values FA adds profiles"
            )
        chosen = _chosen(files, table, kinds, chosen_group)

        from dipy_tractogen.nn.subjects.norms import Subject, fit_norms

        def subjects():
            for name, (own, conditions) in chosen.items():
                bundles = load(self, own, given, kind=name, values=values)
                bundles, _ = to_model_space(self, model, bundles, given, kind=name)
                yield Subject(bundles, conditions, name)

        units = {} if table is None else table.units
        fit_norms(
            model,
            subjects(),
            [*kinds],
            values=values,
            units={name: each for name, each in units.items() if name in kinds},
            reference_group=chosen_group,
        )
        model.save(path, overwrite=self.force)
        logger.info("Learned %s", model.record.norms.describe())
        logger.info("Wrote %s", path)


def _group(texts) -> dict[str, str]:
    """Return the reference group by columns."""
    from dipy_tractogen.sampling.condition_text import split_conditions

    with option_errors("group"):
        return split_conditions(texts or ())


def _kinds(model, given: dict, table) -> dict[str, bool]:
    """Return the conditions of subjects by name, and whether each is a number.

    Without options these are the model's; those that its networks read are needed.
    """
    from dipy_tractogen.nn.encoding import conditions_to_load
    from dipy_tractogen.nn.subjects.norms import read_conditions
    from dipy_tractogen.streamlines.conditions import Conditions

    known = conditions_to_load(Conditions(model.record.conditions))
    kinds = {
        name: kind == "continuous" for kind, names in known.items() for name in names
    }
    asked = {
        name: kind == "continuous"
        for kind in ("categorical", "continuous")
        for name in given[kind] or ()
    }
    needed = {name: kinds[name] for name in read_conditions(model)}
    found = {**needed, **asked} if asked else kinds
    found.pop("subject", None)
    if found and table is None:
        raise ValueError(
            f"{listed(found)} of the subjects: give --participants, a table that has "
            "them, or leave out --categorical and --continuous."
        )
    missing = [name for name in found if name not in table.columns] if found else []
    if missing:
        raise ValueError(
            f"{table.path} has no column {listed(missing)}: its columns are "
            f"{listed(table.columns)}."
        )
    return found


def _chosen(files, table, kinds: dict, group: dict) -> dict[str, tuple[list, dict]]:
    """Return files and conditions by subject, of the reference group.

    Subjects without a row or a value are left out, which is said.
    """
    from dipy_tractogen.streamlines.participants import subject_of

    found, others, lacking = {}, [], []
    by_subject: dict[str, list] = {}
    for file in files:
        name = subject_of(file)
        if name is None:
            raise ValueError(
                f"{file} tells no subject: put sub-<label> into its name or folder."
            )
        by_subject.setdefault(name, []).append(file)
    unknown = [name for name in group if name not in table.columns]
    if unknown:
        raise ValueError(
            f"--group: {table.path} has no column {listed(unknown)}; its "
            f"columns are {listed(table.columns)}."
        )
    for name, own in by_subject.items():
        if any(table.text(name, column) != each for column, each in group.items()):
            others.append(name)
            continue
        conditions = {
            column: (table.number if is_number else table.text)(name, column)
            for column, is_number in kinds.items()
        }
        if None in conditions.values():
            lacking.append(name)
        else:
            found[name] = own, conditions
    if others:
        logger.info("%s are not of the group", format_count(len(others), "subject"))
    if lacking:
        logger.warning(
            "%s left out: the table lacks a value of %s", listed(lacking), listed(kinds)
        )
    return found
