import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.streamlines.volume import Volume, load_mask
from dipy_tractogen.viz import Panel, offscreen, scenes
from dipy_tractogen.viz.cameras import VIEWS, Frame
from dipy_tractogen.viz.layout import Cell
from dipy_tractogen.viz.offscreen import render_cells
from dipy_tractogen.viz.scenes import LEVEL, load_outline, smooth_mask

LINE = np.zeros((1, 10, 3), dtype=np.float32)
LINE[0, :, 0] = np.linspace(-10, 10, 10)
RED = np.array([[1.0, 0, 0]])


@pytest.mark.usefixtures("rendering")
def test_a_line_is_where_the_frame_says():
    """Drawn in another process: this one may have loaded TensorFlow."""
    frame = Frame(VIEWS["top"], (0, 0, 0), 40.0, 20.0)
    cells, panels = [Cell(0, frame, 0, 0, 120, 60)], [Panel("line", LINE)]
    white = (1.0, 1.0, 1.0)
    (image,) = offscreen.render_cells(cells, panels, [RED], width=3, background=white)
    assert image.shape == (60, 120, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[0, 0], 255)
    rows, columns = np.nonzero(image[..., 1] < 128)
    assert rows.mean() == pytest.approx(29.5, abs=1)
    assert columns.min() == pytest.approx(30, abs=2)
    assert columns.max() == pytest.approx(89, abs=2)
    assert image[30, 60, 0] > 150
    assert image[30, 60, 1] < 60


def test_lines_are_thinner_where_there_are_more():
    widths = [scenes.line_width(number, 10.0) for number in (1, 100, 500, 3000, 10**6)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[2] > widths[-1]
    assert scenes.line_width(1, 2.0) < widths[0]


STRAIGHT = np.linspace((0, -20, 0), (0, 20, 0), 10, dtype=np.float32)


@pytest.mark.parametrize("voxel_mm", [1.0, 4.0])
def test_surface_is_where_the_mask_ends(voxel_mm):
    """Also where the axes of the image are turned."""
    steps = np.arange(-40, 41, voxel_mm)
    centres = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    inside = np.linalg.norm(centres, axis=-1) <= 30
    hollow = inside & (np.linalg.norm(centres, axis=-1) > 15)
    affine = np.eye(4)
    affine[:3, :3] = voxel_mm * np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    affine[:3, 3] = affine[:3, :3] @ (steps[[0, 0, 0]] / voxel_mm) + (5, 6, 7)
    outline = smooth_mask(Volume(hollow, affine))
    distances = np.linalg.norm(outline.points() - (5, 6, 7), axis=1)
    assert distances.max() == pytest.approx(30, abs=2)
    assert distances.min() < 5
    volume = np.prod(np.linalg.norm(outline.affine[:3, :3], axis=0))
    ball = 4 / 3 * np.pi * 30**3
    assert volume * (outline.volume > LEVEL).sum() == pytest.approx(ball, rel=0.1)
    assert outline.volume.size < 60**3


def test_mask_of_another_space_is_refused(ball, tmp_path):
    with pytest.raises(ValueError, match="no point of the streamlines is in the mask"):
        load_outline(ball, STRAIGHT + 500)
    empty = tmp_path / "empty.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.uint8), np.eye(4)), empty)
    with pytest.raises(ValueError, match="is zero in all voxels"):
        load_outline(empty, STRAIGHT)


@pytest.mark.usefixtures("rendering")
def test_glass_is_faint_round_and_behind(ball):
    outline = load_outline(ball, STRAIGHT)
    assert load_mask(ball).at(STRAIGHT).all()
    frame = Frame(VIEWS["left"], (0, 0, 0), 100.0, 100.0)
    cells, panels = [Cell(0, frame, 0, 0, 200, 200)], [Panel("line", STRAIGHT[None])]
    red = [np.array([[1.0, 0, 0]])]
    settings = {"width": 4.0, "background": (1.0, 1.0, 1.0), "outline": outline}
    (image,) = render_cells(cells, panels, red, **settings)
    across, down = np.meshgrid(np.arange(200) - 99.5, np.arange(200) - 99.5)
    radius = np.hypot(across, down) / 2
    white = (image == 255).all(axis=-1)
    assert white[radius > 42].all()
    inside = image[(radius < 37) & (abs(down) > 10)]
    assert not (inside == 255).all(axis=-1).any()
    assert inside.mean() > 200
    # The contour is darker than what it surrounds.
    rim = image.mean(axis=-1)[(radius > 37) & (radius < 42)]
    assert rim.min() < inside.mean() - 30
    assert image[100, 100, 0] > 180 > 90 > image[100, 100, 1]
