"""Figures and tables of a latent space, and a list of these files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
import logging
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.disentanglement import (
    disentanglement,
    latent_units,
    rank_correlations,
)
from dipy_tractogen.metrics.projection import PROJECTIONS, check_projection, project
from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE
from dipy_tractogen.utils.files import split_extension
from dipy_tractogen.utils.tables import write_table

from .plots import Colouring, plot_correlations, plot_projection, plot_units

logger = logging.getLogger("dipy_tractogen")

_UNIT_COLUMNS = ("variance", "spread", "deviation", "kl")


def names_of_findings(
    out_latent: str,
    projection: Sequence[str] = ("pca",),
    interpolate: Sequence[str] | None = None,
) -> dict[str, str]:
    """Return the file of each table and figure, whose names begin as the JSON file's.

    Raises ValueError if that is no .json, a projection is unknown, or not two bundles
    are interpolated; ImportError if a projection needs a package that is missing.
    """
    stem, extension = split_extension(out_latent)
    if extension.lower() != ".json":
        raise ValueError(f"out_latent={out_latent!r}: give a name that ends in .json.")
    for name in projection:
        check_projection(name)
    tables = ["projections", "units", "correlations", "traversal", "walk"]
    figures = [*dict.fromkeys(projection), *tables[1:]]
    animations = ["walk"]
    if interpolate is not None:
        if not len(interpolate) == len(set(interpolate)) == 2:
            raise ValueError(
                f"interpolate={' '.join(interpolate)!r}: give the names of two bundles."
            )
        for kind in (tables, figures, animations):
            kind.append("interpolation")
    return {
        f"{name}_{kind}": str(Path(out_latent).with_name(f"{stem}_{name}.{kind}"))
        for kind, names in (("tsv", tables), ("png", figures), ("gif", animations))
        for name in names
    }


class LatentFindings:
    """Measures of a latent space as plain values, and the figures and tables of it.

    `paths` are the files by name and extension, such as ``units_png``; `optional` takes
    paths and returns a context manager in which files are written that may fail. The
    measures are in ``found``, of which ``figures`` and ``tables`` list the files.
    """

    def __init__(
        self,
        paths: Mapping[str, str | Path],
        *,
        force: bool = False,
        optional: Callable[..., AbstractContextManager] | None = None,
    ):
        self.paths = {name: Path(path) for name, path in paths.items()}
        self.force = force
        self.optional = optional or (lambda *paths: nullcontext())
        self.found: dict = {"figures": [], "tables": []}

    def write_table(self, name: str, columns, rows, title: str) -> None:
        """Write the table of a name, as `write_table` takes it, and list it."""
        path = self.paths[f"{name}_tsv"]
        with self.optional(path):
            write_table(path, columns, rows, force=self.force)
            self.found["tables"].append({"file": path.name, "title": title})

    def draw(
        self, name: str, plot: Callable, *given, title: str, alt: str, **options
    ) -> None:
        """Draw the figure of a name by a function of `given` and a path, and list it.

        `alt` is a text for those who do not see it.
        """
        path = self.paths[f"{name}_png"]
        with self.optional(path):
            plot(*given, path, force=self.force, **options)
            self.list_figure(path, title, alt)

    def list_figure(self, path: Path, title: str, alt: str) -> None:
        """List a figure that was drawn."""
        entry = {"file": path.name, "title": title, "alt": alt}
        self.found["figures"].append(entry)


def show_projections(
    findings: LatentFindings, sample, methods: Sequence[str], color_by, *, seed: int
) -> None:
    """Project the latents by each method, and plot them by each property."""
    names = list(dict.fromkeys(color_by))
    values = sample.bundles.values
    colourings = [
        Colouring(name, sample.values_of(name), sample.units.get(name, ""))
        for name in names
    ]
    columns: dict[str, Iterable] = {
        "file": values[FILE_NUMBER].astype(int),
        "index": values[INDEX_IN_FILE].astype(int),
        "bundle": sample.values_of("bundle"),
        **{one.name: one.values for one in colourings},
    }
    for method in dict.fromkeys(methods):
        logger.info(
            "Projecting %d latents by %s%s",
            len(sample.z_mean),
            PROJECTIONS[method],
            "" if method == "pca" else ", which may take minutes",
        )
        projection = project(sample.z_mean, method, seed=seed)
        findings.draw(
            method,
            plot_projection,
            *(projection.places, projection.axis_labels, colourings),
            title=f"Latents by {PROJECTIONS[method]}",
            alt=f"{len(sample.z_mean)} latents in two dimensions, coloured by "
            f"{' and by '.join(names)}.",
            has_scale=method == "pca",
            seed=seed,
        )
        for number, column in enumerate(projection.places.T, start=1):
            columns[f"{method}_{number}"] = column
        if projection.explained_variance is not None:
            shares = projection.explained_variance.tolist()
            findings.found["explained_variance"] = shares
            logger.info(
                "The first two principal components hold %.0f %% of the variance",
                100 * sum(shares[:2]),
            )
    rows = zip(*(np.asarray(each).tolist() for each in columns.values()))
    findings.write_table("projections", list(columns), rows, "Projected latents")


def show_dimensions(findings: LatentFindings, model, sample) -> np.ndarray:
    """Measure the latent dimensions; return which are active, (d,) bool."""
    units = latent_units(sample.z_mean, sample.deviation, sample.prior)
    active = model.active_dimensions(sample.z_mean)
    names = _dimension_names(model)
    rows = [
        {
            "dimension": name,
            **{
                key: float(units[key][number]) if key in units else None
                for key in _UNIT_COLUMNS
            },
            "active": bool(active[number]),
        }
        for number, name in enumerate(names)
    ]
    findings.found.update(
        model_class=type(model).__name__,
        has_posterior=sample.deviation is not None,
        active_units=int(active.sum()),
        latent_dim=model.latent_dim,
        kl_nats=float(units["kl"].sum()) if "kl" in units else None,
        units=rows,
    )
    findings.write_table(
        "units",
        list(rows[0]),
        (["" if each is None else each for each in row.values()] for row in rows),
        "Latent dimensions",
    )
    counted = f"{active.sum()} of {len(names)} latent dimensions are active"
    logger.info(counted)
    findings.draw(
        "units",
        plot_units,
        *(names, units, active),
        title="What each latent dimension holds",
        alt=f"Bars of each latent dimension, largest first; {counted}.",
        threshold=model.active_variance,
    )
    return active


def show_correlations(findings: LatentFindings, model, sample) -> None:
    """Correlate the latent dimensions with the attributes of streamlines."""
    dimensions, names = _dimension_names(model), list(sample.attributes)
    attributes = np.column_stack(list(sample.attributes.values()))
    found = rank_correlations(sample.z_mean, attributes)
    findings.found["correlations"] = {
        "measure": "Spearman",
        "attributes": names,
        "values": dict(zip(dimensions, found.tolist())),
    }
    findings.found["disentanglement"] = disentanglement(
        sample.z_mean, sample.attributes
    )
    title = "Rank correlations of latents and attributes"
    findings.write_table(
        "correlations",
        ["dimension", *names],
        ([name, *row] for name, row in zip(dimensions, found.tolist())),
        title,
    )
    row, column = np.unravel_index(np.abs(found).argmax(), found.shape)
    findings.draw(
        "correlations",
        plot_correlations,
        *(dimensions, names, found),
        title=title,
        alt=f"Heat map of {len(dimensions)} latent dimensions by {', '.join(names)}; "
        f"the strongest correlation is {found[row, column]:.2f}, of "
        f"{dimensions[row]} with {names[column]}.",
    )


def _dimension_names(model) -> list[str]:
    """Return the names of the latent dimensions, from ``z0``."""
    return [f"z{number}" for number in range(model.latent_dim)]
