"""What the tests of pictures share."""

import shutil

import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.viz import can_render

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    """Start a browser, or skip where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def rendering():
    """Skip where nothing can be rendered."""
    if not can_render():
        pytest.skip("rendering needs FURY and a display or Xvfb")


@pytest.fixture
def ball(tmp_path):
    """The image of a ball of 40 mm around the origin, on voxels of 4 mm."""
    centres = np.stack(np.meshgrid(*[np.arange(-48, 49, 4)] * 3, indexing="ij"), -1)
    data = (np.linalg.norm(centres, axis=-1) <= 40).astype(np.uint8)
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -48
    path = tmp_path / "mask" / "ball.nii.gz"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(data, affine), path)
    return path
