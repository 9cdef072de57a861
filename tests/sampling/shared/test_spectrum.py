import numpy as np
import pytest

from dipy_tractogen.sampling.shared.spectrum import (
    NB_BANDS,
    NB_COEFFICIENTS,
    details_of,
    spectra,
)

FIRST = 4


@pytest.fixture(scope="module")
def straight():
    """Streamlines along x of 80 and of 30 points, in turn."""
    counts = np.tile([80, 30], 60)
    directions = np.zeros((3, counts.sum()))
    directions[0] = 1
    return counts, directions


def test_details_have_the_spectrum_they_are_drawn_for(straight):
    counts, directions = straight
    rng = np.random.default_rng(0)
    low = rng.normal(size=(len(counts), NB_COEFFICIENTS, 3))
    energies = np.stack([np.linspace(0, -6, NB_BANDS), np.full(NB_BANDS, -9.0)])
    energies = np.tile(energies, (len(counts), 1, 1))
    details = details_of(low, energies, directions, counts, FIRST, rng)
    found_low, found = spectra(details, directions, counts, FIRST)
    np.testing.assert_allclose(found_low, low, atol=1e-6)
    # Bands without an order have the energy of the nearest one.
    own = np.arange(NB_BANDS) > 5
    np.testing.assert_allclose(
        found[:, 0].mean(axis=0)[own], energies[0, 0, own], atol=0.6
    )
    assert found[:, 1].max() < -6


def test_short_streamlines_have_few_coefficients():
    counts = np.array([3, 7])
    directions = np.zeros((3, 10))
    directions[0] = 1
    low, energies = spectra(np.ones((3, 10)), directions, counts, FIRST)
    assert not low[0].any()
    assert not low[1, 3:].any()
    rng = np.random.default_rng(0)
    details = details_of(np.ones_like(low), energies, directions, counts, FIRST, rng)
    assert np.abs(details[:, :3]).max() < 1e-5
    assert np.abs(details[:, 3:]).max() > 0.5
