import nibabel as nib
import numpy as np
import pytest

from dipy_tractogen.sampling.samplers.registry import SAMPLERS
from dipy_tractogen.workflows.flows.base import TractogenFlow
from dipy_tractogen.workflows.options.generation import (
    PlausibilityOptions,
    SamplerOptions,
    check_generation,
    make_plausibility,
)
from dipy_tractogen.workflows.options.loading import MapOptions
from dipy_tractogen.workflows.options.parameters import defaults_of
from dipy_tractogen.workflows.options.spaces import SpaceOptions
from dipy_tractogen.workflows.options.subjects import SubjectOptions

DEFAULTS = defaults_of(
    SamplerOptions, PlausibilityOptions, SpaceOptions, SubjectOptions, MapOptions
)
DEFAULTS |= {"nb_points": None, "step_size": None}


@pytest.fixture
def mask(tmp_path):
    image = nib.Nifti1Image(np.ones((3, 3, 3), dtype=np.uint8), np.eye(4))
    nib.save(image, tmp_path / "mask.nii")
    return tmp_path / "mask.nii"


def made(**given):
    given = {**DEFAULTS, **given}
    check_generation(given)
    return make_plausibility(TractogenFlow(), given)


def test_nothing_is_judged_unless_it_is_asked_for():
    assert made() is None


def test_criteria_have_the_limits_that_are_asked_for(mask):
    criteria = made(max_length=90.0, max_winding=300.0, min_radius=4.0).criteria
    assert [one.name for one in criteria] == ["length", "winding", "curvature"]
    length, winding, curvature = criteria
    assert (length.low, length.high) == (0, 90)
    assert (winding.degrees, curvature.radius_mm) == (300, 4)
    (inside,) = made(mask=mask, min_inside=0.25).criteria
    assert inside.min_share == 0.25
    (inside,) = made(mask=mask).criteria
    assert inside.min_share == 1


def test_one_region_is_for_both_ends(mask):
    (ends,) = made(start_region=mask).criteria
    assert ends.end is ends.start
    (ends,) = made(start_region=mask, end_region=mask).criteria
    assert ends.end is not ends.start


def test_distances_to_the_training_that_is_named(bundle_files):
    (novelty,) = made(train_files=bundle_files[:1], max_novelty=5.0).criteria
    assert (novelty.low, novelty.high) == (0, 5)
    assert novelty._training.shape == (12, 20, 3)


def test_every_sampler_can_be_chosen():
    assert SamplerOptions.options()["sampler"].choices == tuple(SAMPLERS)
