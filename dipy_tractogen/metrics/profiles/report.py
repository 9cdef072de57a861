"""Profiles in a report of `evaluate`: distances, classifiers, and pairs with shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dipy_tractogen.utils.messages import format_count

from ..comparison import OVERALL
from ..measures import profile_measures
from ..samples import MatchedSamples, StreamlineSet, draw_matched_samples
from .distances import PROFILE_MEASURES, profile_estimates
from .intervals import SIDES, ProfileIntervals
from .mean import NB_NODES
from .pairing import Pairing
from .sets import ValuedSet, comparable_features, oriented_profiles
from .telling import tell_profiles

FEWEST = 100
"""Streamlines of each set that are needed to tell whether pairs belong together."""

# Streamlines of each set that pairs are told of at most.
_MOST = 2000


def compare_profiles(
    sets: Mapping[str, ValuedSet],
    generated: StreamlineSet,
    real: StreamlineSet,
    training: StreamlineSet | None,
    names: Mapping[int, str],
    *,
    nb_draws: int,
    c2st: bool,
    seed: int,
    nb_resamples: int = 0,
) -> tuple[dict, list[str]]:
    """Compare the values along streamlines of the samples that are compared.

    `sets` have the streamlines and values of those of the same names, as they were
    given. With `nb_resamples` streamlines are drawn so often for the ``intervals`` of
    95 %, as :mod:`dipy_tractogen.metrics.bootstrap` describes.

    Returns
    -------
    dict
        - ``values``, by name: the `PROFILE_MEASURES` of ``generated`` and of ``real``
          streamlines against the held-out ones, ``overall``, which is the mean of the
          bundles, and for each of ``bundles``, by name, with the ``mean`` profiles of
          ``generated`` and ``held_out`` streamlines at ``nb_nodes``; each with the
          ``intervals`` of both sides;
        - ``pairing``, how well shapes with their profiles are told from shapes with
          those of other streamlines (`Pairing`), all values together; None with fewer
          than 100 streamlines;
        - ``c2st``, how well classifiers tell profiles from those held out
          (`tell_profiles`); None without `c2st`;
        - ``verdict``, in sentences.
    list of str
        Warnings.
    """
    draws = draw_matched_samples(
        real, generated, training, nb_draws=nb_draws, seed=seed
    )
    pools = {"generated": generated, "reference": real, "baseline": training}
    if training is None:
        pools["baseline"] = real
    intervals = ProfileIntervals(pools, nb_draws) if nb_resamples else None
    found: dict[str, dict[int, list]] = {}
    unknown: dict[str, int] = {}
    tests: dict = {"pairing": None, "c2st": None}
    warnings = []
    for number, draw in enumerate(draws):
        parts = _taken(sets, draw)
        labels = {kind: getattr(draw, kind).labels for kind in parts}
        profiles = dict(
            zip(parts, oriented_profiles([*parts.values()], [*labels.values()]))
        )
        for name in sets["real"].values:
            own = {kind: each[name] for kind, each in profiles.items()}
            known = {kind: np.isfinite(each).all(axis=1) for kind, each in own.items()}
            lacking = sum(int((~each).sum()) for each in known.values())
            unknown[name] = unknown.get(name, 0) + lacking
            by_bundle = found.setdefault(name, {})
            for label in names:
                chosen = {kind: known[kind] & (labels[kind] == label) for kind in own}
                one = {kind: own[kind][rows] for kind, rows in chosen.items()}
                estimates = _estimates(one)
                by_bundle.setdefault(label, []).append(_measured(one, estimates))
                if intervals:
                    rows = {k: getattr(draw, k).rows[chosen[k]] for k in chosen}
                    intervals.add(label, name, estimates, rows)
        if number == 0:
            tests, warnings = _tests(parts, labels, c2st=c2st, seed=seed)
    warnings += [
        f"{format_count(number, 'streamline')} of the samples with a point without "
        f"{name} had no part in the measures of it."
        for name, number in unknown.items()
        if number
    ]
    values = {name: _entry(each, names) for name, each in found.items()}
    if intervals:
        intervals.add_to(values, names, nb_resamples, seed)
    report = {"nb_nodes": NB_NODES, "values": values, **tests}
    return {**report, "verdict": _verdict(report)}, warnings


def _taken(sets: Mapping[str, ValuedSet], draw: MatchedSamples) -> dict[str, ValuedSet]:
    others = sets.get("training", sets["real"])
    return {
        "reference": sets["real"].take(draw.reference.given),
        "generated": sets["generated"].take(draw.generated.given),
        "baseline": others.take(draw.baseline.given),
    }


def _estimates(profiles: Mapping[str, np.ndarray]) -> dict[str, dict]:
    """Return the measures of one bundle, by side, with influences."""
    reference = profiles["reference"]
    return {
        side: profile_estimates(profiles[kind], reference)
        for kind, side in SIDES.items()
    }


def _measured(profiles: Mapping[str, np.ndarray], estimates: Mapping) -> dict:
    """Return the measures of one bundle, by side, and the mean profiles."""
    reference = profiles["reference"]
    measured: dict = {
        side: {name: one and one.value for name, one in each.items()}
        for side, each in estimates.items()
    }
    means = {"generated": profiles["generated"], "held_out": reference}
    measured["mean"] = {
        kind: each.mean(axis=0) if len(each) else None for kind, each in means.items()
    }
    return measured


def _entry(by_bundle: Mapping[int, Sequence[dict]], names: Mapping[int, str]) -> dict:
    """Return the averages over the draws, by bundle, and over the bundles."""
    bundles = {}
    for label, draws in by_bundle.items():
        bundles[names[label]] = {
            **{
                side: _average([each[side] for each in draws])
                for side in SIDES.values()
            },
            "mean": {
                kind: _mean([each["mean"][kind] for each in draws])
                for kind in ("generated", "held_out")
            },
        }
    overall = {
        side: _average([each[side] for each in bundles.values()])
        for side in SIDES.values()
    }
    return {"overall": overall, "bundles": bundles}


def add_to_entries(
    entries: Mapping, profiles: Mapping, names: Mapping[int, str]
) -> None:
    """Add the measures of profiles, and their intervals, to entries by label."""
    tests = {"c2st_profile": profiles["c2st"], "pairing_auc": profiles["pairing"]}
    for label, entry in entries.items():
        for side in SIDES.values():
            intervals = entry["intervals"].get(side, {})
            for value, found in profiles["values"].items():
                is_all = label is OVERALL
                own = found["overall"] if is_all else found["bundles"][names[label]]
                for name, measure in profile_measures(value).items():
                    entry[side][measure] = own[side][name]
                    if entry["intervals"]:
                        intervals[measure] = own["intervals"][side][name]
            for measure, test in tests.items():
                told = test[side] if test and label is OVERALL else None
                entry[side][measure] = told and told["value"]
                if told and entry["intervals"]:
                    intervals[measure] = told["interval"]


def _average(measured: Sequence[Mapping]) -> dict[str, float | None]:
    return {name: _mean([each[name] for each in measured]) for name in PROFILE_MEASURES}


def _mean(values: Sequence) -> float | list[float] | None:
    known = [each for each in values if each is not None]
    return np.mean(known, axis=0).tolist() if known else None


def _tests(
    parts: Mapping[str, ValuedSet],
    labels: Mapping[str, np.ndarray],
    *,
    c2st: bool,
    seed: int,
) -> tuple[dict, list[str]]:
    """Return ``pairing`` and ``c2st`` of the streamlines of one draw, and warnings."""
    order = np.random.default_rng(seed)
    some = {
        kind: np.sort(order.permutation(len(own))[:_MOST])
        for kind, own in labels.items()
    }
    features = dict(
        zip(
            parts,
            comparable_features(
                [each.take(some[kind]) for kind, each in parts.items()],
                [own[some[kind]] for kind, own in labels.items()],
            ),
        )
    )
    if min(len(each.labels) for each in features.values()) < FEWEST:
        return {"pairing": None, "c2st": None}, [
            f"Fewer than {FEWEST} streamlines with values can be compared, so nothing "
            "tells whether their profiles belong to their shapes."
        ]
    pairing = Pairing(features["reference"], seed=seed)
    pairs = {
        side: pairing.area_under_curve(features[kind], seed=seed)
        for kind, side in SIDES.items()
    }
    tests = None
    if c2st:
        tests = {
            side: tell_profiles(features[kind], features["reference"], seed=seed)
            for kind, side in SIDES.items()
        }
    return {"pairing": pairs, "c2st": tests}, []


def _verdict(report: Mapping) -> list[str]:
    """Return sentences on the profiles, each beside real streamlines."""
    said = []
    for name, entry in report["values"].items():
        sides = entry["overall"]
        texts = [
            f"{text} {_number(sides['generated'][measure])} "
            f"({_number(sides['real'][measure])})"
            for measure, text in (
                ("mean_difference", "mean profile off by"),
                ("w1", "Wasserstein-1 by node"),
                ("covariance", "covariance along the bundle off by"),
            )
        ]
        said.append(f"{name}: {', '.join(texts)}.")
    if report["pairing"]:
        sides = report["pairing"]
        said.append(
            "Pairs of shape and profile are told from exchanged ones with an AUC of "
            f"{_number(sides['generated']['value'])} "
            f"({_number(sides['real']['value'])}); 0.5 if they were independent."
        )
    if report["c2st"]:
        sides = report["c2st"]
        said.append(
            "Classifiers tell profiles with an AUC of "
            f"{_number(sides['generated']['value'])} "
            f"({_number(sides['real']['value'])})."
        )
    return said


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
