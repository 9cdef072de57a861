"""Images that are broken: grids, masks, regions, peaks, and pictures of a report."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from .corruptions import cut, flip, patch
from .roles import SMALL, SWEEP, TWO, command_of, in_turn

ROLES = {
    "generate, reference": lambda good, path: [good.model, *TWO, "--reference", path],
    "generate, mask": lambda good, path: [good.model, *TWO, "--mask", path],
    "generate, start_region": lambda good, path: [
        *(good.model, *TWO, "--start_region", path),
    ],
    "generate, end_region": lambda good, path: [
        *(good.model, *TWO, "--end_region", path),
    ],
    "reconstruct, reference": lambda good, path: [
        *(good.model, good.bundles[0], "--reference", path),
    ],
    "reconstruct, maps": lambda good, path: [
        *(good.model, good.bundles[0], "--maps", f"FA={path}"),
    ],
    "filter, maps": lambda good, path: [
        *(good.model, good.bundles[0], "--reference_files", *good.bundles),
        *("--maps", f"FA={path}"),
    ],
    "encode, reference": lambda good, path: [
        *(good.model, good.bundles[0], "--reference", path),
    ],
    "average, reference": lambda good, path: [
        *(good.model, good.bundles[0], "--reference", path),
    ],
    "filter, reference": lambda good, path: [
        *(good.model, good.bundles[0], "--reference_files", *good.bundles),
        *("--reference", path),
    ],
    "label, reference": lambda good, path: [
        *(good.model, good.bundles[0], "--reference_files", *good.bundles),
        *("--reference", path),
    ],
    "mix, reference": lambda good, path: [
        *(good.model, good.bundles[0], good.bundles[1], "--reference", path),
    ],
    "evaluate, reference": lambda good, path: [
        *(good.synthetic, *good.bundles, "--reference", path, "--nb_bootstrap", "0"),
    ],
    "evaluate, grid": lambda good, path: [
        *(good.synthetic, *good.bundles, "--grid", path, "--nb_bootstrap", "0"),
    ],
    "predict, reference": lambda good, path: [
        *(good.regression, good.bundles[0], "--reference", path),
    ],
}
MORE = {
    **ROLES,
    "train_vae, reference": lambda good, path: [
        *(good.bundles[0], *SMALL, "--reference", path),
    ],
    "train_aae, reference": lambda good, path: [
        *(good.bundles[0], *SMALL, "--reference", path),
    ],
    "sweep, reference": lambda good, path: [*good.bundles, *SWEEP, "--reference", path],
    "explore, reference": lambda good, path: [
        *(good.model, good.bundles[0], "--reference", path),
    ],
    "render, reference": lambda good, path: [good.bundles[0], "--reference", path],
    "render, mask": lambda good, path: [good.bundles[0], "--mask", path],
    "report, mask": lambda good, path: [
        *(good.model, "--real_files", good.bundles[0], "--mask", path),
    ],
    "generate, peaks": lambda good, path: [
        *(good.model, *TWO, "--peaks", path, "--max_angle", "80"),
    ],
}


def command_line(role, good, path):
    return command_of(role), *MORE[role](good, path)


def header(offset, kind, *values):
    """Write numbers into the header of an image."""
    return lambda data: patch(data, offset, kind, *values)


BROKEN = {
    "empty": lambda data: b"",
    "cut in the header": lambda data: data[:200],
    "no voxels": lambda data: data[:352],
    "cut short": lambda data: cut(data, 0.6),
    "text": lambda data: b"no image\n" * 100,
    "size of the header": header(0, "<i", 7),
    "no dimensions": header(40, "<8h", 0, 0, 0, 0, 0, 0, 0, 0),
    "dimensions below zero": header(40, "<8h", 3, -5, -5, -5, 1, 1, 1, 1),
    "99 dimensions": header(40, "<h", 99),
    "dimensions beyond the file": header(40, "<8h", 3, *(32767,) * 3, 1, 1, 1, 1),
    "dimensions beyond the memory": header(40, "<8h", 7, *(32767,) * 7),
    "type unknown": header(70, "<2h", 12345, 99),
    "type of colours": header(70, "<2h", 128, 24),
    "type of complex numbers": header(70, "<2h", 1792, 128),
    "voxels beyond the end": header(108, "<f", 1e30),
    "voxels below zero": header(108, "<f", -500),
    "voxels at NaN": header(108, "<f", np.nan),
    "no code of a space": header(252, "<2h", 0, 0),
}
AFFINES = {
    "an affine of zeros": header(252, "<2h", 0, 1),
    "sizes of NaN": header(76, "<8f", *(np.nan,) * 8),
    "sizes of zero": header(76, "<8f", *(0,) * 8),
    "sizes that are infinite": header(76, "<8f", *(np.inf,) * 8),
    "an affine of NaN": header(280, "<12f", *(np.nan,) * 12),
    "an affine of 1e38": header(280, "<12f", *(1e38,) * 12),
    "an affine that is singular": header(280, "<12f", *(1,) * 12),
    "slope of NaN": header(112, "<2f", np.nan, np.nan),
    "slope that is infinite": header(112, "<2f", np.inf, 0),
    "rotation of NaN": header(252, "<2h3f", 1, 0, *(np.nan,) * 3),
    "type of floats": header(70, "<2h", 16, 32),
    "extension beyond the end": header(348, "<4B2i", 1, 0, 0, 0, 2**31 - 1, 6),
    "names not in ASCII": header(344, "<4s", b"n+1\xff"),
}


@pytest.mark.parametrize(("kind", "role"), in_turn(BROKEN, MORE))
def test_broken(attempt, good, kind, role):
    path = attempt.given / "image.nii"
    path.write_bytes(BROKEN[kind](gzip.decompress(good.image.read_bytes())))
    # A reference is its header alone.
    only_header = "reference" in role or "grid" in role
    harmless = ("no voxels", "cut short", "no code of a space", "voxels beyond the end")
    may = only_header and (kind in harmless or kind.startswith(("type", "size")))
    # nibabel reads an image whose header says another size of itself.
    may = may or kind == "size of the header"
    attempt(*command_line(role, good, path), codes=(0, 1) if may else (1,))


@pytest.mark.parametrize(("kind", "role"), in_turn(AFFINES, ROLES))
def test_odd(attempt, good, kind, role):
    path = attempt.given / "image.nii"
    path.write_bytes(AFFINES[kind](gzip.decompress(good.image.read_bytes())))
    attempt(*command_line(role, good, path), codes=(0, 1))


@pytest.mark.parametrize(("seed", "role"), in_turn(range(8), ROLES))
def test_flipped_bits(attempt, good, seed, role):
    path = attempt.given / "image.nii.gz"
    data = good.image.read_bytes()
    if seed % 2:
        path.write_bytes(flip(data, seed, 4))
    else:
        path.write_bytes(gzip.compress(flip(gzip.decompress(data), seed, 4, 0, 352)))
    attempt(*command_line(role, good, path), codes=(0, 1))


NO_MASK = {
    "four axes": np.ones((8, 8, 3, 2), "f4"),
    "two axes": np.ones((8, 8), "f4"),
    "nothing in it": np.zeros((64, 64, 3), "u1"),
    "NaN": np.full((64, 64, 3), np.nan, "f4"),
    "one voxel": np.ones((1, 1, 1), "u1"),
}
MASKS = [role for role in MORE if any(x in role for x in ("mask", "region", "maps"))]


@pytest.mark.parametrize(("kind", "role"), in_turn(NO_MASK, MASKS))
def test_no_mask(attempt, good, kind, role):
    path = attempt.given / "mask.nii.gz"
    nib.save(nib.Nifti1Image(NO_MASK[kind], np.diag([3, 3, 3, 1])), path)
    attempt(*command_line(role, good, path), codes=(0, 1))


NO_PEAKS = {
    "three axes": np.ones((8, 8, 3), "f4"),
    "four components": np.ones((8, 8, 3, 4), "f4"),
    "NaN": np.full((64, 64, 3, 3), np.nan, "f4"),
    "infinite": np.full((64, 64, 3, 3), np.inf, "f4"),
    "nothing in it": np.zeros((64, 64, 3, 3), "f4"),
    "1e38": np.full((64, 64, 3, 3), 1e38, "f4"),
}


@pytest.mark.parametrize("kind", NO_PEAKS)
def test_no_peaks(attempt, good, kind):
    path = attempt.given / "peaks.nii.gz"
    nib.save(nib.Nifti1Image(NO_PEAKS[kind], np.diag([3, 3, 3, 1])), path)
    codes = (0, 1) if kind == "1e38" else (1,)
    attempt(*command_line("generate, peaks", good, path), codes=codes)


PICTURES = {
    "empty": b"",
    "text": b"no picture",
    "beginning": b"\x89PNG\r\n\x1a\n",
    "beyond the memory": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2,
    "markup": b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>',
}


@pytest.mark.parametrize(
    ("kind", "suffix"), in_turn(PICTURES, (".png", ".jpg", ".svg"))
)
def test_pictures(attempt, good, kind, suffix):
    path = attempt.given / f"picture{suffix}"
    path.write_bytes(PICTURES[kind])
    done = attempt("dipy_write_report", good.model, "--pictures", path)
    assert path.name in done.error
