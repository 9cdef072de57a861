"""Figures and tables of traversals of a latent space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
import logging

import numpy as np

from dipy_tractogen.metrics.traversal import (
    BundleTraverser,
    Traversal,
    traverse_between,
)

from ..cameras import choose_views
from ..colours import bundle_colours
from ..display import can_render
from ..grid import GridRow, plot_grid
from .findings import LatentFindings
from .traversal import TraversalStep, render_traversal

logger = logging.getLogger("dipy_tractogen")

# Dimensions that a figure of traversals shows; the table has all.
_MOST_ROWS = 8
# Steps of an animation, one way, and every how many of them are in the row: five.
_NB_FRAMES, _EVERY = 25, 6
_MEASURED = ("length_mm", "curvature_per_mm", "displacement_mm")


class TraversalFindings:
    """Traversals of the latent space of a `LatentSample` as figures and tables.

    `nb_steps` are those along a dimension; `seed` chooses streamlines.
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
        """Traverse each active dimension of a bundle, and animate one traversal.

        `active` (d,) tells the dimensions, which go `nb_deviations` standard deviations
        either way; `along` is the dimension or number of the animation, by default the
        dimension that moves streamlines most.
        """
        traverser = BundleTraverser(self.model, self.sample, bundle, self.seed)
        steps = np.linspace(-nb_deviations, nb_deviations, self.nb_steps)
        traversals = [
            traverser.along_dimension(int(dimension), steps)
            for dimension in np.flatnonzero(active)
        ]
        traversals.sort(key=lambda traversal: -traversal.reach)
        if traversals:
            self._show_traversals(traverser, traversals)
        else:
            logger.warning(
                "No latent dimension is active, so that none is traversed: the "
                "posterior has collapsed; train longer, or with a smaller beta or "
                "sigma_mm"
            )
        if isinstance(along, str):
            self._animate(traverser, traverser.along_number(along, _NB_FRAMES))
        elif traversals or along is not None:
            dimension = int(traversals[0].name[1:]) if along is None else along
            frames = np.linspace(-nb_deviations, nb_deviations, _NB_FRAMES)
            self._animate(traverser, traverser.along_dimension(dimension, frames))

    def interpolate(self, first: str, second: str) -> None:
        """Animate an interpolation from one bundle to another, by their names."""
        traversal = traverse_between(
            self.model, self.sample, first, second, nb_steps=_NB_FRAMES, seed=self.seed
        )
        title = f"From {first} to {second}"
        self.findings.write_table(
            "interpolation",
            ["second_bundle", "share", *_MEASURED],
            ((name, place, *rest) for name, place, _, *rest in traversal.rows()),
            title,
        )
        ends = np.array([self.colours[first], self.colours[second]])
        steps = [
            TraversalStep(
                traversal.points[:, step],
                f"{100 * share:.0f} % {second}",
                f"{100 * share:.0f} %",
                tuple((1 - share) * ends[0] + share * ends[1]),
            )
            for step, share in enumerate(traversal.places)
        ]
        legend = {name: self.colours[name] for name in (first, second)}
        self._render("interpolation", steps, legend, title, traversal)

    def _show_traversals(
        self, traverser: BundleTraverser, traversals: Sequence[Traversal]
    ) -> None:
        """Plot traversals along dimensions, and write their measures."""
        findings, bundle = self.findings, traverser.bundle
        findings.found["traversal"] = {
            "bundle": bundle,
            "nb_streamlines": traverser.nb_streamlines,
            "displacement_mm": {
                traversal.name: traversal.reach for traversal in traversals
            },
        }
        findings.write_table(
            "traversal",
            ["dimension", "deviations", "z", *_MEASURED],
            (row for traversal in traversals for row in traversal.rows()),
            f"Traversals of {bundle}",
        )
        # The animation is seen from the same side.
        shown = [
            traversal.points.reshape(-1, 3) for traversal in traversals[:_MOST_ROWS]
        ]
        (view,) = choose_views(["auto"], np.concatenate(shown))
        self._view = view.name
        rows = [
            GridRow(
                traversal.name,
                list(traversal.points.swapaxes(0, 1)),
                [f"{moved:.1f} mm" for moved in traversal.displacement],
                behind=traversal.origin,
                bundle=bundle,
                colour=self.colours[bundle],
            )
            for traversal in traversals[:_MOST_ROWS]
        ]
        if not _can_draw("traversal"):
            return
        plot = partial(
            plot_grid,
            column_titles=[f"{_signed(place)} SD" for place in traversals[0].places],
            title=f"{bundle}, each latent dimension changed by itself",
            seed=self.seed,
        )
        findings.draw(
            "traversal",
            plot,
            rows,
            title=f"Traversals of {bundle}",
            alt=f"A grid: rows are {len(rows)} of {len(traversals)} active latent "
            f"dimensions, columns steps from low to high; streamlines of {bundle} over "
            f"those at the mean, in grey. {rows[0].name} moves them most, by "
            f"{traversals[0].reach:.1f} mm.",
        )

    def _animate(self, traverser: BundleTraverser, traversal: Traversal) -> None:
        """Animate a traversal of a bundle, and write its measures."""
        title = f"{traverser.bundle} along {traversal.name}"
        rows = traversal.rows()
        if traversal.z is None:
            columns = ["number", "value", *_MEASURED]
            rows = [(name, place, *rest) for name, place, _, *rest in rows]
            unit = self.sample.units.get(traversal.name, "")
            shown = [f"{place:.3g}" for place in traversal.places]
        else:
            columns, unit = ["dimension", "deviations", "z", *_MEASURED], "SD"
            shown = [_signed(place) for place in traversal.places]
        self.findings.write_table("walk", columns, rows, f"Walk of {title}")
        colour = self.colours[traverser.bundle]
        steps = [
            TraversalStep(
                traversal.points[:, step],
                f"{traversal.name} = {text} {unit}".rstrip(),
                f"{text} {unit}".rstrip(),
                colour,
            )
            for step, text in enumerate(shown)
        ]
        legend = {title: colour}
        self._render("walk", steps, legend, f"Walk of {title}", traversal, self._view)

    def _render(
        self,
        name: str,
        steps,
        legend,
        title: str,
        traversal: Traversal,
        view: str = "auto",
    ) -> None:
        """Render a traversal as a row and an animation, where that is possible."""
        if not _can_draw(name):
            return
        logger.info("Rendering %d steps: %s", len(steps), title)
        paths = [self.findings.paths[f"{name}_{kind}"] for kind in ("png", "gif")]
        with self.findings.optional(*paths):
            png, gif = render_traversal(
                steps,
                paths[0],
                paths[1],
                every=_EVERY,
                legend=legend,
                view=view,
                force=self.findings.force,
            )
            alt = (
                f"{title}: {len(traversal.points)} streamlines, which move by "
                f"{traversal.displacement[-1]:.1f} mm"
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
