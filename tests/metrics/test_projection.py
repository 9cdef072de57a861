import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dipy_tractogen.metrics import projection
from dipy_tractogen.metrics.projection import project

RNG = np.random.default_rng(0)
# Three groups far apart in five dimensions.
GROUP = np.repeat([0, 1, 2], 20)
Z = RNG.normal(size=(60, 5)) + 20 * np.eye(5)[GROUP]


def same_group(places):
    """Share of the points whose nearest other is of their group."""
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return np.mean(GROUP[distances.argmin(axis=1)] == GROUP)


def test_principal_components_are_those_of_the_variance():
    z = RNG.normal(size=(4000, 3)) * (1, 5, 2) + 7
    found = project(z)
    shares = np.array([25, 4, 1]) / 30
    np.testing.assert_allclose(found.explained_variance, shares, atol=0.02)
    np.testing.assert_allclose(np.abs(found.places[:, 0]), np.abs(z[:, 1] - 7), atol=1)
    assert found.axis_labels[0].startswith("PC 1 (8")
    assert found.axis_labels[1].startswith("PC 2 (1")
    # The same sign, whichever way the solver found it.
    turned = project(np.concatenate([z[::-1], z]))
    np.testing.assert_allclose(turned.places[4000:], found.places, atol=0.05)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_groups_stay_together_and_the_seed_fixes_all(method):
    found = project(Z, method, seed=3)
    assert found.places.shape == (60, 2)
    assert same_group(found.places) == 1
    np.testing.assert_array_equal(project(Z, method, seed=3).places, found.places)


def test_umap_is_given_the_seed_and_no_more_neighbours_than_there_are(monkeypatch):
    """Its compilation takes too long for a test."""
    given = []

    class UMAP:
        def __init__(self, **options):
            given.append(options)

        def fit_transform(self, z):
            return z[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=UMAP))
    monkeypatch.setattr(projection, "find_spec", lambda name: True)
    found = [project(z, "umap", seed=5) for z in (Z, Z[:6])]
    assert [each["n_neighbors"] for each in given] == [15, 5]
    assert {each["random_state"] for each in given} == {5}
    np.testing.assert_allclose(found[1].places, Z[:6, :2], rtol=1e-6)
    assert found[0].axis_labels == ("UMAP 1", "UMAP 2")


@pytest.mark.parametrize("z", [np.zeros((5, 4)), np.arange(5.0)[:, None]])
def test_latents_without_two_dimensions_are_no_failure(z):
    found = project(z)
    assert found.places.shape == (5, 2)
    assert np.isfinite(found.explained_variance).all()
    np.testing.assert_array_equal(found.places[:, 1], 0)
    assert np.isfinite(project(z, "tsne").places).all()


def test_umap_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(projection, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        project(Z, "umap")
