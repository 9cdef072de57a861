import numpy as np
import pytest

from dipy_tractogen.streamlines.simulation.phantom import (
    fibercup_reference,
    simulate_fibercup,
)
from dipy_tractogen.streamlines.simulation.phantom_volume import (
    reference_image,
    white_matter_fraction,
    white_matter_mask,
)


def voxels_of(points):
    inverse = np.linalg.inv(fibercup_reference().affine)
    return np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)


@pytest.mark.parametrize(("radius", "thickness"), [(6.5, 9), (3, 4)])
def test_mask_holds_every_point_and_little_else(radius, thickness):
    section = {"radius": radius, "thickness": thickness}
    mask = white_matter_mask(**section)
    bundles = simulate_fibercup(200, varying_ends=0, step=0.5, **section)
    visited = np.zeros_like(mask)
    visited[tuple(voxels_of(bundles.streamlines.get_data()).T)] = True
    assert mask[visited].all()
    assert visited.sum() > 0.8 * mask.sum()


def test_fraction_adds_up_to_the_volume_of_a_bundle():
    volumes = [
        27 * white_matter_fraction(radius=2, thickness=thickness).sum(dtype=float)
        for thickness in (3, 6)
    ]
    assert volumes[1] == pytest.approx(2 * volumes[0], rel=0.01)
    # Elliptic cylinders of 714 mm in all, a little wider at the ends, that overlap.
    assert 0.7 < volumes[0] / (np.pi * 2 * 1.5 * 714) < 1.1


def test_image_is_brightest_in_white_matter_and_empty_outside_the_container():
    image, fraction = reference_image(), white_matter_fraction()
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[fraction == 1], 1)
    assert (image[0, 0] == 0).all()
    assert image[(fraction == 0)].max() == pytest.approx(0.3)


def test_cross_section_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="thickness=10"):
        white_matter_mask(thickness=10)
