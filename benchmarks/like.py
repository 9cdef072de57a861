"""Generate for subjects that a training has not seen, from few of their streamlines.

    python benchmarks/like.py --out benchmarks/results

A CVAE learns a simulated cohort in which subjects differ beside age and diagnosis: in
the lengths and widths of their bundles, and in the places of each. Bundles of subjects
that were left out are cut to a few streamlines. What is generated from these is
compared with the whole bundle, beside generation for the age and the diagnosis alone,
the few streamlines drawn again and again, a density of their latents alone
(--seed_streamlines), and other streamlines of the same subject, which are the ceiling.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.bundle_similarity import (
    Grid,
    volume_overlap,
    voxel_incidence,
)
from dipy_tractogen.metrics.distances import mdf
from dipy_tractogen.metrics.prdc import prdc_estimates
from dipy_tractogen.nn import CVAE, load_model
from dipy_tractogen.sampling.subject import prior
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.simulation.cohort import (
    CohortLaws,
    simulate_cohort,
    simulate_participants,
)

LAWS = CohortLaws(subject_noise=0.03, subject_fan=0.1, subject_shift=2.0)
_NB_BUNDLES = 7
_NB_WHOLE = 500
_NB_POINTS = 20
_CUTS = {"5": 5, "2 %": 10, "10 %": 50, "all": _NB_WHOLE}
# What is tried as the variance between subjects, over that within a bundle, where a
# training does not know subjects; all of them for one of the cuts.
_ASSUMED, _OTHERS, _CUT = 1 / 10, (1 / 40, 1 / 20, 1 / 5, 1 / 2.5), "2 %"
_GRID = Grid.of_size(2.0)
_SEED_OF_OTHERS = 7


def cohort(nb_subjects: int, each: int, seed: int) -> list[tuple]:
    """Simulate subjects."""
    people = simulate_participants(nb_subjects, seed=seed)
    return list(simulate_cohort(people, LAWS, nb_streamlines=each, seed=seed))


def conditions_of(person) -> dict:
    """Return the age and the diagnosis of a subject."""
    return {"age": person.age, "diagnosis": person.diagnosis}


def train(options, seed: int, nb_points: int = 256):
    """Train on all subjects of a cohort."""
    parts = cohort(options.subjects, options.each, seed)
    numbers = [len(bundles) for _, bundles in parts]
    values = {
        name: np.repeat([conditions_of(one)[name] for one, _ in parts], numbers)
        for name in ("age", "diagnosis")
    }
    model = CVAE(latent_dim=16, sigma_mm=0.4, nb_points=nb_points, seed=seed)
    model.fit(
        np.concatenate([bundles.resample(nb_points) for _, bundles in parts]),
        np.concatenate([bundles.labels for _, bundles in parts]),
        parts[0][1].bundle_names,
        values=values,
        units={"age": "years"},
        subjects=np.repeat([one.participant_id for one, _ in parts], numbers),
        epochs=options.epochs,
    )
    return model


def compare(points, labels, whole) -> dict[str, float]:
    """Compare streamlines with the whole bundles of a subject; means over bundles."""
    found = []
    for bundle in range(_NB_BUNDLES):
        ours = points[labels == bundle]
        theirs = whole.streamlines[whole.labels == bundle]
        sets = [resample(each, _NB_POINTS) for each in (ours, theirs)]
        measures = prdc_estimates(*sets)
        fine = [resample(each, 64) for each in (ours, theirs)]
        measures["dice"] = volume_overlap(*voxel_incidence(fine, _GRID))["dice"]
        values = {name: each.value for name, each in measures.items()}
        means = [each.mean(axis=0, keepdims=True) for each in sets]
        found.append({**values, "offset_mm": float(mdf(*means)[0, 0])})
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def cut(bundles, number: int, seed):
    """Return so many streamlines of each bundle."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.permutation(np.flatnonzero(bundles.labels == bundle))[:number]
        for bundle in range(_NB_BUNDLES)
    ]
    return bundles.select(np.sort(np.concatenate(rows)))


def repeated(few, seed):
    """Return rows of a few streamlines, drawn again up to the whole number."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(few.labels == bundle), _NB_WHOLE)
            for bundle in range(_NB_BUNDLES)
        ]
    )


def for_one_subject(model, person, bundles, seed: int) -> dict[str, dict]:
    """Measure all ways of generation for a subject, by cut and way."""
    first = np.arange(len(bundles)) % (2 * _NB_WHOLE) < _NB_WHOLE
    whole, other = bundles.select(first), bundles.select(~first)
    given, known = conditions_of(person), model.record.density.subjects

    def generated(**options):
        made = model.generate(
            _NB_BUNDLES * _NB_WHOLE,
            balanced=True,
            conditions=given,
            seed=seed,
            **options,
        )
        return compare(*made, whole)

    found = {
        "none": {
            "real": compare(other.streamlines, other.labels, whole),
            "plain": generated(),
        }
    }
    for name, number in _CUTS.items():
        few = cut(other, number, (seed, number))
        own = found[name] = {}
        values = {n: np.repeat(each, len(few)) for n, each in given.items()}
        if number < _NB_WHOLE:
            rows = repeated(few, (seed, number))
            again = few.streamlines[rows], few.labels[rows]
            own["repeated"] = compare(*again, whole)
        own["seeds"] = generated(seeds=model.seeds_of(few, values))
        own["like"] = generated(like=model.subject_of(few, values))
        model.record.density.subjects = None
        for share in (*(_OTHERS if name == _CUT else ()), _ASSUMED):
            prior.BETWEEN_SHARE = share
            effect = model.subject_of(few, values)
            own[f"assumed {share:g}"] = generated(like=effect)
        model.record.density.subjects = known
    return found


def summary(runs: list[dict]) -> dict[str, dict]:
    """Return mean and standard deviation of each measure over subjects."""
    return {
        measure: {
            "mean": float(np.mean([one[measure] for one in runs])),
            "deviation": float(np.std([one[measure] for one in runs])),
        }
        for measure in runs[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=35)
    parser.add_argument("--left_out", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="where the model is, or goes")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    logging.getLogger("dipy_tractogen").setLevel(logging.ERROR)
    if options.model and options.model.exists():
        model = load_model(options.model)
    else:
        model = train(options, options.seed)
        if options.model:
            model.save(options.model)
    others = cohort(options.left_out, 2 * _NB_WHOLE, _SEED_OF_OTHERS)
    runs = [for_one_subject(model, *each, seed) for seed, each in enumerate(others)]
    like = {
        name: {way: summary([one[name][way] for one in runs]) for way in ways}
        for name, ways in runs[0].items()
    }
    result = {
        "options": {name: str(value) for name, value in vars(options).items()},
        "last": model.record.history[-1],
        "like": like,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "like.json"
    path.write_text(json.dumps(result, indent=1))
    for name, ways in like.items():
        for way, each in ways.items():
            values = "  ".join(f"{n} {v['mean']:.3f}" for n, v in each.items())
            print(f"{name:5s} {way:14s} {values}")


if __name__ == "__main__":
    main()
