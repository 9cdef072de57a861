"""The page of a subject that is scored against norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dipy_tractogen import __version__
from dipy_tractogen.norms.norms import Key, Norms
from dipy_tractogen.norms.scoring import (
    FALSE_DISCOVERIES,
    Score,
    unusual_bundles,
)
from dipy_tractogen.norms.shape import MEASURES
from dipy_tractogen.norms.summary import LATENT, PROFILE, SHAPE
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.messages import encodable, format_number

from ..pages import fill_template
from ..panels import Panel
from ..webgl import ScenePage, make_scene, scene_page
from ..webgl.lines import MAX_STREAMLINES
from .content import Card, Column, Command, Table
from .subject_plots import subject_plots

_TEMPLATE = Path(__file__).parent / "templates" / "subject.html"
_SECTIONS = {
    "warnings": "Limits",
    "summary": "Summary",
    "scenes": "Pictures",
    "scores": "Scores",
}
_MOST_DRAWN = 8
SCORE = "z"
"""Name of what bundles of the scene are coloured by."""


@dataclass
class SubjectInputs:
    """What the page is of.

    Attributes
    ----------
    title : str
        Name of the subject or of its file.
    norms : Norms
        What is usual.
    conditions : dict
        What is known of the subject.
    scores : dict of Key to Score
        What is unusual.
    bundles : BundleSet
        Its streamlines.
    said : list of str
        What is to be known of the scores.
    command : str
        The command line, or an empty text.
    """

    title: str
    norms: Norms
    conditions: Mapping
    scores: Mapping[Key, Score]
    bundles: BundleSet
    said: Sequence[str] = field(default_factory=list)
    command: str = ""


def write_subject_page(
    inputs: SubjectInputs, path: str | Path, *, seed: int = 0, force: bool = False
) -> Path:
    """Write the page of a scored subject: one HTML file that loads nothing else.

    Bundles are in the order of how unusual they are, of which the first eight are
    drawn; without K3D there is no scene.

    Parameters
    ----------
    inputs : SubjectInputs
        What the page is of.
    path : str or Path
        The HTML file.
    seed : int, optional
        Seed of the choice of the streamlines of the scene.
    force : bool, optional
        Overwrite the file if it exists.

    Returns
    -------
    Path
        The file.
    """
    ordered = most_unusual(inputs.scores)
    scene, lacking = _scene(inputs, seed)
    given = (inputs.norms, inputs.conditions, inputs.scores)
    plots = [
        each
        for bundle in ordered[:_MOST_DRAWN]
        for each in subject_plots(*given, bundle)
    ]
    commands = []
    if inputs.command:
        commands = [Command("Score this subject", inputs.command)]
    sections = {**_SECTIONS, "commands": "Command"} if commands else _SECTIONS
    text = fill_template(
        _TEMPLATE,
        style="report.css",
        script="report.js",
        title=inputs.title,
        heading=inputs.title,
        description=f"Beside {inputs.norms.describe()}",
        sections=sections,
        said=list(inputs.said),
        cards=_cards(inputs),
        scene=scene,
        no_scene=lacking,
        plots=plots,
        nb_drawn=min(len(ordered), _MOST_DRAWN),
        nb_bundles=len(ordered),
        tables=[_together(inputs.scores, ordered), _shapes(inputs.scores, ordered)],
        commands=commands,
        version=__version__,
    )
    with atomic_write(path, force=force) as temporary:
        temporary.write_text(encodable(text), encoding="utf-8", newline="\n")
    return Path(path)


def most_unusual(scores: Mapping[Key, Score]) -> list[str]:
    """Return the bundles in the order of the least probability of anything in them."""
    least: dict[str, float] = {}
    for (bundle, _, _), each in scores.items():
        p = each.p_together if np.isfinite(each.p_together) else 1.0
        least[bundle] = min(least.get(bundle, 1.0), p)
    return sorted(least, key=least.get)


def _cards(inputs: SubjectInputs) -> list[Card]:
    bundles = unusual_bundles(inputs.scores)
    nodes = [each for key, each in inputs.scores.items() if key[1] == PROFILE]
    nb_nodes = sum(int((each.q <= FALSE_DISCOVERIES).sum()) for each in nodes)
    known = sum(int(np.isfinite(each.q).sum()) for each in nodes)
    given = [
        Card(name, each if isinstance(each, str) else format_number(each))
        for name, each in inputs.conditions.items()
    ]
    of_all = f"of {len(most_unusual(inputs.scores))}"
    cards = [*given, Card("unusual bundles", f"{len(bundles)}", of_all)]
    if nodes:
        cards.append(
            Card("unusual nodes", f"{nb_nodes}", f"of {known} of all profiles")
        )
    return cards


def _together(scores: Mapping[Key, Score], ordered: Sequence[str]) -> Table:
    columns = [
        Column("bundle", None),
        Column("of", None, "Profile of a value, shape, or mean of the latents."),
        Column("z", 2, "Of all nodes, measures or latents together; large is unusual."),
        Column("p", 4, "Probability of as much in the reference group."),
        Column("q", 4, "The same, false discoveries among all of these controlled."),
        Column("unusual nodes", 0, "Nodes or measures of which q is at most .05."),
        Column("streamlines", 0),
        Column("subjects", 0, "Subjects that the norm is of."),
    ]
    rows = [
        (
            bundle,
            name or kind,
            each.z_together,
            each.p_together,
            each.q_together,
            None if kind == LATENT else int((each.q <= FALSE_DISCOVERIES).sum()),
            each.nb_streamlines,
            each.nb_subjects,
        )
        for bundle in ordered
        for (own, kind, name), each in scores.items()
        if own == bundle
    ]
    return Table("together", "Bundles", columns, rows)


def _shapes(scores: Mapping[Key, Score], ordered: Sequence[str]) -> Table:
    columns = [
        Column("bundle", None),
        Column("measure", None),
        Column("subject", 3),
        Column("expected", 3, "Median of the reference group."),
        Column("centile", 1, "Share of the reference group that has less, in %."),
        Column("z", 2),
        Column("p", 4, "Two-sided probability in the reference group."),
        Column("q", 4, "The same, false discoveries in all bundles controlled."),
    ]
    rows = [
        (
            bundle,
            f"{name} ({unit})",
            float(np.exp(each.mean[index])),
            float(np.exp(each.bands[2, index])),
            float(each.centiles[index]),
            float(each.z[index]),
            float(each.p[index]),
            float(each.q[index]),
        )
        for bundle in ordered
        if (each := scores.get((bundle, SHAPE, ""))) is not None
        for index, (name, unit) in enumerate(MEASURES.items())
    ]
    return Table("shape", "Shape", columns, rows)


def _scene(inputs: SubjectInputs, seed: int) -> tuple[ScenePage | None, str]:
    """Return the scene of the bundles by their z; None without K3D, and why."""
    largest = np.full(len(inputs.bundles.bundle_names), np.nan)
    for (bundle, _, _), each in inputs.scores.items():
        label = inputs.bundles.bundle_names.index(bundle)
        largest[label] = np.fmax(largest[label], each.z_together)
    kept = inputs.bundles.select(np.isfinite(largest[inputs.bundles.labels]))
    panel = Panel(
        "z of the bundle",
        kept.streamlines,
        kept.labels,
        kept.bundle_names,
        numbers={SCORE: largest[kept.labels]},
    )
    most = min(MAX_STREAMLINES, len(kept))
    try:
        scene = make_scene([panel], color_by=SCORE, max_streamlines=most, seed=seed)
        return scene_page(scene, title="Bundles in three dimensions"), ""
    except ImportError as error:
        return None, str(error)
