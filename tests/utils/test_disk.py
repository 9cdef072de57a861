"""What is said and left behind where a disk takes no more."""

import errno
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile

import pytest

from dipy_tractogen.utils import disk
from dipy_tractogen.utils.disk import WriteError, temporary_error, write_errors
from dipy_tractogen.utils.files import atomic_write, remove_new_folders_on_error
from dipy_tractogen.utils.memmap import MemmapError
from dipy_tractogen.utils.messages import read_error

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
SAID = "cannot be written (No space left on device): make room there, or give another"

# A limit on the size of files stands for a disk that is full. Nothing is caught here,
# so that also a crash, or a complaint of what is collected later, is seen.
LIMITED = """
import json, resource, signal, sys
import nibabel as nib, numpy as np
from matplotlib.figure import Figure
from pathlib import Path
from dipy_tractogen.utils.files import atomic_write
from dipy_tractogen.utils.schema import write_json
from dipy_tractogen.streamlines.simulation.phantom import fibercup_reference
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.utils.tables import write_table

noise = np.random.default_rng(0).random((900, 30, 3), dtype=np.float32)
many = {"data_per_streamline": {"value": np.arange(900)}}

def tractogram(path):
    labels = np.arange(900) % 2
    options = {"labels": labels, "bundle_names": ("a", "b"), **many}
    save_bundles(path, noise, reference=fibercup_reference(), **options)

def replaced(write):
    def whole(path):
        with atomic_write(path) as temporary:
            write(temporary)
    return whole

def figure(path):
    picture = Figure()
    picture.figimage(noise[:300].reshape(300, 90))
    picture.savefig(path)

image = nib.Nifti1Image(noise[:300], np.eye(4))
writers = {
    **dict.fromkeys(("trx", "trk", "tck", "vtk", "vtp", "fib", "dpy"), tractogram),
    "json": lambda path: write_json(path, noise.tolist(), force=False),
    "tsv": lambda path: write_table(path, ["a"], noise.reshape(-1, 3), force=False),
    "npz": replaced(lambda path: np.savez(path, a=noise)),
    "png": replaced(figure),
    "nii": replaced(lambda path: nib.save(image, path)),
    "nii.gz": replaced(lambda path: nib.save(image, path)),
}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
said = {}
for extension, write in writers.items():
    try:
        write(Path(f"a.{extension}"))
    except OSError as error:
        said[extension] = str(error)
print(json.dumps(said))
"""


def test_every_format_names_file_and_cause_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    kinds = ["trx", "trk", "tck", "vtk", "vtp", "fib", "dpy"]
    kinds += ["json", "tsv", "npz", "png", "nii", "nii.gz"]
    assert list(said) == kinds
    for extension, text in said.items():
        cause = "cannot be written (File too large): make room there"
        assert text.startswith(f"a.{extension} {cause}"), text
    assert list(tmp_path.iterdir()) == []
    # Nothing like "Exception ignored in ..." comes later.
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


def raised(path, error):
    """Return what becomes of an error in the body of a `atomic_write`."""

    def write():
        with atomic_write(path) as temporary:
            temporary.write_bytes(b"half")
            raise error(temporary) if callable(error) else error

    with pytest.raises(Exception) as caught:  # noqa: PT011
        write()
    assert list(path.parent.iterdir()) == []
    return caught.value


def test_system_names_the_file_by_its_final_name(tmp_path):
    path = tmp_path / "a.trk"
    assert f"{path} {SAID}" in str(raised(path, FULL))
    named = raised(path, lambda each: OSError(errno.EIO, "I/O error", str(each)))
    assert str(named).startswith(f"{path} cannot be written (I/O error)")
    nested = raised(path, lambda each: WriteError(each, "Disk quota exceeded"))
    assert str(nested).startswith(f"{path} cannot be written (Disk quota exceeded)")


def test_words_of_a_library_are_looked_through(tmp_path):
    path = tmp_path / "a.dpy"
    spoken = OSError("Can't write data (errno = 28, No space left on device)")
    assert f"{path} {SAID}" in str(raised(path, spoken))
    riddle = ValueError("Can't close the ZIP file")
    riddle.__context__ = FULL
    assert f"{path} {SAID}" in str(raised(path, riddle))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("there is no streamline"),
        FileNotFoundError(errno.ENOENT, "No such file", "input.trk"),
        MemmapError("streamlines cannot be kept in x (No space left on device)"),
        WriteError("other.trk", "No space left on device"),
        KeyError("ours"),
        RuntimeError("of a library"),
    ],
)
def test_other_errors_pass(tmp_path, error):
    assert raised(tmp_path / "a.trk", error) is error


def test_full_disk_is_found_where_a_library_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_try", lambda *_: "No space left on device")
    silent = RuntimeError("HDF5 error back trace")
    assert f"a.keras {SAID}" in str(raised(tmp_path / "a.keras", silent))


def test_full_temporary_folder_is_told_from_a_full_disk(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(disk, "_try_new", lambda folder: "No space left on device")
    (tmp_path / "out").mkdir()
    said = str(raised(tmp_path / "out" / "a.keras", FULL))
    assert f"(No space left on device in {temporary}, where temporary files" in said
    assert "TMPDIR" in said
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    left = OSError(errno.ENOSPC, "No space left", str(temporary / "x" / "assets"))
    said = str(raised(tmp_path / "out" / "a.keras", left))
    assert f"(No space left on device in {temporary}, where temporary files" in said


def test_file_that_is_written_in_place_is_not_added_to(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step\n")

    def write():
        with write_errors(path):
            raise FULL

    with pytest.raises(WriteError, match=r"history\.csv cannot be written \(No space"):
        write()
    assert [each.name for each in tmp_path.iterdir()] == ["history.csv"]
    assert path.read_text(encoding="utf-8") == "step\n"


def test_reading_that_lacks_temporary_room_is_no_damage():
    said = str(read_error("a.trx", FULL))
    assert "a.trx cannot be read: temporary files cannot be written in" in said
    assert "TMPDIR" in said
    damage = ValueError("bad magic number")
    assert temporary_error("a.trx", damage) is None
    damage.__cause__ = FULL
    assert "TMPDIR" in str(temporary_error("a.trx", damage))


def test_output_that_appeared_meanwhile_is_kept(tmp_path):
    path = tmp_path / "a.trk"

    def write(*, force):
        with atomic_write(path, force=force) as temporary:
            temporary.write_bytes(b"ours")
            path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        write(force=False)
    assert path.read_bytes() == b"theirs"
    write(force=True)
    assert path.read_bytes() == b"ours"


def test_new_folders_go_with_a_failure_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()

    def fail(*names, written=""):
        with remove_new_folders_on_error():
            for name in names:
                with atomic_write(Path(name)) as temporary:
                    temporary.write_text("a")
                if name != written:
                    Path(name).unlink()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail("old/new/deep/a.txt", "other/a.txt", "old/a.txt")
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]
    with pytest.raises(KeyboardInterrupt):
        fail("old/new/deep/a.txt", "old/other/a.txt", written="old/new/deep/a.txt")
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert names == {"old", "old/new", "old/new/deep", "old/new/deep/a.txt"}
