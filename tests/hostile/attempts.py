"""What each command owes its user, whatever it is given."""

from contextlib import contextmanager, nullcontext
import csv
import faulthandler
import hashlib
import json
import os
from pathlib import Path
import re
import signal
import sys
from types import SimpleNamespace

import numpy as np
from PIL import Image
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.utils.files import TRACTOGRAM_EXTENSIONS
from dipy_tractogen.workflows.cli import main

from .roles import OUT

TIMES = {
    signal.SIGPROF: (signal.ITIMER_PROF, 30),
    signal.SIGALRM: (signal.ITIMER_REAL, 100),
}
# What a generation says that found too few streamlines.
_IN_PART = "holds the others"
_SOURCE = b"__autograph_generated_file"


class Hung(BaseException):
    """A command that did not end; no handler of errors takes it for one."""


@contextmanager
def ended_in_time():
    """Raise where the body takes long; where it does not listen, end the process.

    Time of the processor counts, as other processes may have it most of the time, and
    much more of the clock, as what waits takes none.
    """

    def stop(number, _):
        raise Hung(f"not ended after {TIMES[number][1]} s")

    before = {number: signal.signal(number, stop) for number in TIMES}
    for timer, seconds in TIMES.values():
        signal.setitimer(timer, seconds)
    faulthandler.dump_traceback_later(2 * TIMES[signal.SIGALRM][1], exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        for number, (timer, _) in TIMES.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def listing(*folders, digests=True):
    """Everything below folders: size, time of the last change and digest of files."""
    found = {}
    walks = [walked for folder in folders for walked in os.walk(os.fsencode(folder))]
    for parent, below, files in walks:
        found.update(dict.fromkeys(os.path.join(parent, name) for name in below))
        for name in files:
            path = os.path.join(parent, name)
            status = os.lstat(path)
            digest = None
            if digests and os.path.isfile(path):
                with open(path, "rb") as stream:
                    digest = hashlib.file_digest(stream, "sha1").hexdigest()
            found[path] = (status.st_size, status.st_mtime_ns, digest)
    return found


def assert_whole(path):
    """Read an output as a user would, whatever it is."""
    suffix = path.suffix.lower()
    if suffix in TRACTOGRAM_EXTENSIONS:
        lines = load_bundles(path, out_of_bounds="keep").streamlines
        assert np.isfinite(lines._data).all()
    elif suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif suffix in (".tsv", ".csv"):
        delimiter = "\t" if suffix == ".tsv" else ","
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, delimiter=delimiter))
        assert rows
        assert {len(row) for row in rows} == {len(rows[0])}
    elif suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            assert dict(arrays)
    elif suffix in (".png", ".gif"):
        with Image.open(path) as picture:
            picture.load()
    elif suffix == ".html":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    elif suffix == ".keras":
        load_model(path)
    elif suffix == ".journal":
        for line in path.read_bytes().splitlines():
            assert json.loads(line)


class PyTorch:
    """What is needed of PyTorch, which is not installed: it reads .npz."""

    __version__ = "2.6.0"

    Tensor = type("Tensor", (), {})
    serialization = SimpleNamespace(safe_globals=nullcontext)

    @staticmethod
    def load(path, **_):
        """Read arrays as if they were tensors."""
        with np.load(path, allow_pickle=False) as arrays:
            return {name: _Tensor(array) for name, array in arrays.items()}


class _Tensor:
    def __init__(self, array):
        self.numpy = lambda: array

    def detach(self):
        return self

    float = detach


class Attempt:
    """Runs a command on what a test broke, below a folder of its own.

    Parameters
    ----------
    folder : Path
        Folder of the test; ``given`` in it is for broken inputs.
    good : list of Path
        Folders of the good inputs, which no command may change.
    capture : CaptureFixture
        What the process says, libraries in C included.
    """

    def __init__(self, folder, good, capture):
        self.given, self.out = folder / "given", folder / "out"
        self.temporary, self.here = folder / "temporary", folder / "here"
        for each in (self.given, self.temporary, self.here):
            each.mkdir()
        self._folder, self._good, self._capture = folder, good, capture

    def __call__(self, command, *arguments, codes=(1,), out_dir=None):
        """Run the command, and return its exit code and its last line.

        It may end with a code of `codes` only. One that fails has one line to say why,
        the last one, and leaves everything as it was; one that succeeds leaves outputs
        that can be read. No input changes in either case.
        """
        before = self._listing()
        self._capture.readouterr()
        out = str(out_dir or self.out)
        given = [out if each is OUT else str(each) for each in arguments]
        if OUT not in arguments:
            given += ["--out_dir", out]
        with ended_in_time(), pytest.MonkeyPatch.context() as patch:
            if command == "dipy_import_weights":
                patch.setitem(sys.modules, "torch", PyTorch)
            code = main(command, given)
        said = self._capture.readouterr()
        after = self._listing()
        assert said.out == "", said.out
        lines = said.err.split("\n")[:-1]
        strays = [line for line in lines if not re.match("INFO|WARNING|ERROR", line)]
        assert strays == [], strays
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said.err)
        errors = [line for line in lines if line.startswith("ERROR: ")]
        assert code in codes, lines[-2:]
        changed = [path for path in before if after.get(path, "gone") != before[path]]
        if code == 0:
            # What is gone on with is no input.
            out = os.fsencode(self.out)
            changed = [path for path in changed if not path.startswith(out)]
        assert changed == [], lines[-1:]
        # TensorFlow removes its sources when the process ends.
        new = [path for path in after if path not in before and _SOURCE not in path]
        if code == 1:
            assert errors == lines[-1:], lines[-2:]
            assert re.match(r"ERROR: .*\w", errors[0])
        if code == 1 and _IN_PART not in errors[0]:
            assert new == [], lines[-1:] + new
        elif code in (0, 1):
            assert code == 1 or errors == [], errors
            places = [self.out]
            if any(each.startswith("--tensorboard=") for each in given):
                # A folder of its own, below the one that the command runs in.
                places.append(self.here)
            for path in new:
                assert path.startswith(tuple(map(os.fsencode, places))), path
                hidden = os.path.basename(path).startswith(b".")
                assert not hidden or path.endswith(b".bidsignore"), path
                if os.path.isfile(path):
                    assert_whole(Path(os.fsdecode(path)))
        return SimpleNamespace(code=code, error=(errors or [""])[-1], lines=lines)

    def _listing(self):
        # The digests of the good inputs, which are large, are compared in the end.
        return listing(self._folder) | listing(*self._good, digests=False)
