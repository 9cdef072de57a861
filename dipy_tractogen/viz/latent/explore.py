"""Exploration of the latent space of a model, as figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from dipy_tractogen.metrics.latents import sample_latents
from dipy_tractogen.nn.latent import traversed_axis
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.utils.messages import check_choice

from .findings import (
    LatentFindings,
    show_correlations,
    show_dimensions,
    show_projections,
)
from .traversal_findings import TraversalFindings


def explore_latent(
    model,
    bundles,
    paths: Mapping[str, str | Path],
    *,
    transform: Transform | None = None,
    projection: Sequence[str] = ("pca",),
    color_by: Sequence[str] = ("bundle", "length"),
    max_streamlines: int = 5000,
    bundle: str | None = None,
    nb_steps: int = 7,
    nb_deviations: float = 3.0,
    walk: int | str | None = None,
    interpolate: Sequence[str] | None = None,
    seed: int = 0,
    force: bool = False,
    optional: Callable[..., AbstractContextManager] | None = None,
    show_progress: bool = False,
) -> dict:
    """Explore the latent space of a model by figures, and tables beside them.

    Latents are projected to two dimensions and correlated with attributes of the
    streamlines, and each active dimension is traversed from the mean of a bundle.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    bundles : BundleSet
        Streamlines, best such as the model was not trained on, loaded with the values
        `FILE_NUMBER` and `INDEX_IN_FILE`, those that the networks of the model read,
        and those of `color_by`.
    paths : mapping of str to str or Path
        File of each figure and table, as from `names_of_findings`.
    transform : Transform, optional
        From the space of the streamlines to that of the model, where it is another: all
        is shown in the latter.
    projection : sequence of {"pca", "umap", "tsne"}, optional
        How latents are projected.
    color_by : sequence of str, optional
        What the streamlines of a projection are coloured by, a plot each.
    max_streamlines : int, optional
        About how many streamlines are chosen, where there are more.
    bundle : str, optional
        Bundle whose streamlines are traversed; by default the largest.
    nb_steps : int, optional
        Steps of a traversal.
    nb_deviations : float, optional
        How far a traversal goes from the mean of the bundle, either way, in standard
        deviations of the bundle's latents.
    walk : int or str, optional
        What the animated traversal goes along: a dimension, such as "z3", or a number
        that the decoder reads; by default the dimension that moves streamlines most.
    interpolate : sequence of two str, optional
        Bundles of a second animation, from the one to the other.
    seed : int, optional
        Seed of the choices of streamlines, and of umap and tsne.
    force : bool, optional
        Replace existing files.
    optional : callable, optional
        Takes paths and returns a context manager, in which files are written that may
        fail; by default errors are raised.
    show_progress : bool, optional
        Show a progress bar.

    Returns
    -------
    dict
        ``streamlines``, their counts; the measures, as plain values; ``figures`` and
        ``tables``, which list the files.

    Raises
    ------
    ValueError
        If a name is unknown, or there are fewer than three streamlines.
    ImportError
        If a projection needs a package that is not installed.
    """
    along = None if walk is None else traversed_axis(model, walk, option="walk")
    sample = sample_latents(
        model,
        bundles,
        transform=transform,
        max_streamlines=max_streamlines,
        seed=seed,
        show_progress=show_progress,
    )
    counts = sample.bundles.counts()
    there = [name for name, count in counts.items() if count]
    for option, names in (("bundle", [bundle]), ("interpolate", interpolate or [])):
        for name in names:
            if name is not None:
                check_choice(option, name, there)
    findings = LatentFindings(paths, force=force, optional=optional)
    show_projections(findings, sample, projection, color_by, seed=seed)
    active = show_dimensions(findings, model, sample)
    show_correlations(findings, model, sample)
    traversals = TraversalFindings(
        findings, model, sample, nb_steps=nb_steps, seed=seed
    )
    bundle = bundle or max(counts, key=counts.get)
    traversals.traverse(bundle, active, nb_deviations, along)
    if interpolate:
        traversals.interpolate(*interpolate)
    streamlines = {"given": sample.nb_found, "counts": counts}
    return {"streamlines": streamlines, **findings.found}
