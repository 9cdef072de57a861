"""New streamlines from a model: latents, conditions, texture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
import logging
from typing import TYPE_CHECKING

from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.sampling.condition_request import ConditionRequest, with_bundles
from dipy_tractogen.sampling.generation import MAX_TRIES
from dipy_tractogen.sampling.generation import (
    generate_batches as drawn_batches,
)
from dipy_tractogen.sampling.joint_range import warn_far_together
from dipy_tractogen.sampling.latents import LatentPosteriors
from dipy_tractogen.sampling.plausibility import Plausibility
from dipy_tractogen.sampling.stratified import (
    allocate,
    balanced_weights,
    bundle_proportions,
)
from dipy_tractogen.sampling.subject.density import own_conditions
from dipy_tractogen.streamlines.array_sequence import concatenate_streamlines
from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    measured_values,
    requested_name,
)
from dipy_tractogen.streamlines.geometry import check_spacing
from dipy_tractogen.streamlines.point_data.values import respace_with_data

from .conditional_decoder import ConditionalDecoder
from .profiles import separated
from .subjects.subject_texture import texture_of

if TYPE_CHECKING:
    from dipy_tractogen.sampling.samplers.base import LatentSampler
    from dipy_tractogen.sampling.subject import SubjectEffect
    from dipy_tractogen.utils.shards import Shard

logger = logging.getLogger("dipy_tractogen")


def generate(
    model,
    nb_streamlines: int,
    bundles: str | Sequence[str] | None = None,
    *,
    conditions: Mapping | None = None,
    return_values: bool = False,
    return_data_per_point: bool = False,
    plausibility: Plausibility | None = None,
    **options,
) -> tuple[np.ndarray | ArraySequence, ...]:
    """Generate new streamlines.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines in all.
    bundles : str or sequence of str, optional
        Names of the bundles; all by default.
    conditions : mapping, optional
        Further requests, by the name of a condition: a category or several, a number,
        or a range ``(low, high)``, as ``{"length": (80, 140)}``.
        Others are drawn from their distribution in the training, given these.
    return_values : bool, optional
        Return the conditions of each streamline as well.
    return_data_per_point : bool, optional
        Return the values along the streamlines as well.
    plausibility : Plausibility, optional
        Streamlines that it rejects are replaced by others. Where these are not
        found there are fewer than requested: its ``shortfall`` has their
        number by bundle.
    **options
        ``balanced``, ``proportions``, ``nb_points``, ``step_size``, ``smooth``,
        ``sampler``, ``seeds``, ``like``, ``max_tries`` and ``seed`` of
        `generate_batches`.

    Returns
    -------
    points : ArraySequence or ndarray of shape (nb_streamlines, nb_points, 3), float32
        Streamlines in RASMM mm, sorted by bundle. An array with `nb_points`, with
        `smooth`, or of a model that was trained on one.
    labels : ndarray of shape (nb_streamlines,), int32
        Bundle of each, an index into ``record.bundle_names``.
    values : dict of str to ndarray of shape (nb_streamlines,)
        Conditions of each, see `generate_batches`. Only with `return_values`.
    data_per_point : dict of str to ndarray of shape (N, 1)
        Values of all N points that the model has learnt, such as FA, in the order of
        the points. Only with `return_data_per_point`.

    Raises
    ------
    ValueError
        If the model is not trained, a request is unknown, a number is
        impossible, or no streamline is plausible.
    """
    batches = model.generate_batches(
        nb_streamlines,
        bundles,
        conditions=conditions,
        return_data_per_point=True,
        plausibility=plausibility,
        **options,
    )
    points, labels, *by_name = zip(*batches)
    result = [concatenate_streamlines(points), np.concatenate(labels)]
    if plausibility is not None and plausibility.shortfall:
        logger.warning("%s", plausibility.describe_shortfall())
    for parts, is_wanted in zip(by_name, (return_values, return_data_per_point)):
        if is_wanted:
            joined = {n: np.concatenate([one[n] for one in parts]) for n in parts[0]}
            result.append(joined)
    return tuple(result)


def generate_batches(
    model,
    nb_streamlines: int,
    bundles: str | Sequence[str] | None = None,
    *,
    conditions: Mapping | None = None,
    balanced: bool = False,
    proportions: Mapping[str, float] | None = None,
    nb_points: int | None = None,
    step_size: float | None = None,
    smooth: bool = False,
    sampler: str | LatentSampler | None = None,
    seeds: LatentPosteriors | None = None,
    like: SubjectEffect | None = None,
    plausibility: Plausibility | None = None,
    max_tries: int = MAX_TRIES,
    return_data_per_point: bool = False,
    seed: int = 0,
    shard: Shard | None = None,
) -> Iterator[tuple]:
    """Generate streamlines a batch at a time, in bounded memory.

    Parameters
    ----------
    nb_streamlines : int
        Number of streamlines in all.
    bundles : str or sequence of str, optional
        Names of the bundles; all by default.
    conditions : mapping, optional
        Further requests, by the name of a condition; see `generate`.
    balanced : bool, optional
        As many for each bundle, in place of the proportions of the training.
    proportions : mapping of str to float, optional
        The bundles to generate, in place of `bundles`, and their proportions, in
        place of those of the training: ``{"AF_L": 2, "CST_R": 1}``.
    nb_points : int, optional
        Points of each streamline; by default as many as make steps like those of the
        training. Resampling smooths: streamlines of another number can be told from
        real ones.
    step_size : float, optional
        Distance of neighbouring points in mm, in place of their number; see
        :func:`dipy_tractogen.streamlines.geometry.resample_by_step`.
    smooth : bool, optional
        Leave streamlines as they are decoded, without texture: too smooth and a
        little short.
    sampler : str or LatentSampler, optional
        Sampler of the latents: ``"manifold"`` by default, ``"gmm"``, ``"kde"``,
        ``"rejection"``, ``"prior"``, an object of one of their classes, or
        a density from ``density_by``.
    seeds : LatentPosteriors, optional
        Latents of streamlines that the new ones are to be like, from `seeds_of`;
        those of the training without it. Bundles they do not have get none, and
        the others share in their proportions.
    like : SubjectEffect, optional
        Subject whose streamlines are generated, from `subject_of` or `draw_subject`.
        Conditions of it, such as its age, are requested unless `conditions` has others.
    plausibility : Plausibility, optional
        Streamlines that it rejects, before they are resampled, are replaced by
        others; it counts them, and those that are missing in the end.
    max_tries : int, optional
        Streamlines that are drawn for each that has to be plausible, at most.
    return_data_per_point : bool, optional
        Whether ``data_per_point`` follows ``values``.
    seed : int, optional
        Fixes the draw.
    shard : Shard, optional
        Generate only what is of one shard of `nb_streamlines`; it depends on no other.

    Yields
    ------
    points : ArraySequence or ndarray of shape (m, nb_points, 3), float32
        Streamlines in RASMM mm. An array with `nb_points`, with `smooth`, or of a model
        that was trained on one.
    labels : ndarray of shape (m,), int32
        Bundle of each, an index into ``record.bundle_names``.
    values : dict of str to ndarray of shape (m,)
        Conditions of each: codes of categories, and numbers. Length, curvature and
        tortuosity are measured along the returned points; their requested values
        are under ``asked_length`` and so on. Of a requested range this is the
        number that the streamline was drawn for, as are other numbers, such as an
        age.
    data_per_point : dict of str to ndarray of shape (M, 1), float32
        Values of the M points that the model has learnt along streamlines, in the order
        of the points, within the range of the training.

    Raises
    ------
    ValueError
        If the model is not trained, a request is unknown, a number is
        impossible, or, in the end, no streamline was plausible.
    """
    density = model.density_by(sampler, seeds, like)
    check_spacing(nb_points, step_size)
    _check_plausibility(plausibility)
    if max_tries < 1:
        raise ValueError(f"max_tries={max_tries}: give 1 or more.")
    given = with_bundles(conditions, bundles, proportions, balanced=balanced)
    request = ConditionRequest(density.conditions, {**own_conditions(density), **given})
    weights = density.weights(request)
    groups = density.strata[:, 0]
    if balanced:
        weights = balanced_weights(weights, groups)
    if proportions is not None:
        shares = bundle_proportions(density.conditions[BUNDLE], proportions)
        weights = balanced_weights(weights, groups) * shares[groups]

    counts = allocate(nb_streamlines, weights)
    warn_far_together(density, request, counts)
    # Those of all shards: a subject has one texture.
    texture = None if smooth else texture_of(model, density, request, counts)
    if shard is not None:
        counts, seed = shard.share(counts, groups), shard.seed(seed)
    batches = drawn_batches(
        density.conditions,
        ConditionalDecoder(model, density, request, texture),
        counts,
        seed=seed,
        plausibility=plausibility,
        max_tries=max_tries,
    )
    width = 3 + return_data_per_point
    profiles = model.known_profiles()
    return (
        (spaced, labels, _obtained(spaced, values, request), data)[:width]
        for drawn, labels, values in batches
        for spaced, data in [
            respace_with_data(*separated(profiles, drawn), nb_points, step_size)
        ]
    )


def _obtained(
    points, values: Mapping, request: ConditionRequest
) -> dict[str, np.ndarray]:
    """Replace the values that streamlines were drawn for by those they have."""
    drawn = {
        requested_name(name): values[name]
        for name in COMPUTED
        if name in values and request.has(name)
    }
    return {**values, **measured_values(points, values), **drawn}


def _check_plausibility(plausibility) -> None:
    """Check that the criteria are a `Plausibility`, which counts rejections."""
    if not isinstance(plausibility, Plausibility | None):
        raise ValueError(
            f"plausibility is of the type {type(plausibility).__name__}: give a "
            "Plausibility of one or more criteria."
        )
