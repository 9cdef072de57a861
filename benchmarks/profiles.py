"""Train on a cohort with FA and MD, generate at other ages, recover their laws.

    for seed in 0 1 2 3 4; do python benchmarks/profiles.py --seed $seed; done

As of benchmarks/cohort.py, no subject of the training is between 45 and 55 years old,
and no age that is asked for is one of the training. What the training streamlines show
stands beside the laws: subjects deviate from them. Profiles are also compared with
those of other subjects, beside those of training. One JSON file holds all seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import product
import json
from pathlib import Path
import resource

import numpy as np
from scipy.optimize import curve_fit

from dipy_tractogen.metrics.c2st.sample import area
from dipy_tractogen.metrics.c2st.two_sample import make_classifiers
from dipy_tractogen.metrics.profiles import streamline_profiles
from dipy_tractogen.metrics.profiles.pairing import exchanged_rows
from dipy_tractogen.metrics.profiles.report import compare_profiles
from dipy_tractogen.metrics.profiles.sets import comparable_features, valued_sets
from dipy_tractogen.metrics.samples import prepare
from dipy_tractogen.nn import CVAE
from dipy_tractogen.nn.archive.load import load_model
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.simulation.cohort import (
    DIAGNOSES,
    simulate_cohort,
    simulate_participants,
)
from dipy_tractogen.streamlines.simulation.profiles import (
    AGE_UNIT,
    PROFILE_LAWS,
    laws_as_dict,
)
from dipy_tractogen.streamlines.spectrum import NB_POINTS, against_bundle

_VALUES = tuple(PROFILE_LAWS)
_ASKED = np.arange(22.55, 78, 5)
_LEFT_OUT = (45.0, 55.0)
# Streamlines for each age and diagnosis.
_NB_GENERATED = 1400
_NODES = np.linspace(0, 1, 100)
# Ages are counted from here, in units of 30 years, to be of the size of 1.
_MIDDLE = 50.0


def cohort(subjects: int, each: int, seed: int) -> BundleSet:
    """Simulate subjects without those of the ages that are left out."""
    people = [
        one
        for one in simulate_participants(subjects, seed=seed)
        if not _LEFT_OUT[0] <= one.age <= _LEFT_OUT[1]
    ]
    parts = []
    for one, bundles in simulate_cohort(
        people, profiles=PROFILE_LAWS, nb_streamlines=each, seed=seed
    ):
        known = {"age": one.age, "diagnosis": one.diagnosis}
        bundles.values = {n: np.full(len(bundles), each) for n, each in known.items()}
        bundles.units = {"age": "years"}
        parts.append(bundles)
    return BundleSet.merge(parts)


def recover(bundles: BundleSet) -> dict[str, dict[str, float]]:
    """Estimate the laws of each value from streamlines, by least squares.

    `bundles` have the age and the diagnosis of each streamline. Mean profiles of one
    bundle, age and diagnosis are a profile of the bundle, a quadratic of age, and a
    change of patients in each bundle; to that of the bundle that has the dip a Gaussian
    is fitted. The law of the core is of the distance from the mean streamline of a
    subject. Generated streamlines have none, so that for both the distance is that from
    the mean of all of an age and a diagnosis, on which less of a value depends.
    """
    points = resample(bundles, NB_POINTS)
    backwards = against_bundle(points, bundles.labels)
    is_patient = bundles.values["diagnosis"] == "patient"
    keys, group = np.unique(
        np.column_stack([bundles.labels, bundles.values["age"], is_patient]),
        axis=0,
        return_inverse=True,
    )
    group = group.reshape(-1)
    years = (bundles.values["age"] - _MIDDLE) / AGE_UNIT
    design = np.column_stack([np.ones(len(years)), years, years**2, is_patient])
    near = _nearness(points, backwards, bundles.labels, design)
    found = {}
    for name in _VALUES:
        profiles = streamline_profiles(bundles, bundles.data_per_point[name])
        profiles = np.where(backwards[:, None], profiles[:, ::-1], profiles)
        found[name] = _recovered(_means(profiles, group), keys, bundles.bundle_names)
        level = profiles.mean(axis=1, keepdims=True)
        level = _unexplained(level, bundles.labels, design)[:, 0]
        found[name]["core_effect"] = float(near @ level / (near @ near))
    return found


def _recovered(means: np.ndarray, keys: np.ndarray, names: Iterable[str]) -> dict:
    """Fit the mean profiles (g, 100) of groups with `keys` bundle, age and patient."""
    labels, age, patient = keys[:, 0].astype(int), keys[:, 1], keys[:, 2] == 1
    dips = list(names).index(PROFILE_LAWS["FA"].dip_bundle)
    years = (age - _MIDDLE) / AGE_UNIT
    nb_bundles = labels.max() + 1
    of_bundle = np.eye(nb_bundles)[labels]
    quadratic = np.column_stack([years, years**2])
    design = np.hstack([of_bundle, of_bundle * patient[:, None], quadratic])
    fitted = np.linalg.lstsq(design, means, rcond=None)[0]
    slope, bend = fitted[-2:].mean(axis=1)
    changes = fitted[nb_bundles : 2 * nb_bundles]
    law = PROFILE_LAWS["FA"]
    start = changes[dips].min() if changes[dips].mean() < 0 else changes[dips].max()
    first = start, law.dip_place, law.dip_width
    (dip, place, width), _ = curve_fit(_gaussian, _NODES, changes[dips], first)
    others = np.delete(changes, dips, axis=0)
    return {
        "age_effect": float(bend),
        "peak_age": float(_MIDDLE - AGE_UNIT * slope / (2 * bend)),
        "dip": float(dip),
        "dip_node": float(place * (len(_NODES) - 1)),
        "dip_width": float(abs(width)),
        "largest_change_elsewhere": float(np.abs(others).max()),
    }


def _gaussian(at, size, place, width):
    return size * np.exp(-(((at - place) / width) ** 2) / 2)


def _nearness(points, backwards, labels, design) -> np.ndarray:
    """Return 1 - q of the law (n,), about the mean that the design (n, d) explains."""
    points = np.where(backwards[:, None, None], points[:, ::-1], points)
    flat = points.reshape(len(points), -1).astype(float)
    squares = (_unexplained(flat, labels, design) ** 2).sum(axis=1)
    return 1 - squares / _means(squares[:, None], labels)[labels, 0]


def _unexplained(values: np.ndarray, labels: np.ndarray, design: np.ndarray):
    """Return values (n, f) less their regression on the design in each bundle."""
    rest = np.array(values, dtype=float)
    for label in np.unique(labels):
        own = labels == label
        fitted = np.linalg.lstsq(design[own], rest[own], rcond=None)[0]
        rest[own] -= design[own] @ fitted
    return rest


def _means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    sums = np.zeros((group.max() + 1, values.shape[1]))
    np.add.at(sums, group, values)
    return sums / np.bincount(group)[:, None]


def compare(generated: BundleSet, held_out: BundleSet, training: BundleSet, seed: int):
    """Compare the profiles of generated streamlines with those of other subjects."""
    given = {"generated": generated, "real": held_out, "training": training}
    sets = {
        name: prepare(each, each.labels, nb_points=2) for name, each in given.items()
    }
    report, _ = compare_profiles(
        valued_sets(given, _VALUES),
        *sets.values(),
        dict(enumerate(training.bundle_names)),
        nb_draws=1,
        c2st=True,
        seed=seed,
    )
    # The mean profiles of every bundle are many numbers.
    values = {name: each["overall"] for name, each in report["values"].items()}
    return {"values": values, **{name: report[name] for name in ("pairing", "c2st")}}


def tell_pairs(training: BundleSet, held_out: BundleSet, seed: int) -> dict[str, float]:
    """Return the AUC of classifiers that tell real pairs from exchanged ones.

    They get shape and profile, and learn from other subjects.
    """
    rng = np.random.default_rng(seed)
    sets = valued_sets({"real": held_out, "training": training}, _VALUES)
    labels = [held_out.labels, training.labels]
    parts = []
    for one in comparable_features([*sets.values()], labels):
        exchanged = one.profile[exchanged_rows(one.labels, rng)]
        own = np.hstack([one.shape, one.profile])
        other = np.hstack([one.shape, exchanged])
        is_own = np.arange(2 * len(own)) < len(own)
        parts.append((np.concatenate([own, other]), is_own))
    (test, is_own), (train, truth) = parts
    return {
        name: area(one.fit(train, truth).predict_proba(test)[:, 1], is_own)[0]
        for name, one in make_classifiers(seed).items()
    }


def train(training: BundleSet, held_out: BundleSet, options):
    """Train a model of shapes and values, or load the one that was trained before."""
    path = options.models and options.models / f"seed_{options.seed}.keras"
    if path and path.exists():
        return load_model(path)
    model = CVAE(
        latent_dim=options.latent_dim,
        sigma_mm=0.4,
        profiles=_VALUES,
        backbone=options.backbone,
        seed=options.seed,
    )
    model.fit(
        training,
        held_out=held_out.streamlines,
        held_out_labels=held_out.labels,
        held_out_values=held_out.values,
        held_out_data_per_point=held_out.data_per_point,
        epochs=options.epochs,
        batch_size=options.batch_size,
    )
    if path:
        model.save(path)
    return model


def generate(model, number: int, like: BundleSet, seed: int, **options) -> BundleSet:
    """Generate streamlines, with their conditions as values."""
    returned = {"return_values": True, "return_data_per_point": True}
    made = model.generate(number, seed=seed, **returned, **options)
    points, labels, values, data = made
    kept = {"age": values["age"]}
    for one in model.record.density.conditions.categorical:
        if one.name == "diagnosis":
            kept["diagnosis"] = np.array(one.categories)[values["diagnosis"]]
    return BundleSet(
        points,
        labels,
        like.bundle_names,
        like.reference,
        values=kept,
        units=like.units,
        data_per_point=data,
    )


def run(options) -> dict:
    """Train, generate and recover the laws."""
    training = cohort(options.subjects, options.each, options.seed)
    held_out = cohort(options.subjects // 2, options.each, options.seed + 1000)
    shown = recover(training)
    model = train(training, held_out, options)
    asked = [*product(_ASKED.tolist(), DIAGNOSES)]
    # One seed for all would give them the same noise, which no mean lessens.
    seeds = np.random.SeedSequence(options.seed).generate_state(len(asked))
    asked = [
        generate(
            model,
            _NB_GENERATED,
            training,
            int(seed),
            conditions={"age": age, "diagnosis": diagnosis},
            balanced=True,
        )
        for seed, (age, diagnosis) in zip(seeds, asked)
    ]
    found = recover(BundleSet.merge(asked))
    like_training = generate(model, len(training), training, options.seed)
    ages = np.unique(training.values["age"])
    return {
        "laws": laws_as_dict(PROFILE_LAWS),
        "nb_training": len(training),
        "nb_subjects": len(ages),
        "asked_ages": _ASKED.tolist(),
        "distance_to_training_age": [float(np.abs(ages - age).min()) for age in _ASKED],
        "last": model.record.history[-1],
        "held_out_mm": model.record.held_out_mm,
        "held_out_values": model.record.held_out_profiles,
        "recovered": {
            name: _beside_law(name, shown[name], found[name]) for name in _VALUES
        },
        "compared": compare(like_training, held_out, training, options.seed),
        "pairs_by_classifiers": tell_pairs(training, held_out, options.seed),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _beside_law(value: str, shown: dict, found: dict) -> dict:
    law = PROFILE_LAWS[value]
    stated = {name: getattr(law, name, 0.0) for name in found}
    # The core is of another distance; see `recover`.
    stated |= {"dip_node": law.dip_place * (len(_NODES) - 1), "core_effect": None}
    entries = {}
    for name, law_of in stated.items():
        entries[name] = {
            "training": shown[name],
            "generated": found[name],
            "over_training": found[name] / shown[name],
        }
        if law_of is not None:
            entries[name] |= {"law": law_of, "difference": found[name] - law_of}
        if law_of:
            entries[name]["over_law"] = found[name] / law_of
            entries[name]["training_over_law"] = shown[name] / law_of
    return entries


def summarise(runs: list[dict]) -> dict:
    """Return mean and standard deviation of all numbers over the seeds."""
    first = runs[0]
    if isinstance(first, dict):
        return {name: summarise([one[name] for one in runs]) for name in first}
    if isinstance(first, list):
        return [summarise(list(each)) for each in zip(*runs)]
    return {"mean": float(np.mean(runs)), "spread": float(np.std(runs, ddof=1))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=480)
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=70)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--latent_dim", type=int, default=24)
    parser.add_argument("--backbone", default="spectral")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, help="folder that keeps the models")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    for folder in filter(None, (options.out, options.models)):
        folder.mkdir(parents=True, exist_ok=True)
    path = options.out / "profiles.json"
    seeds = json.loads(path.read_text())["seeds"] if path.exists() else {}
    seeds[str(options.seed)] = found = run(options)
    result = {"seeds": seeds}
    if len(seeds) > 1:
        kept = ("recovered", "compared", "pairs_by_classifiers")
        result["over_seeds"] = summarise(
            [{name: each[name] for name in kept} for each in seeds.values()]
        )
    path.write_text(json.dumps(result, indent=1))
    print(json.dumps({**found, "laws": None}, indent=1))


if __name__ == "__main__":
    main()
