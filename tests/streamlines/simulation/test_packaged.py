import subprocess
import sys

from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.packaged import (
    PACKAGED_BUNDLES,
    packaged_bundles,
)


def test_packaged_bundles_are_five_subjects_of_three_bundles(tmp_path):
    files = packaged_bundles(tmp_path / "new" / "folder")
    assert len(files) == 15
    bundles = load_bundles(files)
    assert bundles.counts() == dict.fromkeys(PACKAGED_BUNDLES, 250)
    assert not bundles.report.dropped


def test_module_writes_them_and_says_where(tmp_path):
    command = [sys.executable, "-m", "dipy_tractogen.streamlines.simulation.packaged"]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == str(tmp_path / "sub_1" / "AF_L.trk")
    assert subprocess.run(command, capture_output=True).returncode == 1
