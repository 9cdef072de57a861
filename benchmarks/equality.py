"""Compare what the same trainings give by the code of a revision and by the checkout.

    python benchmarks/equality.py 2cfde3a
    python benchmarks/equality.py 2cfde3a --save old.npz
    python benchmarks/equality.py --against old.npz --cases vae rvae-conv

Each case makes a tiny model, trains it on a simulated cohort and keeps its weights, the
variables of its optimiser, the history of the training, latents, points, generated
streamlines and the record. Both sides run in processes of their own, with the same
interpreter; what they keep is compared bit by bit. Layers and the order of variables
may have changed: of the weights, and of the optimiser, those of one shape are compared
as a set. Exits with 1 where something differs.
"""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import import_module
import json
import logging
from multiprocessing import get_context
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

from equality_cases import CASES, arrays, trained
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("weights", "optimiser", "history", "latents", "points", "generated", "record")
# Values of the history and of the record that are times or name the software.
_NOT_COMPARED = {"seconds", "seconds_to_first_step", "versions", "seconds_to_read"}


def results(model, given: dict, folder: Path) -> dict[str, np.ndarray]:
    """Return all that is compared of a trained model, by kind and name."""
    import keras

    from dipy_tractogen.nn import load_model

    network = getattr(model, "network", model)
    found = {}
    # Later revisions let go of the optimiser after a training.
    moments = network.optimizer.variables if network.optimizer else ()
    variables = {"weights": network.weights, "optimiser": moments}
    for kind, each in variables.items():
        for number, one in enumerate(each):
            path = one.path.replace("/", ".")
            found[f"{kind}/{number:03d} {path}"] = keras.ops.convert_to_numpy(one)
    rows = model.record.history
    for column in _compared(rows[0]):
        found[f"history/{column}"] = np.array([row[column] for row in rows])

    points, values = given["held_out"], dict(given["held_out_values"])
    values["bundle"] = np.array(given["bundle_names"])[given["held_out_labels"]]
    values["length"] = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(axis=1)
    encoded = model.encode_and_decode(points, values)
    found["points/reconstructed"] = encoded.pop("points")
    found.update({f"latents/{key}": each for key, each in encoded.items()})
    found["latents/backwards"] = model.encode(points[:, ::-1], values)
    found["points/decoded"] = model.decode(encoded["z_mean"] + 0.3, 50, values)
    model.save(folder / "model.keras")
    loaded = load_model(folder / "model.keras")
    found["latents/loaded"] = loaded.encode(points, values)
    if hasattr(model, "predict_attribute"):
        found["latents/attribute"] = np.stack(model.predict_attribute(points))

    asked = {"conditions": {"length": (40, 90)}, "nb_points": 20}
    for key, options in {
        "default": {},
        "asked": {**asked, "return_values": True},
        "smooth": {"smooth": True, "balanced": True},
        "prior": {"sampler": "prior"},
    }.items():
        made = model.generate(25, seed=2, **options)
        found[f"generated/{key}"], found[f"generated/{key} labels"] = made[:2]
        for name, each in (made[2] if len(made) > 2 else {}).items():
            found[f"generated/{key} {name}"] = each

    record = asdict(replace(model.record, density=None, texture=None))
    for key in ("parameters", "data"):
        record[key] = _compared(record[key])
    for key, each in _compared(record).items():
        # What is empty is not in a file, and an older revision may not know it.
        if key != "history" and each not in ([], {}):
            found[f"record/{key}"] = np.array(json.dumps(each, sort_keys=True))
    for part in ("density", "texture"):
        for key, each in getattr(model.record, part).to_arrays().items():
            found[f"record/{part} {key}"] = each
    return {key: np.asarray(each) for key, each in found.items()}


def _compared(entries: dict) -> dict:
    return {key: each for key, each in entries.items() if key not in _NOT_COMPARED}


def run_case(name: str, path: Path) -> None:
    """Run a case by the code that is imported, and keep what it gives in a file."""
    given = arrays()
    with tempfile.TemporaryDirectory() as folder:
        found = results(trained(name, given, Path(folder)), given, Path(folder))
    np.savez_compressed(path, **{f"{name}/{key}": each for key, each in found.items()})


def run_here(names: list[str], path: Path) -> None:
    """Run cases by the code that is imported, and keep what they give in a file.

    Each has a process of its own, forked before TensorFlow has made anything: it counts
    what it makes, and adds up gradients in an order that depends on the numbers.
    """
    import_module("dipy_tractogen.nn")
    logging.getLogger("dipy_tractogen").setLevel(logging.ERROR)
    kept, part = {}, path.with_name(f"part_{path.name}")
    for name in names:
        began = time.perf_counter()
        process = get_context("fork").Process(target=run_case, args=(name, part))
        process.start()
        process.join()
        if process.exitcode:
            raise RuntimeError(f"{name} ended with {process.exitcode}")
        with np.load(part) as stored:
            kept.update(stored)
        print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    part.unlink(missing_ok=True)
    np.savez_compressed(path, **kept)


def run(source: Path, names: list[str], path: Path) -> None:
    """Run cases by the code of a folder, in a process of its own."""
    command = [sys.executable, __file__, "--here", path, "--cases", *names]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    subprocess.run(command, check=True, env=environment, cwd=source)


@contextmanager
def checked_out(revision: str):
    """Return a folder with the files of a revision."""
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", ROOT, "archive", revision]
        archive = subprocess.run(git, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


def by_case(path: Path) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Read what was kept, by case, kind and name."""
    found = {}
    with np.load(path) as stored:
        for key in stored.files:
            case, kind, name = key.split("/", 2)
            found.setdefault(case, {}).setdefault(kind, {})[name] = stored[key]
    return found


def compare(kind: str, one: dict, other: dict) -> dict[str, float]:
    """Return the largest difference of each array that is not the same in both."""
    if kind in ("weights", "optimiser"):
        return compare_sets(one, other)
    differences = {}
    for name in sorted(set(one) | set(other)):
        if name not in one or name not in other:
            differences[f"{name}, in one alone"] = np.inf
        elif not np.array_equal(one[name], other[name], equal_nan=_is_float(one[name])):
            differences[name] = difference(one[name], other[name])
    return differences


def compare_sets(one: dict, other: dict) -> dict[str, float]:
    """Compare arrays whatever their names and order: those of one shape as a set."""
    left = {name: each.tobytes() for name, each in other.items()}
    unmatched = []
    for name, each in one.items():
        same = [
            key
            for key, content in left.items()
            if content == each.tobytes() and other[key].shape == each.shape
        ]
        if same:
            del left[same[0]]
        else:
            unmatched.append(name)
    differences = {}
    for name in unmatched:
        away = {key: difference(one[name], other[key]) for key in left}
        nearest = min(away, key=away.get, default=None)
        differences[name] = away.get(nearest, np.inf)
        left.pop(nearest, None)
    differences.update({f"{name}, in the checkout alone": np.inf for name in left})
    return differences


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference; infinity where shapes or texts differ."""
    if one.shape != other.shape or one.dtype.kind in "US" or other.dtype.kind in "US":
        return np.inf
    return float(np.max(np.abs(one.astype(float) - other.astype(float)), initial=0.0))


def _is_float(array: np.ndarray) -> bool:
    return array.dtype.kind == "f"


def report(old: dict, new: dict, names: list[str]) -> bool:
    """Print a table of the cases, and where they differ; return whether any does."""
    places = []
    print(f"{'case':<18}" + "".join(f"{kind:>11}" for kind in KINDS))
    for name in names:
        cells = []
        for kind in KINDS:
            found = compare(kind, old[name].get(kind, {}), new[name].get(kind, {}))
            cells.append(f"{max(found.values()):.1e}" if found else "equal")
            places += [(name, kind, *one) for one in found.items()]
        print(f"{name:<18}" + "".join(f"{cell:>11}" for cell in cells))
    for name, kind, where, size in places:
        print(f"{name}: {kind} {where} differs by {size:.2g}")
    total = sum(len(each) for name in names for each in old[name].values())
    print(f"{total} arrays of {len(names)} cases, {len(places)} differ")
    return bool(places)


def main() -> int:
    """Compare a revision, or what it gave, and the checkout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", help="the earlier code")
    parser.add_argument("--models", nargs="+", help="classes, such as VAE; all of them")
    parser.add_argument("--cases", nargs="+", help="names of cases; all of them")
    parser.add_argument("--save", type=Path, help="keep what the revision gives, only")
    parser.add_argument("--against", type=Path, help="what was kept, in its place")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        run_here(options.cases, options.here)
        return 0
    if (options.revision is None) == (options.against is None):
        parser.error("give a revision, or a file after --against")
    names = [
        name
        for name, (model, *_) in CASES.items()
        if model in (options.models or [model]) and name in (options.cases or [name])
    ]
    with tempfile.TemporaryDirectory() as folder:
        old = options.against or (options.save or Path(folder, "old.npz")).resolve()
        if options.revision:
            with checked_out(options.revision) as source:
                run(source, names, old)
        if options.save:
            return 0
        run(ROOT, names, Path(folder, "new.npz"))
        differs = report(by_case(old), by_case(Path(folder, "new.npz")), names)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
