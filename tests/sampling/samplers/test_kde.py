import numpy as np
import pytest

from dipy_tractogen.sampling.samplers.kde import KernelSampler


def width(sampler, z):
    """Bandwidth that was found, over the deviation of the latents."""
    cell = sampler.fit(z).strata_[0]
    return cell.factors[0, 0, 0] / z[:, 0].std()


def test_silverman_gives_its_formula_for_one_dimension():
    z = np.random.default_rng(0).normal(size=(200, 1))
    found = width(KernelSampler(bandwidth="silverman"), z)
    assert found == pytest.approx((4 / (3 * 200)) ** 0.2, rel=0.01)


def test_cross_validation_takes_a_narrow_kernel_for_clumps():
    rng = np.random.default_rng(0)
    clumps = rng.choice([-10.0, 0.0, 10.0], size=(300, 1))
    clumps += rng.normal(0, 0.3, size=(300, 1))
    assert width(KernelSampler(), clumps) < 0.1
    assert width(KernelSampler(bandwidth="silverman"), clumps) > 0.2


def test_a_number_is_taken_as_it_is():
    z = np.random.default_rng(0).normal(size=(200, 1))
    assert width(KernelSampler(bandwidth=0.3), z) == pytest.approx(0.3, rel=0.01)


@pytest.mark.parametrize("bandwidth", ["scott", 0, -1.0, None])
def test_other_bandwidths_are_refused(bandwidth):
    with pytest.raises(ValueError, match="give cross_validation, silverman or"):
        KernelSampler(bandwidth=bandwidth).fit(np.zeros((4, 2)))
