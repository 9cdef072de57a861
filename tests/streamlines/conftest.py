"""Grids of every kind, and streamlines that lie in them."""

from nibabel.eulerangles import euler2mat
import numpy as np
import pytest

from dipy_tractogen.streamlines.array_sequence import as_sequence
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.reference import Reference

FORMATS = ("trk", "tck", "trx", "vtk", "vtp", "fib", "dpy")


def make_affine(rotation, sizes, origin):
    """Return an affine from angles (radians), voxel sizes (mm) and an origin (mm)."""
    affine = np.eye(4)
    affine[:3, :3] = euler2mat(*rotation) @ np.diag(sizes)
    affine[:3, 3] = origin
    return affine


def read_by_vtk(path):
    """Return the polydata that VTK finds in a .vtk or .vtp file; skip without VTK."""
    vtk = pytest.importorskip("vtk")
    kinds = {".vtk": vtk.vtkPolyDataReader, ".vtp": vtk.vtkXMLPolyDataReader}
    reader = kinds[path.suffix]()
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


AFFINES = {
    "ras": make_affine((0, 0, 0), (2, 2, 2), (-60, -70, -50)),
    "las": make_affine((0, 0, 0), (-1.25, 1.25, 1.25), (90, -126, -72)),
    "flipped-twice": make_affine((0, 0, 0), (2, -2, -2), (-60, 120, 110)),
    "anisotropic": make_affine((0, 0, 0), (0.8, 1.7, 3.1), (11.3, -7.7, 4.9)),
    "rotated": make_affine((0.4, -0.3, 0.9), (2, 2, 2), (-110, 30, -65)),
    "rotated-negative": make_affine((-0.2, 0.5, 0.1), (-1.1, 2.3, 1.9), (70, -80, 5)),
    "axes-swapped": make_affine((0, np.pi / 2, 0), (2, 1, 3), (-40, -30, 90)),
}


@pytest.fixture(params=sorted(AFFINES))
def reference(request):
    """Give one grid after the other."""
    return Reference(AFFINES[request.param], (80, 90, 70))


@pytest.fixture(params=FORMATS)
def suffix(request):
    """Give one format after the other; those of VTK only where it is installed."""
    if request.param in ("vtk", "vtp", "fib"):
        pytest.importorskip("fury")
    return request.param


@pytest.fixture
def grid():
    """Return one grid, in LAS."""
    return Reference(AFFINES["las"], (145, 174, 145))


@pytest.fixture
def make_streamlines():
    """Return a function that draws streamlines of varying lengths inside a grid."""

    def draw(reference, n=7, seed=0):
        rng = np.random.default_rng(seed)
        lengths = rng.integers(2, 30, size=n)
        low, high = 0.1, 0.9
        voxels = rng.uniform(low, high, size=(lengths.sum(), 3)) * reference.dimensions
        points = voxels @ reference.affine[:3, :3].T + reference.affine[:3, 3]
        return as_sequence(points.astype(np.float32), lengths)

    return draw


@pytest.fixture
def save(grid, tmp_path):
    """Return a function that writes n straight streamlines from x (mm) on."""

    def write(name, n=3, x=0.0, reference=grid, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        points = np.zeros((n, 4, 3), dtype=np.float32)
        points[..., 0] = x + np.arange(n)[:, None]
        points[..., 1] = np.arange(4) * 10
        save_bundles(path, points, reference=reference, **options)
        return path

    return write
