"""All measures of generated streamlines in one report, beside those of real ones."""

from __future__ import annotations

from collections.abc import Sequence
import logging
import math
import time

import numpy as np

from dipy_tractogen.streamlines.conversion import as_streamlines
from dipy_tractogen.streamlines.reference import Reference
from dipy_tractogen.utils.progress import Progress, active_progress, format_duration

from . import cost
from .attribute_distances import NB_POINTS as TEXTURE_POINTS
from .attribute_distances import distributions
from .bootstrap import NB_RESAMPLES, entries_with_intervals
from .bundle_similarity import VOXEL_SIZE, Grid
from .c2st.report import add_to_entries, nb_classified, run_tests, summary
from .comparison import OVERALL, worst_bundle
from .copies import attack
from .distances import NB_POINTS
from .matching import (
    LEFT_OUT,
    common_bundles,
    leave_out_held_out,
    own_labels,
    warn_of_numbers,
)
from .prdc import NB_NEIGHBOURS, warn_of_repeats
from .profiles import report as profile_report
from .profiles.sets import valued_sets
from .report_schema import EvaluationReport
from .results import measure
from .samples import StreamlineSet, matched_sizes, prepare, with_voxels

logger = logging.getLogger("dipy_tractogen")

# Small sets are drawn repeatedly, until about so many streamlines are compared.
_NB_COMPARED = 3000
_MOST_DRAWS = 5

# Shorter comparisons are not announced.
_LONG_S = 10


def evaluate(
    generated,
    real,
    training=None,
    *,
    generated_labels: np.ndarray | None = None,
    real_labels: np.ndarray | None = None,
    training_labels: np.ndarray | None = None,
    bundle_names: Sequence[str] = (),
    k: int = NB_NEIGHBOURS,
    nb_points: int = NB_POINTS,
    texture_points: int = TEXTURE_POINTS,
    voxel_size: float | None = None,
    grid: Reference | None = None,
    nb_bootstrap: int = NB_RESAMPLES,
    values: Sequence[str] = (),
    c2st: bool = False,
    membership: bool = False,
    seed: int = 0,
    show_progress: bool = False,
) -> EvaluationReport:
    """Evaluate generated streamlines against held-out real ones.

    Every measure of the generated streamlines comes with that of real ones, those of
    training, against the same held-out streamlines: this, and not one, is the value of
    a perfect generator. Samples of the same size and composition are compared; small
    sets are drawn up to five times and the measures averaged. See
    :func:`~dipy_tractogen.metrics.prdc.prdc` for precision, recall, density and
    coverage :footcite:p:`Naeem2020`, and the other modules of
    :mod:`dipy_tractogen.metrics` for the rest.

    Parameters
    ----------
    generated, real : ArraySequence, ndarray of shape (n, p, 3) or BundleSet
        Generated and held-out real streamlines, points in mm, or what else
        `as_streamlines` takes. A BundleSet brings its labels.
    training : ArraySequence, ndarray of shape (n, p, 3) or BundleSet, optional
        Real streamlines that the generator was trained on. Those that are also in
        `real` are left out. Without them there is no novelty, and the real streamlines
        are compared half against half.
    generated_labels, real_labels, training_labels : ndarray of shape (n,), optional
        Bundle of each streamline, an index into `bundle_names`.
    bundle_names : sequence of str, optional
        Names of the bundles. Only bundles that are both generated and real are
        compared; without any in common, or without labels, all are taken as one.
    k : int, optional
        Neighbours of precision, recall, density and coverage.
    nb_points : int, optional
        Points of a streamline for distances.
    texture_points : int, optional
        Points of a streamline for curvature and winding; lengths are along all points.
    voxel_size : float, optional
        Voxels of Dice, overlap and overreach, in mm; 2 by default. A voxel centre is
        at the origin.
    grid : Reference, image, str or Path, optional
        Grid of the voxels in place of `voxel_size`. What lies beyond is not counted.
    nb_bootstrap : int, optional
        Number of times that streamlines are drawn for the confidence intervals, which
        :mod:`dipy_tractogen.metrics.bootstrap` describes; 0 for none.
    values : sequence of str, optional
        Values along the streamlines whose profiles are compared, such as FA: names in
        the ``data_per_point`` of all sets, each a BundleSet.
    c2st : bool, optional
        Whether classifiers are trained to tell generated from held-out streamlines, and
        real ones from them (:func:`~dipy_tractogen.metrics.c2st.c2st`), which takes
        about half a minute. The measures ``c2st_...`` are None otherwise.
    membership : bool, optional
        Whether streamlines of the training are told from held-out ones by the generated
        ones (:func:`~dipy_tractogen.metrics.copies.attack.attack_generated`). The
        measures ``membership_...`` are None otherwise, and those of bundles always.
    seed : int, optional
        Seed of the draws.
    show_progress : bool, optional
        Whether a progress bar is shown; a line is logged now and then otherwise.

    Returns
    -------
    EvaluationReport
        A dict of plain types that JSON holds; numbers are finite or None.

        - ``overall`` and ``bundles`` (by name), each with ``counts``; the measures
          ``generated`` and ``real``; ``held_out``, the mean attributes of the held-out
          streamlines; ``ratios`` of generated to real, ``novelty``, ``length_w1``,
          ``curvature_w1``, ``tortuosity_w1`` and ``winding_w1``, with
          ``generated_per_training``, the number of generated streamlines for each of
          training; ``memorisation``, see
          :func:`~dipy_tractogen.metrics.copies.memorisation.memorisation`; and
          ``intervals``, the 95 % confidence intervals of ``generated``, ``real`` and
          ``ratios``, by measure the two limits or None. With `values` the measures of
          profiles are among them, such as ``FA_profile_w1``;
        - ``worst_bundle``, the name of that whose precision, recall or coverage is
          farthest below that of real streamlines, or None;
        - ``distributions``, see
          :func:`~dipy_tractogen.metrics.attribute_distances.distributions`;
        - ``c2st``, the results of :func:`~dipy_tractogen.metrics.c2st.c2st` for all
          ``generated`` and ``real`` streamlines, with the features that tell most,
          ``told_by``, and a ``verdict`` in sentences; None without the option `c2st`,
          or with fewer than 50 different streamlines to compare;
        - ``membership``, the attacks of the option `membership`, with a ``verdict``;
          None without it, without `training` or with too few streamlines;
        - ``profiles``, see
          :func:`~dipy_tractogen.metrics.profiles.report.compare_profiles`; None without
          the option `values`;
        - ``parameters`` and ``warnings``.

    Raises
    ------
    ValueError
        If there are no generated or no real streamlines, labels do not fit, points are
        not finite, a parameter is out of its range, no real streamline passes through
        `grid`, or a set has no such `values`.

    References
    ----------
    .. footbibliography::
    """
    given = {"generated": generated, "real": real, "training": training}
    labels = {
        "generated": generated_labels,
        "real": real_labels,
        "training": training_labels,
    }
    labels, bundle_names = own_labels(given, labels, bundle_names)
    present = {name: each for name, each in given.items() if each is not None}
    valued = valued_sets(present, values) if values else None
    given = {name: as_streamlines(each) for name, each in present.items()}
    _check(given, k=k, seed=seed, nb_bootstrap=nb_bootstrap)
    grid = None if grid is None else Reference.of(grid)
    voxel_size = VOXEL_SIZE if voxel_size is None else voxel_size
    voxels = Grid.of_size(voxel_size) if grid is None else Grid.of(grid)
    labels, names, warnings = common_bundles(
        {name: labels[name] for name in given}, bundle_names
    )
    points = {"nb_points": nb_points, "texture_points": texture_points}
    began = time.perf_counter()
    sets = {}
    for name, streamlines in given.items():
        prepared = prepare(streamlines, labels[name], **points)
        sets[name] = prepared.take(prepared.labels != LEFT_OUT)
    nb_draws = min(_MOST_DRAWS, math.ceil(_NB_COMPARED / len(sets["real"])))
    sizes = {"nb_draws": nb_draws, "nb_resamples": nb_bootstrap, "c2st": c2st}
    progress = _begin(sets, time.perf_counter() - began, show_progress, **sizes)
    with progress, active_progress(progress):
        generated, real, training, nb_shared, more = _prepare_comparison(
            sets, voxels, names, k
        )
        warnings += more
        results = measure(generated, real, training, nb_draws=nb_draws, k=k, seed=seed)
        entries = entries_with_intervals(
            results, names, nb_resamples=nb_bootstrap, seed=seed
        )
        tests = None
        if c2st:
            tests, more = run_tests(given, generated, real, training, seed=seed)
            warnings += more
        add_to_entries(entries, tests)
        attacks = None
        if membership:
            attacks, more = attack.attack_generated(
                generated, real, training, seed=seed
            )
            warnings += more
        attack.add_to_entries(entries, attacks)
        profiles = None
        if valued:
            profiles, more = profile_report.compare_profiles(
                valued,
                generated,
                real,
                training,
                names,
                nb_draws=nb_draws,
                nb_resamples=nb_bootstrap,
                c2st=c2st,
                seed=seed,
            )
            warnings += more
            profile_report.add_to_entries(entries, profiles, names)
    copies = entries[OVERALL]["memorisation"]
    if copies and copies["copies"] != "none":
        warnings.append(copies["verdict"])
    bundles = {name: entries[label] for label, name in names.items()}
    return EvaluationReport(
        {
            "overall": entries[OVERALL],
            "bundles": bundles,
            "worst_bundle": worst_bundle(bundles),
            "distributions": distributions(
                {
                    "generated": (generated.attributes, generated.labels),
                    "real": (real.attributes, real.labels),
                },
                names,
            ),
            "c2st": summary(tests),
            "membership": attacks
            and {**attacks, "verdict": attack.verdict(entries[OVERALL])},
            "profiles": profiles,
            "parameters": {
                "k": k,
                **points,
                "voxel_size": voxel_size if grid is None else None,
                "grid": None if grid is None else grid.to_dict(),
                "nb_bootstrap": nb_bootstrap,
                "values": list(values),
                "c2st": c2st,
                "membership": membership,
                "seed": seed,
                "nb_draws": nb_draws,
                "training_also_held_out": nb_shared,
            },
            "warnings": warnings,
        }
    )


def evaluate_generated(
    points: np.ndarray, labels: np.ndarray, held_out, training, **options
) -> EvaluationReport:
    """Evaluate generated points (n, nb_points, 3) against the bundles of a training.

    `held_out` and `training` are `BundleSet`s of the same bundles in the same order.
    Returns what `evaluate` does, without intervals; `options` are others of it.
    """
    return evaluate(
        points,
        held_out,
        training,
        generated_labels=labels,
        bundle_names=training.bundle_names,
        nb_bootstrap=0,
        **options,
    )


def _check(given: dict, *, k: int, seed: int, nb_bootstrap: int) -> None:
    for name in ("generated", "real"):
        if len(given.get(name, ())) == 0:
            raise ValueError(f"There are no {name} streamlines: give one or more.")
    if k < 1:
        raise ValueError(f"k={k}: give one neighbour or more.")
    for name, value in (("seed", seed), ("nb_bootstrap", nb_bootstrap)):
        if value < 0:
            raise ValueError(f"{name}={value}: give zero or more.")


def _begin(
    sets: dict[str, StreamlineSet],
    seconds: float,
    show_bar: bool,
    *,
    c2st: bool,
    **counts,
) -> Progress:
    """Begin a progress bar, with the time expected from that of the preparation."""
    each = [sets.get(name) for name in ("generated", "real", "training")]
    sizes = matched_sizes(each[1], each[0], each[2])
    if c2st:
        counts["nb_classified"] = nb_classified(sum(sizes.values()))
    total = cost.evaluation(*each, sizes, **counts)
    nb_prepared = sum(len(one) for one in sets.values())
    expected = seconds * total / cost.preparation(nb_prepared)
    if expected > _LONG_S:
        logger.info("Comparing them will take about %s", format_duration(expected))
    return Progress(total, "Comparing", show_bar=show_bar)


def _prepare_comparison(
    sets: dict[str, StreamlineSet], voxels: Grid, names: dict[int, str], k: int
) -> tuple[StreamlineSet, StreamlineSet, StreamlineSet | None, int, list[str]]:
    """Return generated, real and training streamlines with voxels, and warnings.

    Before the warnings comes the number of training streamlines that were held out.
    """
    generated, real = sets["generated"], sets["real"]
    training, nb_shared, warnings = leave_out_held_out(sets.get("training"), real)
    if nb_shared:
        logger.info("Left out of training, being held out as well: %d", nb_shared)
    warnings = [*warnings, *warn_of_numbers(generated, real, training, names, k)]
    compared = {"generated": generated, "held-out": real, "training": training}
    warnings += warn_of_repeats(
        {
            name: (each.points, each.labels)
            for name, each in compared.items()
            if each is not None
        }
    )
    generated, real, training = with_voxels([generated, real, training], voxels)
    if not real.voxels.nnz:
        raise ValueError(
            "No real streamline passes through the given grid: give an image in the "
            "space of the streamlines."
        )
    return generated, real, training, nb_shared, warnings
