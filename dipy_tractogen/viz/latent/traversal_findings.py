"""Figures and tables of walks through a latent space."""

from __future__ import annotations

from collections.abc import Sequence
import logging

import numpy as np

from dipy_tractogen.viz.cameras import choose_views
from dipy_tractogen.viz.colours import bundle_colours
from dipy_tractogen.viz.display import can_render
from dipy_tractogen.viz.grid import GridRow, plot_grid
from dipy_tractogen.viz.latent.traversal import WalkStep, render_walk

from .latent_findings import LatentFindings
from .traversal import Walk, Walker, between

logger = logging.getLogger("dipy_tractogen")

# Dimensions that a figure of traversals shows; the table has all.
_MOST_ROWS = 8
# Steps of an animation, one way, and every how many of them are in the row: five.
_NB_FRAMES, _EVERY = 25, 6
_MEASURED = ("length_mm", "curvature_per_mm", "displacement_mm")


class WalkFigures:
    """Takes streamlines for walks, and shows them.

    Parameters
    ----------
    findings : LatentFindings
        Where all is noted.
    model : StreamlineModel
        The model.
    sample : LatentSample
        Streamlines and their latents.
    nb_steps : int
        Steps of a traversal.
    seed : int
        Seed of the choices of streamlines.
    """

    def __init__(
        self, findings: LatentFindings, model, sample, *, nb_steps: int, seed: int
    ):
        self.findings, self.model, self.sample = findings, model, sample
        self.nb_steps, self.seed = nb_steps, seed
        self.colours = bundle_colours(sample.bundles.bundle_names)
        self._view = "auto"

    def traverse(
        self, bundle: str, active: np.ndarray, nb_deviations: float, along
    ) -> None:
        """Traverse each active dimension, and animate one walk.

        Parameters
        ----------
        bundle : str
            Name of the bundle whose streamlines walk.
        active : ndarray of shape (d,), bool
            The dimensions to traverse.
        nb_deviations : float
            How far they go, in standard deviations.
        along : int, str or None
            What the animated walk goes along; by default the dimension that moves
            streamlines most.
        """
        walker = Walker(self.model, self.sample, bundle, self.seed)
        steps = np.linspace(-nb_deviations, nb_deviations, self.nb_steps)
        walks = [
            walker.along_dimension(int(dimension), steps)
            for dimension in np.flatnonzero(active)
        ]
        walks.sort(key=lambda walk: -walk.reach)
        if walks:
            self._show_traversals(walker, walks)
        else:
            logger.warning(
                "No latent dimension is active, so that none is traversed: the "
                "posterior has collapsed; train longer, or with a smaller beta or "
                "sigma_mm"
            )
        if isinstance(along, str):
            self._show_walk(walker, walker.along_number(along, _NB_FRAMES))
        elif walks or along is not None:
            dimension = int(walks[0].name[1:]) if along is None else along
            frames = np.linspace(-nb_deviations, nb_deviations, _NB_FRAMES)
            self._show_walk(walker, walker.along_dimension(dimension, frames))

    def interpolate(self, first: str, second: str) -> None:
        """Walk from one bundle to another.

        Parameters
        ----------
        first, second : str
            Names of the bundles.
        """
        walk = between(
            self.model,
            self.sample,
            first,
            second,
            nb_steps=_NB_FRAMES,
            seed=self.seed,
        )
        title = f"From {first} to {second}"
        self.findings.write_table(
            "interpolation",
            ["second_bundle", "share", *_MEASURED],
            ((name, place, *rest) for name, place, _, *rest in walk.rows()),
            title,
        )
        ends = np.array([self.colours[first], self.colours[second]])
        steps = [
            WalkStep(
                walk.points[:, step],
                f"{100 * share:.0f} % {second}",
                f"{100 * share:.0f} %",
                tuple((1 - share) * ends[0] + share * ends[1]),
            )
            for step, share in enumerate(walk.places)
        ]
        legend = {name: self.colours[name] for name in (first, second)}
        self._render("interpolation", steps, legend, title, walk)

    def _show_traversals(self, walker: Walker, walks: Sequence[Walk]) -> None:
        """Plot walks along dimensions, and write what was measured."""
        findings, bundle = self.findings, walker.bundle
        findings.found["traversal"] = {
            "bundle": bundle,
            "nb_streamlines": walker.nb_streamlines,
            "displacement_mm": {walk.name: walk.reach for walk in walks},
        }
        findings.write_table(
            "traversal",
            ["dimension", "deviations", "z", *_MEASURED],
            (row for walk in walks for row in walk.rows()),
            f"Traversals of {bundle}",
        )
        # The animation is seen from the same side.
        shown = [walk.points.reshape(-1, 3) for walk in walks[:_MOST_ROWS]]
        (view,) = choose_views(["auto"], np.concatenate(shown))
        self._view = view.name
        rows = [
            GridRow(
                walk.name,
                list(walk.points.swapaxes(0, 1)),
                [f"{moved:.1f} mm" for moved in walk.displacement],
                behind=walk.origin,
                bundle=bundle,
                colour=self.colours[bundle],
            )
            for walk in walks[:_MOST_ROWS]
        ]
        if not _can_draw("traversal"):
            return
        with findings.optional(findings.paths["traversal_png"]):
            path = plot_grid(
                rows,
                findings.paths["traversal_png"],
                column_titles=[f"{_signed(place)} SD" for place in walks[0].places],
                title=f"{bundle}, each latent dimension changed by itself",
                seed=self.seed,
                force=findings.force,
            )
            findings.list_figure(
                path,
                f"Traversals of {bundle}",
                f"A grid: rows are {len(rows)} of {len(walks)} active latent "
                f"dimensions, columns steps from low to high; streamlines of {bundle} "
                "over those at the mean, in grey. "
                f"{rows[0].name} moves them most, by {walks[0].reach:.1f} mm.",
            )

    def _show_walk(self, walker: Walker, walk: Walk) -> None:
        """Animate a walk of a bundle, and write what was measured."""
        title = f"{walker.bundle} along {walk.name}"
        rows = walk.rows()
        if walk.z is None:
            columns = ["number", "value", *_MEASURED]
            rows = [(name, place, *rest) for name, place, _, *rest in rows]
            unit = self.sample.units.get(walk.name, "")
            shown = [f"{place:.3g}" for place in walk.places]
        else:
            columns, unit = ["dimension", "deviations", "z", *_MEASURED], "SD"
            shown = [_signed(place) for place in walk.places]
        self.findings.write_table("walk", columns, rows, f"Walk of {title}")
        colour = self.colours[walker.bundle]
        steps = [
            WalkStep(
                walk.points[:, step],
                f"{walk.name} = {text} {unit}".rstrip(),
                f"{text} {unit}".rstrip(),
                colour,
            )
            for step, text in enumerate(shown)
        ]
        legend = {title: colour}
        self._render("walk", steps, legend, f"Walk of {title}", walk, self._view)

    def _render(
        self, name: str, steps, legend, title: str, walk: Walk, view: str = "auto"
    ) -> None:
        """Render a walk as a row and as an animation, where that is possible."""
        if not _can_draw(name):
            return
        logger.info("Rendering %d steps: %s", len(steps), title)
        paths = [self.findings.paths[f"{name}_{kind}"] for kind in ("png", "gif")]
        with self.findings.optional(*paths):
            png, gif = render_walk(
                steps,
                paths[0],
                paths[1],
                every=_EVERY,
                legend=legend,
                view=view,
                force=self.findings.force,
            )
            alt = (
                f"{title}: {len(walk.points)} streamlines, which move by "
                f"{walk.displacement[-1]:.1f} mm"
            )
            self.findings.list_figure(
                png, title, f"{alt}, in steps from left to right."
            )
            self.findings.list_figure(gif, f"{title}, animated", f"{alt}, to and fro.")


def _can_draw(name: str) -> bool:
    """Return whether a figure can be rendered, and warn where it cannot."""
    if can_render():
        return True
    logger.warning(
        "The %s is not rendered, which needs FURY, and a display or Xvfb", name
    )
    return False


def _signed(number: float) -> str:
    """Write a number with its sign, and a true minus."""
    text = f"{number:+.2g}"
    if float(text) == 0:
        return "0"
    return text.replace("-", "\N{MINUS SIGN}")
