"""Sample images at the points of a million streamlines: time of the processor, memory.

    python benchmarks/maps.py

Straight streamlines of forty points, with noise, lie in two images of 145 by 174 by 145
voxels. They are read without and with the images, into memory and into files that are
mapped, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
from multiprocessing import get_context
import os
from pathlib import Path
import platform
import resource
import tempfile
import time

import nibabel as nib
import numpy as np

from dipy_tractogen.streamlines.formats.writers import open_writer
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.reference import Reference

SHAPE = (145, 174, 145)
VOXEL_MM = 1.25
STEP_MM = 0.6
NB_POINTS = 40
NOISE_MM = 0.1
BLOCK = 50_000


def write_inputs(folder: Path, nb_streamlines: int, seed: int = 0) -> None:
    """Write a tractogram and two images."""
    rng = np.random.default_rng(seed)
    affine = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1])
    steps = STEP_MM * np.arange(NB_POINTS)[:, None]
    # Wherever a streamline begins and goes, it stays in the images.
    middle, reach = np.array(SHAPE) * VOXEL_MM / 2, STEP_MM * NB_POINTS + 2
    with open_writer(folder / "a.trx", reference=Reference(affine, SHAPE)) as writer:
        for start in range(0, nb_streamlines, BLOCK):
            count = min(BLOCK, nb_streamlines - start)
            first = rng.uniform(reach, 2 * middle - reach, (count, 1, 3))
            along = rng.normal(size=(count, 1, 3))
            along /= np.linalg.norm(along, axis=-1, keepdims=True)
            noise = rng.normal(0, NOISE_MM, (count, NB_POINTS, 3))
            writer.write((first + along * steps + noise).astype(np.float32))
    for name in ("FA", "MD"):
        image = nib.Nifti1Image(rng.random(SHAPE, dtype=np.float32), affine)
        image.to_filename(folder / f"{name}.nii.gz")


def reading(folder: Path, with_maps: bool, mapped: bool) -> dict:
    """Read the tractogram; give the seconds of the processor and the peak memory."""
    maps = {name: folder / f"{name}.nii.gz" for name in ("FA", "MD")}
    began = time.process_time()
    bundles = load_bundles(
        folder / "a.trx",
        maps=maps if with_maps else None,
        folder=folder / "store" if mapped else None,
    )
    took = time.process_time() - began
    assert len(bundles.data_per_point) == 2 * with_maps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"cpu_s": round(took, 2), "peak_gib": round(peak, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nb_streamlines", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "nb_streamlines": options.nb_streamlines,
        "nb_points": NB_POINTS,
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder, options.nb_streamlines)
        for place in ("memory", "mapped"):
            for name, with_maps in (("without", False), ("with", True)):
                # A process of its own has a peak of its own.
                with get_context("spawn").Pool(1) as pool:
                    arguments = (folder, with_maps, place == "mapped")
                    found = pool.apply(reading, arguments)
                result.setdefault(place, {})[name] = found
                print(place, name, found, flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "maps.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
