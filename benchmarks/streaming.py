"""Generate and write a whole tractogram: speed, memory, and where the time goes.

    python benchmarks/streaming.py MODEL_FILE

Every run is in a process of its own. Generation is that of the package, its batches in
threads, to a TRX that is on the disk when the clock stops. Memory is the largest that
the process had, for the number asked for and for a hundredth of it: memory that is
bounded is the same for both. The stages are timed in a run of at most 200,000
streamlines without threads, where they follow one another, with criteria of
plausibility; and the file is copied on its disk for comparison.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
import json
import logging
import multiprocessing
import os
from pathlib import Path
import platform
import resource
import shutil
import tempfile
import time
from unittest.mock import patch

STAGES = {
    "drawing latents": ("sampling.density", "ConditionalDensity.sample"),
    "decoding": ("nn.coder", "Coder.decode_coefficients"),
    "texture": ("sampling.texture", "Texture.apply_to_coefficients"),
    "plausibility": ("sampling.plausibility", "Plausibility.evaluate"),
    "resampling": ("nn.generation", "respace"),
    "writing": ("streamlines.formats.writers", "TractogramWriter.write"),
    "finishing the file": ("streamlines.formats.writers", "TractogramWriter.finish"),
}
MOST_FOR_STAGES = 200_000


def write(
    model, path: Path, nb_streamlines: int, *, nb_points, dtype, **options
) -> int:
    """Generate streamlines into a file; give its size once it is on the disk."""
    from dipy_tractogen.streamlines.formats.writers import open_writer
    from dipy_tractogen.streamlines.reference import Reference

    header = Reference.from_dict(model.record.reference)
    names = model.record.bundle_names
    with open_writer(
        path, reference=header, bundle_names=names, dtype=dtype, force=True
    ) as writer:
        for points, labels, values in model.generate_batches(
            nb_streamlines, nb_points=nb_points, **options
        ):
            writer.write(points, labels, values)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return path.stat().st_size


def peak_mib() -> int:
    """Largest memory that this process had so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def generation(model_file: Path, path: Path, nb_streamlines: int, **options) -> dict:
    """Time generation and writing, the loading of the model apart."""
    from dipy_tractogen.nn import load_model

    logging.disable(logging.WARNING)
    model = load_model(model_file)
    loaded = peak_mib()
    # What is compiled and laid out once.
    write(model, path, 10_000, **options)
    cpu, start = time.process_time(), time.perf_counter()
    nb_bytes = write(model, path, nb_streamlines, **options)
    seconds = time.perf_counter() - start
    return {
        "nb_streamlines": nb_streamlines,
        **options,
        "seconds": round(seconds, 2),
        "streamlines_per_s": round(nb_streamlines / seconds),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "bytes": nb_bytes,
        "peak_mib": peak_mib(),
        "peak_mib_with_the_model_only": loaded,
    }


def stages(model_file: Path, path: Path, nb_streamlines: int, **options) -> dict:
    """Time each stage of generation, one after the other."""
    from dipy_tractogen.nn import load_model
    from dipy_tractogen.sampling.plausibility import (
        LargestWinding,
        LengthRange,
        Plausibility,
        SmallestRadius,
    )

    logging.disable(logging.WARNING)
    model = load_model(model_file)
    criteria = [LengthRange(20, 250), LargestWinding(400), SmallestRadius(1)]
    plausibility = Plausibility(criteria)
    options = {**options, "plausibility": plausibility}
    spent = dict.fromkeys(STAGES, 0.0)
    with ExitStack() as stack:
        stack.enter_context(
            patch(
                "dipy_tractogen.sampling.generation.map_in_order",
                # A generator, which can be closed.
                lambda function, tasks: (function(task) for task in tasks),
            )
        )
        for stage, (module, name) in STAGES.items():
            target = f"dipy_tractogen.{module}.{name}"
            stack.enter_context(timed(target, stage, spent))
        write(model, path, 10_000, **options)
        spent.update(dict.fromkeys(STAGES, 0.0))
        start = time.perf_counter()
        write(model, path, nb_streamlines, **options)
        total = time.perf_counter() - start
    spent["the rest"] = total - sum(spent.values())
    return {
        "nb_streamlines": nb_streamlines,
        "seconds": round(total, 2),
        "seconds_by_stage": {name: round(each, 2) for name, each in spent.items()},
        "share_by_stage": {
            name: round(each / total, 3) for name, each in spent.items()
        },
        "rejections": plausibility.describe_rejections(),
    }


def timed(target: str, stage: str, spent: dict[str, float]):
    """Replace a function by one that adds up its time."""
    from pkgutil import resolve_name

    module, name = target.rsplit(".", 1)
    owner = resolve_name(module)
    function = getattr(owner, name)

    def measured(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] += time.perf_counter() - start

    return patch.object(owner, name, measured)


def copy(path: Path) -> dict:
    """Time a plain copy of a file, until it is on the disk."""
    other = path.with_suffix(".copy")
    start = time.perf_counter()
    shutil.copyfile(path, other)
    with other.open("rb+") as file:
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    other.unlink()
    return {
        "seconds": round(seconds, 2),
        "mib_per_s": round(path.stat().st_size / 2**20 / seconds),
    }


def in_a_process(function, *args, **kwargs) -> dict:
    """Call a function in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(function, *args, **kwargs).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_file", type=Path)
    parser.add_argument("--nb_streamlines", type=int, default=10_000_000)
    parser.add_argument("--nb_points", type=int, default=32)
    parser.add_argument(
        "--dtypes", nargs="+", default=["float32", "float16"], help="of the points"
    )
    parser.add_argument("--folder", type=Path, help="where the tractogram goes")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    number = options.nb_streamlines
    runs = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder, "synthetic.trx")
        file = options.model_file, path
        for dtype in options.dtypes:
            given = {"nb_points": options.nb_points, "dtype": dtype}
            few = in_a_process(generation, *file, max(number // 100, 1), **given)
            run = in_a_process(generation, *file, number, **given)
            run["peak_mib_of_a_hundredth"] = few["peak_mib"]
            run["copy"] = copy(path)
            runs.append(run)
            path.unlink()
        given["dtype"] = options.dtypes[0]
        by_stage = in_a_process(stages, *file, min(number, MOST_FOR_STAGES), **given)
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "model": options.model_file.name,
        "generation": runs,
        "stages": by_stage,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "streaming.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
