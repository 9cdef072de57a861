"""Bad files, and what a command may say and leave behind when it is given one."""

import re

import nibabel as nib
from nibabel.streamlines import Tractogram
import numpy as np
import pytest

from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.simulation.phantom import fibercup_reference
from dipy_tractogen.workflows.cli import main

LINE = np.stack([np.linspace(20, 60, 30), np.full(30, 50), np.full(30, 4)], axis=1)


def save(path, streamlines, *, voxel_size=3.0):
    """Write streamlines as they are, with what our own writer would refuse."""
    header = {
        "voxel_to_rasmm": np.diag([voxel_size, voxel_size, voxel_size, 1]),
        "dimensions": (64, 64, 3),
        "voxel_sizes": (voxel_size,) * 3,
        "voxel_order": "RAS",
    }
    tractogram = Tractogram(
        [np.asarray(line, dtype=np.float32) for line in streamlines],
        affine_to_rasmm=np.eye(4),
    )
    with np.errstate(invalid="ignore"):
        nib.streamlines.save(tractogram, str(path), header=header)
    return path


def shifted(count):
    """Streamlines side by side, well inside the box."""
    return [np.add(LINE, (0, shift, 0)) for shift in np.linspace(0, 5, count)]


def with_value(value):
    """A streamline with one point that is no number."""
    line = LINE.copy()
    line[7, 1] = value
    return line


PYTHON = re.compile(r"(?<![\w/'\"-])[a-z]\w*=(?!\S*:\d)['\"(\[\dTFN-][^ ,;:]*")

STREAMLINES = {
    "one point": LINE[:1],
    "zero length": np.repeat(LINE[:1], 9, axis=0),
    "non-finite points": with_value(np.nan),
    "infinite points": with_value(np.inf),
    "out of the bounding box": np.add(LINE, (0, 500, 0)),
}


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Six subjects in a BIDS tree, with age and diagnosis; not to be changed."""
    folder = tmp_path_factory.mktemp("cohort")
    options = ["--nb_subjects", "6", "--nb_streamlines", "6", "--nb_points", "20"]
    arguments = [*options, "--quiet", "--out_dir", str(folder)]
    assert main("dipy_simulate_cohort", arguments) == 0
    return folder


@pytest.fixture(scope="session")
def cohort_arguments(cohort):
    """The command line of a short training on the cohort, by age and diagnosis."""
    files = [*map(str, sorted(cohort.rglob("*.trx")))]
    names = ["--categorical", "diagnosis", "--continuous", "age", "curvature"]
    small = ["--epochs", "2", "--nb_points", "16", "--latent_dim", "4", "--quiet"]
    table = ["--participants", str(cohort / "participants.tsv")]
    return [*files, *names, *table, *small]


@pytest.fixture(scope="session")
def conditional_model(cohort_arguments, tmp_path_factory):
    """A CVAE that was trained on the cohort, not to be changed.

    It is trained until lengths that are asked for come out.
    """
    folder = tmp_path_factory.mktemp("cvae")
    regularisers = ["--label_weight", "2", "--label_condition", "diagnosis"]
    regularisers += ["--attributes", "length", "tortuosity"]
    arguments = [*cohort_arguments, *regularisers, "--out_dir", str(folder)]
    assert main("dipy_train_cvae", [*arguments, "--epochs", "60"]) == 0
    return folder / "model.keras"


@pytest.fixture(scope="session")
def regression_folder(bundle_files, tmp_path_factory):
    """All files of training an RVAE on tortuosity, and log.txt; not to be changed."""
    folder = tmp_path_factory.mktemp("rvae")
    arguments = [*map(str, bundle_files), "--epochs", "3", "--nb_points", "16"]
    arguments += ["--attribute", "tortuosity", "--regression_weight", "3"]
    arguments += ["--held_out", "0.3", "--latent_dim", "3", "--out_dir", str(folder)]
    assert main("dipy_train_rvae", [*arguments, "--log_file", f"{folder}/log.txt"]) == 0
    return folder


@pytest.fixture
def tractogram_with(tmp_path):
    """Write a TRK with good streamlines, and some of a bad kind."""

    def write(kind, *, good, bad, name="bundle_1.trk", voxel_size=3.0):
        (tmp_path / "given").mkdir(exist_ok=True)
        lines = shifted(good) + [STREAMLINES[kind]] * bad
        return save(tmp_path / "given" / name, lines, voxel_size=voxel_size)

    return write


@pytest.fixture
def bad_file(tmp_path):
    """Write a file that is no tractogram, or none with streamlines in it."""

    def write(kind):
        name, _, extension = kind.partition(".")
        (tmp_path / "given").mkdir(exist_ok=True)
        path = tmp_path / "given" / kind
        if name == "empty":
            path.write_bytes(b"")
        elif name == "text":
            path.write_text("x,y,z\n1,2,3\n" * 200)
        elif name == "picture":
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(3000))
        elif name == "truncated":
            whole = path.with_name(f"whole.{extension}")
            save_bundles(whole, np.stack(shifted(20)), reference=fibercup_reference())
            path.write_bytes(whole.read_bytes()[:-900])
            whole.unlink()
        elif name == "without":
            save(path, [])
        return path

    return write


def contents(folder):
    """Every file below a folder, with its bytes."""
    return {
        path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def refused(tmp_path, capfd):
    """Run a command that must fail, and return what it says."""

    def run(command, *arguments, out_dir=None):
        folder = tmp_path / "out" if out_dir is None else out_dir
        before = contents(tmp_path)
        capfd.readouterr()
        given = [str(argument) for argument in arguments]
        assert main(command, [*given, "--out_dir", str(folder)]) == 1
        said = capfd.readouterr()
        assert said.out == ""
        assert "Traceback" not in said.err
        lines = said.err.splitlines()
        strays = [line for line in lines if not re.match("INFO|WARNING|ERROR", line)]
        assert strays == []
        # Parameters are named as they were to be typed, not as in Python.
        typed = " ".join(given)
        assert not [word for word in PYTHON.findall(said.err) if word not in typed]
        (error,) = [line for line in lines if line.startswith("ERROR: ")]
        assert lines[-1] == error
        assert contents(tmp_path) == before
        return error

    return run
