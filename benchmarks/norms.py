"""Norms of subjects on a simulated cohort: calibration and detection.

    python benchmarks/norms.py arrays
    python benchmarks/norms.py arrays --subjects 20 100 --seeds 5 6 7 8 9 --name fresh
    python benchmarks/norms.py chain

Profiles of FA and MD are drawn as arrays by the laws of ``dipy_simulate_cohort``, with
means over 10 to 300 streamlines, in each bundle of a subject another number. Norms are
learned from controls and held against other controls and patients, beside a plain
reference: at each node, mean and deviation of the residuals from a regression on age
and sex, straight or quadratic in age. Both control the false discovery rate at 5 %: the
reference over all nodes, the norms over the bundles, by all of their nodes together,
within which nodes are tested. A subject is found where anything is.

The chain is that of the commands: bundles of a cohort with FA and MD at their points, a
small model, ``fit_norms`` on controls and ``score_subject`` on others; profiles, shape
and latents count.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import time

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from dipy_tractogen.norms.design import Design
from dipy_tractogen.norms.normative import NormativeModel
from dipy_tractogen.norms.scoring import FALSE_DISCOVERIES
from dipy_tractogen.norms.shape import MEASURES
from dipy_tractogen.streamlines.simulation.cohort import (
    simulate_cohort,
    simulate_participants,
)
from dipy_tractogen.streamlines.simulation.profiles import PROFILE_LAWS

NB_NODES = 100
POSITIONS = np.linspace(0, 1, NB_NODES)
KEYS = [(name, bundle) for name, law in PROFILE_LAWS.items() for bundle in law.base]
LEVELS = (0.5, 0.9, 0.95)


def draw(rng, nb_subjects: int, diagnosis: str) -> tuple[dict, dict, dict]:
    """Draw conditions, profiles and numbers of streamlines of subjects."""
    values = {
        "age": rng.uniform(20, 80, nb_subjects),
        "sex": rng.choice(["F", "M"], nb_subjects),
    }
    counts = {
        bundle: np.exp(rng.uniform(np.log(10), np.log(300), nb_subjects)).astype(int)
        for bundle in PROFILE_LAWS["FA"].base
    }
    profiles = {}
    for name, bundle in KEYS:
        law = PROFILE_LAWS[name]
        expected = law.base_profile(bundle, POSITIONS)
        expected = expected + law.dip_change(bundle, POSITIONS, diagnosis)
        noise = curves(rng, law.noise_covariance(POSITIONS), nb_subjects)
        profiles[name, bundle] = (
            expected
            + law.age_change(values["age"])[:, None]
            + curves(rng, law.subject_covariance(POSITIONS), nb_subjects)
            + noise / np.sqrt(counts[bundle])[:, None]
        )
    return values, profiles, counts


def curves(rng, covariance: np.ndarray, nb_curves: int) -> np.ndarray:
    """Draw normal curves of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return rng.standard_normal((nb_curves, len(root))) @ root.T


def norms(training, others) -> dict[str, np.ndarray]:
    """Return the probabilities of others by norms: of nodes and of bundles."""
    values, profiles, counts = training
    design = Design.of(values)
    known = design.matrix(values, len(values["age"]))
    nodes, together, widths, densities = [], [], [], []
    for name, bundle in KEYS:
        model = NormativeModel().fit(
            known,
            profiles[name, bundle],
            groups=design.groups,
            nb_streamlines=counts[bundle],
            within=PROFILE_LAWS[name].noise_covariance(POSITIONS),
        )
        asked = design.matrix(others[0], len(others[0]["age"]))
        given = others[1][name, bundle], others[2][bundle]
        scores, predicted = model.compare(asked, *given), model.predict(asked, given[1])
        t = (given[0] - predicted.expected) / predicted.deviation
        nodes.append(scores.p)
        together.append(scores.p_together)
        widths.append(relative(name, predicted.deviation))
        densities.append(density(t, predicted.deviation, model.freedom_, name))
    return {
        "nodes": np.stack(nodes, axis=1),
        "together": np.stack(together, axis=1),
        "width": np.mean(widths),
        "density": np.mean(densities),
    }


def plain(training, others, *, degree: int) -> dict[str, np.ndarray]:
    """Return the probabilities of nodes of others, by a regression at each node."""

    def columns(values):
        ages = (values["age"] - 50) / 30
        powers = [ages**power for power in range(1, degree + 1)]
        return np.column_stack([np.ones(len(ages)), values["sex"] == "M", *powers])

    known, asked = columns(training[0]), columns(others[0])
    freedom = len(known) - known.shape[1]
    inverse = np.linalg.inv(known.T @ known)
    leverage = np.einsum("np,pq,nq->n", asked, inverse, asked)
    nodes, widths, densities = [], [], []
    for name, bundle in KEYS:
        own = training[1][name, bundle]
        effects = inverse @ known.T @ own
        deviation = np.sqrt(((own - known @ effects) ** 2).sum(axis=0) / freedom)
        deviation = deviation * np.sqrt(1 + leverage)[:, None]
        t = (others[1][name, bundle] - asked @ effects) / deviation
        nodes.append(2 * stats.t.sf(np.abs(t), freedom))
        widths.append(relative(name, deviation))
        densities.append(density(t, deviation, freedom, name))
    return {
        "nodes": np.stack(nodes, axis=1),
        "width": np.mean(widths),
        "density": np.mean(densities),
    }


def relative(name: str, deviation: np.ndarray) -> float:
    """Return a mean deviation over that between subjects."""
    return float(deviation.mean() / PROFILE_LAWS[name].subject_sd)


def density(t, deviation, freedom, name) -> float:
    """Return the mean log density of nodes, in units of what subjects differ by."""
    unit = PROFILE_LAWS[name].subject_sd
    return float((stats.t.logpdf(t, freedom) - np.log(deviation / unit)).mean())


def measure(found: dict, is_patient: np.ndarray, kind: str, few: np.ndarray) -> dict:
    """Return calibration over controls, and detection of patients."""
    p = found[kind].reshape(len(is_patient), -1)
    adjusted = stats.false_discovery_control(p, axis=1).min(axis=1)
    nodes = found["nodes"][~is_patient]
    return {
        **{
            f"coverage_{100 * level:.0f}": float((nodes > 1 - level).mean())
            for level in LEVELS
        },
        "coverage_90_few_streamlines": float((nodes[few[~is_patient]] > 0.1).mean()),
        "width": float(found["width"]),
        "log_density": float(found["density"]),
        "auc": float(roc_auc_score(is_patient, -adjusted)),
        "found": float((adjusted[is_patient] <= FALSE_DISCOVERIES).mean()),
        "false_alarms": float((adjusted[~is_patient] <= FALSE_DISCOVERIES).mean()),
    }


def run(nb_subjects: int, nb_others: int, seed: int) -> dict:
    """Learn norms from controls, and score others."""
    rng = np.random.default_rng([seed, nb_subjects])
    training = draw(rng, nb_subjects, "control")
    groups = [draw(rng, nb_others, one) for one in ("control", "patient")]
    others = tuple(
        {
            key: np.concatenate([one[part][key] for one in groups])
            for key in groups[0][part]
        }
        for part in range(3)
    )
    is_patient = np.repeat([False, True], nb_others)
    few = np.stack([others[2][bundle] < 20 for _, bundle in KEYS], axis=1)
    start = time.process_time()
    ours = norms(training, others)
    seconds = time.process_time() - start
    straight, curved = (plain(training, others, degree=one) for one in (1, 2))
    return {
        "norms": measure(ours, is_patient, "together", few),
        "plain, straight": measure(straight, is_patient, "nodes", few),
        "plain, quadratic": measure(curved, is_patient, "nodes", few),
        "seconds": round(seconds, 1),
    }


def chain(nb_subjects: int, nb_others: int, seed: int) -> dict:
    """Learn norms from bundles of controls, and score other controls and patients."""
    from dipy_tractogen.nn import VAE
    from dipy_tractogen.nn.subjects.norms import Subject, fit_norms, score_subject

    def subjects(count, seed, only=("control", "patient")):
        people = simulate_participants(2 * count, seed=seed)
        for one, bundles in simulate_cohort(
            people, profiles=PROFILE_LAWS, nb_streamlines=30, nb_points=60, seed=seed
        ):
            if one.diagnosis in only:
                yield one.diagnosis, Subject(bundles, {"age": one.age})

    model = VAE(32, 8, profiles=[*PROFILE_LAWS])
    _, first = next(subjects(1, seed + 1000))
    model.fit(first.bundles, epochs=30)
    controls = (each for _, each in subjects(nb_subjects, seed, ["control"]))
    fit_norms(model, controls, ["age"], values=[*PROFILE_LAWS])
    found = {"control": [], "patient": []}
    held: dict[str, list] = {}
    for diagnosis, each in subjects(nb_others, seed + 500):
        # Ages are within those of the training.
        scores, _ = score_subject(model, each)
        by_kind = {
            kind: min(s.q_together for key, s in scores.items() if key[1] == kind)
            for kind in ("profile", "shape", "latent")
        }
        found[diagnosis].append({"any": min(by_kind.values()), **by_kind})
        for key, one in scores.items():
            if diagnosis == "control" and key[1] != "latent":
                held.setdefault(key[1], []).append(one.p > 0.1)
    is_patient = np.repeat([False, True], [len(each) for each in found.values()])
    q = {
        kind: np.array([one[kind] for each in found.values() for one in each])
        for kind in ("any", "profile", "shape", "latent")
    }
    by_measure = zip(MEASURES, np.mean(held["shape"], axis=0))
    return {
        **{f"coverage_90_{kind}": float(np.mean(each)) for kind, each in held.items()},
        **{f"coverage_90_{name}": float(each) for name, each in by_measure},
        **{
            f"{name}_{kind}": float(value)
            for kind, each in q.items()
            for name, value in (
                ("auc", roc_auc_score(is_patient, -each)),
                ("found", (each[is_patient] <= FALSE_DISCOVERIES).mean()),
                ("false_alarms", (each[~is_patient] <= FALSE_DISCOVERIES).mean()),
            )
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["arrays", "chain"])
    parser.add_argument("--subjects", type=int, nargs="+", default=[20, 40, 100, 200])
    parser.add_argument("--others", type=int, default=200, help="of either group")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--name", help="of the file of results, by default the kind")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"norms_{options.name or options.kind}.json"
    if options.kind == "chain":
        results = {
            str(number): [chain(number, options.others, s) for s in options.seeds]
            for number in options.subjects
        }
        path.write_text(f"{json.dumps(results, indent=1)}\n", encoding="utf-8")
        for number, runs in results.items():
            for key in runs[0]:
                print(number, key, round(float(np.mean([one[key] for one in runs])), 3))
        return
    results = {}
    for nb_subjects in options.subjects:
        runs = [run(nb_subjects, options.others, seed) for seed in options.seeds]
        results[str(nb_subjects)] = {
            name: {
                key: {
                    "mean": round(float(np.mean([one[name][key] for one in runs])), 4),
                    "seeds": [round(one[name][key], 4) for one in runs],
                }
                for key in runs[0][name]
            }
            for name in runs[0]
            if name != "seconds"
        }
        seconds = float(np.mean([one["seconds"] for one in runs]))
        results[str(nb_subjects)]["seconds"] = round(seconds, 1)
        for name, found in results[str(nb_subjects)].items():
            if name != "seconds":
                cells = (f"{key} {each['mean']:.3f}" for key, each in found.items())
                print(f"{nb_subjects:4d} {name:17s}", *cells, sep="  ", flush=True)
    path.write_text(f"{json.dumps(results, indent=1)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
