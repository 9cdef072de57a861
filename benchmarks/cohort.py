"""Train on a cohort whose laws are known, generate at other ages, recover the laws.

    for seed in 0 1 2 3 4; do python benchmarks/cohort.py --seed $seed; done

No subject of the training is between 45 and 55 years old, and no age that is asked for
is one of the training. The laws that the training streamlines themselves show are given
beside those of the generated ones. One JSON file holds the seeds that were run, each
with subjects, model and draws of its own, and the mean and the spread over them.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
import json
from pathlib import Path

import numpy as np

from dipy_tractogen.nn import CVAE
from dipy_tractogen.streamlines.geometry import lengths
from dipy_tractogen.streamlines.simulation.cohort import (
    DIAGNOSES,
    CohortLaws,
    simulate_cohort,
    simulate_participants,
)
from dipy_tractogen.viz.grid import GridRow, plot_grid

_YOUNGEST = 20.0
_ASKED = np.arange(22.55, 78, 5)
_LEFT_OUT = (45.0, 55.0)
_NB_POINTS = 256
# Streamlines for each age and diagnosis. The place of the middle of a streamline varies
# by some millimetres, so that the shift of fewer is known to several per cent only.
_NB_GENERATED = 2800


def cohort(laws: CohortLaws, options) -> dict[str, np.ndarray]:
    """Simulate the subjects; give points, labels and values of all streamlines."""
    people = [
        one
        for one in simulate_participants(options.subjects, seed=options.seed)
        if not _LEFT_OUT[0] <= one.age <= _LEFT_OUT[1]
    ]
    parts = list(
        simulate_cohort(people, laws, nb_streamlines=options.each, seed=options.seed)
    )
    numbers = [len(bundles) for _, bundles in parts]
    return {
        "points": np.concatenate([each.resample(_NB_POINTS) for _, each in parts]),
        "labels": np.concatenate([each.labels for _, each in parts]),
        "age": np.repeat([one.age for one, _ in parts], numbers),
        "diagnosis": np.repeat([one.diagnosis for one, _ in parts], numbers),
        "subject": np.repeat(np.arange(len(parts)), numbers),
        "names": parts[0][1].bundle_names,
    }


def recover(points, labels, years, is_patient) -> dict[str, float]:
    """Estimate the laws from streamlines, by least squares on bundle means.

    Lengths and widths are those of groups of streamlines of one bundle, age and
    diagnosis, over the mean of that bundle; as the laws have it, they are products of a
    factor of age and one of diagnosis.
    """
    keys, group = np.unique(
        np.column_stack([labels, years, is_patient]), axis=0, return_inverse=True
    )
    group = group.reshape(-1)
    counts = np.bincount(group)
    size = np.bincount(group, lengths(points)) / counts
    middle, width = _middles(points, group, counts)
    bundle, age, patient = keys.T
    result = {}
    for name, values in (("length", size), ("width", width)):
        relative = values / _bundle_means(values, bundle)
        slope, effect = _factors(relative, age, patient)
        result[f"{name}_per_year"], result[f"{name}_of_patients"] = slope, effect
    design = np.column_stack([np.eye(7)[bundle.astype(int)], age, patient])
    *_, slope, effect = np.linalg.lstsq(design, middle[:, 1], rcond=None)[0]
    return {**result, "shift_per_year": slope, "shift_of_patients": effect}


def _middles(points, group, counts) -> tuple[np.ndarray, np.ndarray]:
    """Mean place of the middle point of each group, and spread across the bundle.

    Bundles fan out in the plane of the phantom; their thickness does not change.
    """
    at = points.shape[1] // 2
    middle = points[:, at].astype(float)
    along = (points[:, at + 8] - points[:, at - 8]).astype(float)
    along = np.stack([np.bincount(group, axis) for axis in along.T], 1)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    centre = np.stack([np.bincount(group, axis) / counts for axis in middle.T], 1)
    away = middle - centre[group]
    away -= (away * along[group]).sum(axis=1, keepdims=True) * along[group]
    away[:, 2] = 0
    return centre, np.sqrt(np.bincount(group, (away**2).sum(axis=1)) / counts)


def _bundle_means(values, bundle):
    return np.array([values[bundle == one].mean() for one in bundle])


def _factors(relative, age, patient) -> tuple[float, float]:
    """Fit c (1 + s a) (1 + e d) by alternating least squares."""
    effect = 0.0
    for _ in range(50):
        line = relative / (1 + effect * patient)
        slope, start = np.polyfit(age, line, 1)
        rest = relative / (start + slope * age)
        effect = rest[patient == 1].mean() / rest[patient == 0].mean() - 1
    return float(slope / start), float(effect)


def train(data, training, held_out, options):
    """Train the model."""
    values = {"age": data["age"], "diagnosis": data["diagnosis"]}
    model = CVAE(
        latent_dim=options.latent_dim,
        sigma_mm=0.4,
        backbone=options.backbone,
        seed=options.seed,
    )
    model.fit(
        data["points"][training],
        data["labels"][training],
        data["names"],
        values={name: each[training] for name, each in values.items()},
        units={"age": "years"},
        held_out=data["points"][held_out],
        held_out_labels=data["labels"][held_out],
        held_out_values={name: each[held_out] for name, each in values.items()},
        epochs=options.epochs,
    )
    return model


def generated_laws(model, seed: int) -> dict[str, float]:
    """Estimate the laws from streamlines generated for each age and diagnosis."""
    parts = {"points": [], "labels": [], "years": [], "is_patient": []}
    for age in _ASKED:
        for diagnosis in DIAGNOSES:
            points, labels = model.generate(
                _NB_GENERATED,
                conditions={"age": float(age), "diagnosis": diagnosis},
                balanced=True,
                seed=seed,
            )
            parts["points"].append(points)
            parts["labels"].append(labels)
            parts["years"].append(np.full(len(points), age - _YOUNGEST))
            parts["is_patient"].append(np.full(len(points), diagnosis == "patient"))
    return recover(**{name: np.concatenate(each) for name, each in parts.items()})


def run(options) -> dict:
    """Train, generate and recover the laws."""
    laws = CohortLaws()
    data = cohort(laws, options)
    held_out = data["subject"] % 10 == 0
    training = ~held_out
    model = train(data, training, held_out, options)
    generated = generated_laws(model, options.seed)
    shown = recover(
        data["points"][training],
        data["labels"][training],
        data["age"][training] - _YOUNGEST,
        data["diagnosis"][training] == "patient",
    )
    stated = {
        "length_per_year": -laws.length_per_year,
        "length_of_patients": -laws.patient_length,
        "width_per_year": laws.fan_per_year,
        "width_of_patients": laws.patient_fan,
        "shift_per_year": laws.shift_per_year,
        "shift_of_patients": laws.patient_shift,
    }
    if options.picture:
        draw(model, data, options.picture, options.seed)
    return {
        "laws": asdict(laws),
        "nb_training": int(training.sum()),
        "asked_ages": _ASKED.tolist(),
        "distance_to_training_age": [
            float(np.abs(data["age"][training] - age).min()) for age in _ASKED
        ],
        "last": model.record.history[-1],
        "held_out_mm": model.record.held_out_mm,
        "recovered": {
            name: {
                "law": law,
                "training": shown[name],
                "generated": generated[name],
                "over_law": generated[name] / law,
                "over_training": generated[name] / shown[name],
            }
            for name, law in stated.items()
        },
    }


def summarise(seeds: dict) -> dict:
    """Return mean and spread, the standard deviation, of what the seeds recovered."""
    runs = [each["recovered"] for each in seeds.values()]
    return {
        name: {
            kind: {
                "mean": float(np.mean([one[name][kind] for one in runs])),
                "spread": float(np.std([one[name][kind] for one in runs], ddof=1)),
            }
            for kind in kinds
        }
        for name, kinds in runs[0].items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=450)
    parser.add_argument("--latent_dim", type=int, default=16)
    parser.add_argument("--backbone", default="spectral")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"cohort_{options.backbone}.json"
    seeds = json.loads(path.read_text())["seeds"] if path.exists() else {}
    seeds[str(options.seed)] = found = run(options)
    result = {"seeds": seeds}
    if len(seeds) > 1:
        result["over_seeds"] = summarise(seeds)
    path.write_text(json.dumps(result, indent=1))
    print(json.dumps(found, indent=1))


def draw(model, data, path: Path, seed: int) -> None:
    """Draw a grid: rows bundle and diagnosis, columns ages."""
    ages = (25.5, 50.0, 75.5)
    rows = []
    for label in (0, 3):
        for diagnosis in DIAGNOSES:
            cells = [
                model.generate(
                    60,
                    data["names"][label],
                    conditions={"age": age, "diagnosis": diagnosis},
                    seed=seed,
                )[0]
                for age in ages
            ]
            texts = [f"{lengths(each).mean():.1f} mm long" for each in cells]
            own = (data["labels"] == label) & (data["diagnosis"] == diagnosis)
            bundle = data["names"][label]
            name = f"{bundle}, {diagnosis}"
            rows.append(GridRow(name, cells, texts, data["points"][own], bundle))
    titles = [f"{age:g} years" for age in ages]
    plot_grid(rows, path, column_titles=titles, force=True)


if __name__ == "__main__":
    main()
