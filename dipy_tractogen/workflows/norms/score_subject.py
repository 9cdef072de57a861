"""`dipy_score_subject`: how a subject differs from others of its age and sex."""

from __future__ import annotations

from collections.abc import Iterator
import logging

import numpy as np

from dipy_tractogen.utils.messages import format_count, listed

from ..flows.base import TractogenFlow
from ..options.inputs import load_trained_model, option_errors
from ..options.loading import LoadingOptions, MapOptions, load
from ..options.parameters import with_parameters_of
from ..options.spaces import SpaceOptions, check_spaces, to_model_space

logger = logging.getLogger("dipy_tractogen")

_COLUMNS = (
    *("bundle", "of", "value", "place", "subject"),
    *("centile_5", "centile_25", "centile_50", "centile_75", "centile_95"),
    *("centile", "z", "p", "q", "nb_streamlines", "nb_subjects"),
)


class ScoreSubjectFlow(TractogenFlow):
    """Tell how a subject differs from others of its age and sex."""

    short_name = "score_subject"

    @with_parameters_of(SpaceOptions, LoadingOptions, MapOptions)
    def run(
        self,
        model_file,
        input_files,
        conditions=None,
        participants=None,
        seed=0,
        out_dir="",
        out_table="scores.tsv",
        out_scores="scores.json",
        out_report="scores.html",
        **given,
    ):
        """Tell how a subject differs from others of its age and sex.

        Each node of the profiles of each bundle, and its length, volume, spread and
        curvature, has a centile and a z among subjects of the same conditions; all
        nodes together, all measures together and the mean latents have a probability
        for each bundle. A bundle of few streamlines is held against wider intervals.
        The false discovery rate (q) is controlled among all that is scored together,
        and among the nodes and measures of what is found so. These are statistics of
        research: they are no clinical statement, and hold for the scanner, the
        tractography and the population of the norms. A subject in another space is
        registered as those of the norms were.

        Parameters
        ----------
        model_file : string or Path
            Model file with norms, from dipy_fit_norms.
        input_files : variable string or Path
            Tractograms of one subject, folders or globs.
        conditions : variable string, optional
            What is known of the subject, as NAME=VALUE, such as age=63 sex=F: all
            conditions of the norms that are not in the participants file, but for those
            that their --group says.
        participants : string or Path, optional
            Table of the subjects, a participants.tsv as in BIDS, that has the subject.
        seed : int, optional
            Fixes the choice of the streamlines of the scene.
        out_dir : string or Path, optional
            Output folder.
        out_table : string, optional
            Table of all scores, tab-separated; all stands for nodes or measures
            together, whose z is large where they are unusual.
        out_scores : string, optional
            The same as JSON, with the conditions, what is not scored and the command.
        out_report : string, optional
            HTML page with curves, bands and the bundles by their z.
        """
        if not out_report.lower().endswith((".html", ".htm")):
            raise ValueError(f"--out_report {out_report}: give a name with .html.")
        check_spaces(given)
        paths = self.outputs(
            out_dir, out_table=out_table, out_scores=out_scores, out_report=out_report
        )
        files = self.inputs(input_files)
        model = load_trained_model(model_file)

        from dipy_tractogen.nn.subjects.norms import Subject, score_subject
        from dipy_tractogen.norms.scoring import unusual_bundles
        from dipy_tractogen.utils.schema import write_json
        from dipy_tractogen.utils.tables import write_table
        from dipy_tractogen.viz.report.subject_page import (
            SubjectInputs,
            write_subject_page,
        )

        if model.record.norms is None:
            raise ValueError(
                f"{model_file} holds a model without norms: learn some by "
                "dipy_fit_norms."
            )
        name = _name(files)
        known = _conditions(model, conditions, participants, files)
        bundles = load(self, files, given, values=model.record.norms.values)
        bundles, _ = to_model_space(self, model, bundles, given)
        subject = Subject(bundles, known, name)
        scores, said = score_subject(model, subject)
        for text in said:
            logger.warning("%s", text)
        rows = [row for key, each in scores.items() for row in _rows(key, each)]
        shown = [["n/a" if one is None else one for one in row] for row in rows]
        write_table(paths["out_table"], _COLUMNS, shown, force=self.force)
        record = self.make_record(
            model_file,
            subject=name,
            conditions=known,
            norms=model.record.norms.describe(),
            not_scored=said,
            scores=[dict(zip(_COLUMNS, row)) for row in rows],
        )
        write_json(paths["out_scores"], record, force=self.force)
        inputs = SubjectInputs(
            name, model.record.norms, known, scores, bundles, said, self.command
        )
        with self.optional(paths["out_report"]):
            write_subject_page(inputs, paths["out_report"], seed=seed, force=self.force)
        found = unusual_bundles(scores)
        logger.info(
            "%s: %s of %s unusual%s",
            name,
            len(found),
            format_count(len({key[0] for key in scores}), "bundle"),
            f": {listed(found)}" if found else "",
        )
        self.log_written(paths.values())


def _name(files) -> str:
    """Return the name of the subject of files; ValueError for several."""
    from dipy_tractogen.streamlines.participants import subject_of

    names = list(dict.fromkeys(map(subject_of, files)))
    if len(names) > 1:
        raise ValueError(
            f"the files are of several subjects, {listed(map(str, names))}: score one "
            "after the other."
        )
    return names[0] or files[0].name


def _conditions(model, texts, participants, files) -> dict[str, str | float]:
    """Return what is known of the subject, of what norms and model have to know."""
    from dipy_tractogen.nn.subjects.norms import read_conditions
    from dipy_tractogen.sampling.condition_text import split_conditions
    from dipy_tractogen.streamlines.participants import read_participants, subject_of

    needed = {one.name: one for one in model.record.norms.design.conditions}
    for name in read_conditions(model):
        needed.setdefault(name, model.conditions[name])
    found: dict[str, str | float] = {}
    if participants:
        table, subject = read_participants(participants), subject_of(files[0])
        if subject not in table.rows:
            raise ValueError(
                f"--participants {participants}: it has no row of "
                f"{subject or files[0]}; give --conditions."
            )
        for name, one in needed.items():
            if name in table.columns:
                read = table.text if one.is_categorical else table.number
                found[name] = read(subject, name)
    with option_errors("conditions"):
        for name, text in split_conditions(texts or ()).items():
            if name not in needed:
                raise ValueError(
                    f"{name} tells no subjects of the norms apart: they have "
                    f"{listed(needed) or 'no conditions'}."
                )
            found[name] = _value(needed[name], text)
        # A subject is scored as one of the group, whatever it is itself.
        group = model.record.norms.reference_group
        found |= {name: each for name, each in group.items() if name in needed}
        missing = [name for name in needed if found.get(name) is None]
        if missing:
            described = "; ".join(needed[name].describe() for name in missing)
            raise ValueError(f"of the subject lack {listed(missing)}: {described}.")
        for name, one in needed.items():
            if one.is_categorical:
                one.code(found[name])
    return {name: found[name] for name in needed}


def _value(condition, text: str) -> str | float:
    """Return a category, or a number."""
    if condition.is_categorical:
        return text
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"{condition.name}={text}: give a number.")
    return number


def _rows(key, score) -> Iterator[tuple]:
    """Give the rows of the table: all together, then each node or measure."""
    from dipy_tractogen.norms.summary import LATENT, SHAPE, names_of

    bundle, kind, name = key
    first, counts = (bundle, kind, name), (score.nb_streamlines, score.nb_subjects)
    together = (score.z_together, score.p_together, score.q_together)
    yield (*first, "all", *[None] * 7, *map(_number, together), *counts)
    if kind == LATENT:
        return
    restored = np.exp if kind == SHAPE else np.asarray
    bands, own = restored(score.bands), restored(score.mean)
    for index, place in enumerate(names_of(kind, len(own))):
        numbers = (own[index], *bands[:, index], score.centiles[index], score.z[index])
        tested = (score.p[index], score.q[index])
        yield (*first, place, *(_number(one) for one in (*numbers, *tested)), *counts)


def _number(value) -> float | None:
    return float(value) if np.isfinite(value) else None
