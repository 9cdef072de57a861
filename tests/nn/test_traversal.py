import numpy as np
import pytest

from .conftest import NB_POINTS


def test_one_latent_changes_and_all_else_stays(trained, arrays, known):
    points = arrays["held_out"][::4]
    values = {"bundle": known["bundle"][::4]}
    places = np.array([-1.5, 0.0, 2.0])
    found = trained.traverse(points, 2, places, values)
    assert found.shape == (len(points), 3, NB_POINTS, 3)
    z = trained.encode(points, values)
    matrix = trained.condition_matrix(points, values)
    for step, place in enumerate(places):
        z[:, 2] = place
        expected = trained.coder.decode(z, matrix)
        np.testing.assert_allclose(found[:, step], expected, atol=1e-2)


def test_the_latents_of_a_streamline_give_its_reconstruction(trained, arrays, known):
    points, values = arrays["held_out"][:1], {"bundle": known["bundle"][:1]}
    own = trained.encode(points, values)[0, 0]
    found = trained.traverse(points, 0, [own], values)[0, 0]
    expected = trained.reconstruct(points, values)[0]
    gaps = [np.abs(found - each).max() for each in (expected, expected[::-1])]
    assert min(gaps) < 1e-2


def test_a_number_is_walked_along_where_the_decoder_reads_it(trained, arrays, known):
    points, values = arrays["held_out"][:3], {"bundle": known["bundle"][:3]}
    places = np.array([50.0, 70.0])
    if not trained.conditions_in_decoder:
        with pytest.raises(ValueError, match="reads no number beside the latents"):
            trained.traverse(points, "length", places, values)
        return
    found = trained.traverse(points, "length", places, values)
    z = trained.encode(points, values)
    for step, place in enumerate(places):
        asked = {**values, "length": np.full(3, place)}
        expected = trained.decode(z, values=asked)
        np.testing.assert_allclose(found[:, step], expected, atol=1e-2)
    with pytest.raises(ValueError, match="reads the numbers length beside"):
        trained.traverse(points, "age", places, values)


@pytest.mark.parametrize("dimension", [-1, 4])
def test_a_dimension_that_is_not_there_is_refused(make, arrays, dimension):
    with pytest.raises(ValueError, match="latent dimensions 0 to 3"):
        make().traverse(arrays["held_out"], dimension, [0.0])
