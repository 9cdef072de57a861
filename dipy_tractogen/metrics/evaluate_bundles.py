"""Evaluation of generated bundles against real ones, by the names of the bundles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import logging

import numpy as np

from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.location import compare_locations

from .errors import condition_errors, measure_model
from .evaluation import EvaluationReport, evaluate
from .matching import common_bundles, own_labels
from .thresholds import Threshold, check_bundles, check_thresholds, check_values

logger = logging.getLogger("dipy_tractogen")

# With so few streamlines near the other set, the sets may be in two spaces.
_NEARLY_NONE = 0.1


def evaluate_bundles(
    generated: BundleSet,
    real: BundleSet,
    training: BundleSet | None = None,
    *,
    requested: Mapping[str, np.ndarray] | None = None,
    require: Sequence[str | Threshold] = (),
    model=None,
    **options,
) -> EvaluationReport:
    """Evaluate generated bundles against held-out real ones.

    Bundles are compared by name.

    Parameters
    ----------
    generated, real, training : BundleSet
        Generated streamlines, held-out real ones, and, optionally, those that the
        generator was trained on.
    requested : mapping of str to ndarray of shape (n,), optional
        Requested length, curvature or tortuosity of each generated streamline, NaN
        where it is not known.
    require : sequence of str or Threshold, optional
        What measures have to reach, such as ``"AF_L:coverage>=0.8"``.
    model : StreamlineModel, optional
        A model whose point error on the real streamlines is measured as well.
    **options
        Further options of `evaluate`.

    Returns
    -------
    EvaluationReport
        As from `evaluate`, with the errors of `requested` as ``conditions``, the
        limits of `require` and whether they are met as ``thresholds``, and what
        `measure_model` gives as ``model``. The warnings say what was dropped of each
        set, and whether the sets are in one space; if not, ``places`` says where.

    Raises
    ------
    ValueError
        If a limit cannot be read, or is for a bundle or a value that is not compared.
    """
    sets = {"generated": generated, "real": real, "training": training}
    sets = {kind: each for kind, each in sets.items() if each is not None}
    labels, names = own_labels(sets, {}, ())
    limits = [Threshold.of(each) for each in require]
    check_values(limits, options.get("values", ()))
    if limits:
        check_bundles(limits, common_bundles(labels, names)[1].values())
    logger.info(
        "Comparing %s streamlines",
        ", ".join(f"{len(each)} {kind}" for kind, each in sets.items()),
    )
    report = evaluate(**sets, **options)
    compared = {names.index(name): name for name in report["bundles"]}
    report["conditions"] = condition_errors(
        generated.streamlines, requested or {}, labels["generated"], compared
    )
    if model is not None:
        shown = {"show_progress": options.get("show_progress", False)}
        report["model"] = measure_model(model, real, **shown)
    report["warnings"] = [*_warnings_of_sets(report, sets), *report["warnings"]]
    report["thresholds"] = check_thresholds(limits, report)
    return report


def _warnings_of_sets(report: dict, sets: Mapping[str, BundleSet]) -> list[str]:
    """Return what was dropped of each set, and whether the sets share a space.

    Where next to no streamline is near to one of the other set, the report gets the
    ``places`` of both.
    """
    warnings = [
        f"Of the {kind} streamlines: {each.report.summary()}."
        for kind, each in sets.items()
        if each.report is not None and each.report.counts
    ]
    found = report["overall"]["generated"]
    near = [found[name] for name in ("precision", "recall")]
    if None not in near and max(near) <= _NEARLY_NONE:
        each = {kind: sets[kind].streamlines for kind in ("generated", "real")}
        text, report["places"] = compare_locations(**each)
        warnings.append(
            "Nearly no generated streamline is near to a real one: both have to be in "
            f"one space. {text}."
        )
    return warnings
