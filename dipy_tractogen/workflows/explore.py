"""`dipy_explore_latent`: what the latents of a model hold, as figures and tables."""

from __future__ import annotations

import logging
import re

from dipy_tractogen.utils.messages import listed, printable
from dipy_tractogen.utils.schema import write_json

from .flows.base import TractogenFlow
from .inputs import (
    ParticipantsOptions,
    load_to_encode,
    load_trained_model,
)
from .options.arguments import check_choice, check_int
from .options.loading import LoadingOptions
from .options.parameters import with_parameters_of

logger = logging.getLogger("dipy_tractogen")

_DIMENSION = re.compile(r"z(\d+)")


class ExploreLatentFlow(TractogenFlow):
    """Look at the latent space of a model."""

    short_name = "explore_latent"
    advanced = ("max_streamlines", "nb_steps", "nb_deviations")

    @with_parameters_of(ParticipantsOptions, LoadingOptions)
    def run(
        self,
        model_file,
        input_files,
        projection=None,
        color_by=None,
        max_streamlines=5000,
        bundle=None,
        nb_steps=7,
        nb_deviations=3.0,
        walk=None,
        interpolate=None,
        seed=0,
        out_dir="",
        out_latent="latent.json",
        **given,
    ):
        """Look at the latent space of a model: figures, and tables beside them.

        Latents of the given streamlines are projected to two dimensions, and correlated
        with length, curvature, tortuosity and place. Each active dimension is
        traversed: streamlines of a bundle get several values of it, all else stays, and
        they are decoded. The one that moves streamlines most is animated.

        Parameters
        ----------
        model_file : string or Path
            Model file, from one of the dipy_train commands.
        input_files : variable string or Path
            Tractograms, folders or globs; best are streamlines that the model was not
            trained on, such as the held_out.trx of a training.
        projection : variable string, optional
            How latents are projected: pca (the default), umap, which needs
            umap-learn, and tsne.
        color_by : variable string, optional
            What the streamlines of a projection are coloured by, a plot each: bundle
            and length by default; curvature, tortuosity; x, y or z, of the centre;
            subject; a condition of the model, or a number that participants or
            data_per_streamline have. Numbers are correlated with the latents as well.
        max_streamlines : int, optional
            About how many streamlines are looked at. Of more, some are chosen at
            random, with the shares of the bundles kept.
        bundle : string, optional
            Bundle whose streamlines are walked with; by default the largest.
        nb_steps : int, optional
            Steps of a traversal.
        nb_deviations : float, optional
            How far a traversal goes from the mean of the bundle, either way, in
            standard deviations of the bundle's latents.
        walk : string, optional
            What the animated walk goes along: a dimension, such as z3, or a number that
            the decoder reads, such as length; by default the dimension that moves
            streamlines most.
        interpolate : variable string, optional
            Names of two bundles: a second walk goes from the one to the other.
        seed : int, optional
            Seed of the choices of streamlines, and of umap and tsne.
        out_dir : string or Path, optional
            Output folder.
        out_latent : string, optional
            JSON file with what was found, and a list of the figures and tables, whose
            names begin as its own.
        """
        from dipy_tractogen.viz.latent import findings as latent

        projections = projection or ["pca"]
        check_int("max_streamlines", max_streamlines, low=3)
        check_int("nb_steps", nb_steps, low=2, high=15)
        _check_projections(projections)
        _check_pair(interpolate)
        names = latent.names_of_findings(out_latent, projections, bool(interpolate))
        paths = self.outputs(out_dir, out_latent=out_latent, **names)
        files = sorted(self.inputs(input_files))
        if walk or interpolate:
            from dipy_tractogen.viz.display import require_rendering

            require_rendering()
        model = load_trained_model(model_file)
        along = _check_walk(model, walk)

        from dipy_tractogen.metrics.latents import sample_latents

        colours = color_by or ["bundle", "length"]
        bundles = self._load(model, files, given, colours)
        sample = sample_latents(
            model,
            bundles,
            max_streamlines=max_streamlines,
            seed=seed,
            show_progress=self.show_progress,
        )
        counts = sample.bundles.counts()
        _check_bundles(counts, bundle, interpolate)

        from dipy_tractogen.viz.latent.traversal_findings import TraversalFindings

        findings = latent.LatentFindings(
            paths, force=self.force, optional=self.optional
        )
        latent.show_projections(findings, sample, projections, colours, seed=seed)
        active = latent.show_dimensions(findings, model, sample)
        latent.show_correlations(findings, model, sample)
        options = {"nb_steps": nb_steps, "seed": seed}
        traversals = TraversalFindings(findings, model, sample, **options)
        bundle = bundle or max(counts, key=counts.get)
        traversals.traverse(bundle, active, nb_deviations, along)
        if interpolate:
            traversals.interpolate(*interpolate)
        streamlines = {
            "files": [printable(file) for file in files],
            "given": sample.nb_found,
            "counts": counts,
        }
        path = paths["out_latent"]
        found = {"streamlines": streamlines, **findings.found}
        write_json(path, self.make_record(model_file, **found), force=self.force)
        logger.info("Wrote %s and %d figures", path, len(findings.found["figures"]))

    def _load(self, model, files, given: dict, color_by):
        """Load streamlines with what the model reads, and what colours them."""
        from dipy_tractogen.metrics.latents import values_to_load
        from dipy_tractogen.streamlines.values import FILE_NUMBER, INDEX_IN_FILE

        conditions, categories = values_to_load(model, color_by)
        return load_to_encode(
            model,
            files,
            given,
            numbers=(FILE_NUMBER, INDEX_IN_FILE),
            categories=categories,
            conditions=conditions,
            show_progress=self.show_progress,
        )


def _check_projections(projections) -> None:
    """Check that projections are known, and their packages installed."""
    from dipy_tractogen.metrics.projection import PROJECTIONS, check_projection

    for name in projections:
        check_choice("projection", name, PROJECTIONS)
        check_projection(name)


def _check_pair(interpolate) -> None:
    """Check that two bundles are given, if any."""
    if interpolate is not None and not len(interpolate) == len(set(interpolate)) == 2:
        raise ValueError(
            f"--interpolate {' '.join(interpolate)}: give the names of two bundles."
        )


def _check_walk(model, walk: str | None) -> int | str | None:
    """Return the dimension or the number that the animation goes along."""
    if walk is None:
        return None
    matched = _DIMENSION.fullmatch(walk)
    if matched and int(matched[1]) < model.latent_dim:
        return int(matched[1])
    numbers = []
    if model.conditions_in_decoder:
        numbers = [one.name for one in model.conditions.continuous]
    if walk not in numbers:
        accepted = listed([f"z0 to z{model.latent_dim - 1}", *numbers])
        raise ValueError(f"--walk {walk}: accepted for this model are {accepted}.")
    return walk


def _check_bundles(counts: dict, bundle: str | None, interpolate) -> None:
    """Check that bundles have streamlines."""
    there = [name for name, count in counts.items() if count]
    for option, name in (
        ("bundle", bundle),
        *(("interpolate", each) for each in interpolate or ()),
    ):
        if name is not None:
            check_choice(option, name, there)
