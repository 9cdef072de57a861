import logging

import numpy as np
import pytest

from dipy_tractogen.nn import AE, latent
from dipy_tractogen.streamlines.geometry import lengths, mean_curvature

from .conftest import NB_POINTS


@pytest.fixture(scope="module")
def of_bundle(arrays, known):
    """Held-out streamlines of one bundle, with what must be known of them."""

    def select(label):
        own = arrays["held_out_labels"] == label
        return arrays["held_out"][own], {"bundle": known["bundle"][own]}

    return select


def mixed(model, of_bundle, first, second, **options):
    """Mix streamlines of two bundles."""
    (one, values), (other, other_values) = of_bundle(first), of_bundle(second)
    n = min(len(one), len(other))
    return model.interpolate(
        one[:n],
        other[:n],
        first_values={"bundle": values["bundle"][:n]},
        second_values={"bundle": other_values["bundle"][:n]},
        **options,
    )


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_mixture_begins_and_ends_with_the_reconstructions(trained, of_bundle, path):
    steps = mixed(trained, of_bundle, 1, 4, nb_steps=4, path=path)
    for label, end in ((1, steps[:, 0]), (4, steps[:, -1])):
        points, values = of_bundle(label)
        n = len(end)
        found = trained.reconstruct(points[:n], {"bundle": values["bundle"][:n]})
        # In the direction of the model, whichever way they were given.
        distance, turned = (
            np.abs(end - each).max(axis=(1, 2)) for each in (found, found[:, ::-1])
        )
        np.testing.assert_allclose(np.minimum(distance, turned), 0, atol=1e-2)
    assert steps.shape[1:] == (4, NB_POINTS, 3)
    moved = np.linalg.norm(np.diff(steps, axis=1), axis=-1).mean(axis=-1)
    # Step by step, not at once.
    assert (moved.max(axis=1) < 0.9 * moved.sum(axis=1)).all()


def test_the_stored_direction_does_not_matter(trained, of_bundle):
    points, values = of_bundle(2)
    n = len(points) // 2
    first, second = points[:n], points[n : 2 * n]
    known = {
        "first_values": {"bundle": values["bundle"][:n]},
        "second_values": {"bundle": values["bundle"][:n]},
    }
    steps = trained.interpolate(first, second, 3, **known)
    turned = trained.interpolate(first[:, ::-1], second, 3, **known)
    np.testing.assert_allclose(steps, turned, atol=1e-2)


def test_streamlines_that_run_against_each_other_are_told_of(
    make, arrays, monkeypatch, caplog
):
    """A model that gives back what it reads, and a bundle that was learnt reversed."""
    model = make()
    points = arrays["points"][arrays["labels"] == 0][:2]
    monkeypatch.setattr(
        latent, "_read", lambda model, given, values: (given[:, :4, 0], None)
    )
    decoded = np.concatenate([points, points, points[:, ::-1]], axis=0)
    decoded = decoded.reshape(3, 2, NB_POINTS, 3).swapaxes(0, 1).reshape(6, -1, 3)
    monkeypatch.setattr(model.coder, "decode", lambda z, matrix: decoded)
    with caplog.at_level(logging.WARNING, "dipy_tractogen"):
        model.interpolate(points, points, 3)
    assert "2 of 2 pairs" in caplog.text


def test_pairs_lie_nearer_than_those_at_random(trained, arrays):
    """Twice as many on one side as on the other."""
    points = arrays["points"][arrays["labels"] == 3]
    bundle = np.full(len(points), arrays["bundle_names"][3])
    n = len(points) // 3
    first, second = points[:n], points[n:]
    known = {
        "first_values": {"bundle": bundle[:n]},
        "second_values": {"bundle": bundle[n:]},
    }
    rows, partners = trained.pair(first, second, n, **known, seed=1)
    assert sorted(rows) == list(range(n))
    assert len(set(partners)) == n
    assert max(partners) < len(second)
    real = trained.reconstruct(points, {"bundle": bundle})
    distances = np.linalg.norm(real[:n, None] - real[None, n:], axis=-1).mean(axis=-1)
    drawn = distances[:, np.sort(partners)]
    assert distances[rows, partners].mean() < drawn.mean()
    again = trained.pair(first, second, n, **known, seed=1)
    np.testing.assert_array_equal(np.stack(again), np.stack([rows, partners]))
    with pytest.raises(ValueError, match=f"nb_pairs=99: give 1 to {n}"):
        trained.pair(first, second, 99)


def test_the_mean_streamline_is_one_of_the_bundle(trained, arrays):
    own = arrays["labels"] == 1
    points = arrays["points"][own]
    values = {"bundle": np.full(len(points), arrays["bundle_names"][1])}
    mean = trained.mean_streamline(points, values)
    assert mean.shape == (NB_POINTS, 3)
    gap = np.linalg.norm(points - mean, axis=-1).mean(axis=1)
    turned = np.linalg.norm(points - mean[::-1], axis=-1).mean(axis=1)
    spread = np.linalg.norm(points - points.mean(axis=0), axis=-1).mean()
    assert np.minimum(gap, turned).mean() < 1.5 * spread
    real = trained.reconstruct(points, values)
    for measure in (lengths, mean_curvature):
        low, high = np.percentile(measure(real), [0, 100])
        assert 0.9 * low < measure(mean[None])[0] < 1.1 * high


def test_the_mean_streamline_of_a_fan_is_about_as_long_as_the_others():
    """The mean of the points is far shorter."""
    angle = np.linspace(-1.3, 1.3, 120)
    along = np.linspace(-30, 30, NB_POINTS)[None, :, None]
    ray = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    fan = (along * ray[:, None]).astype(np.float32)
    model = AE(NB_POINTS, 2, backbone_options={"hidden_units": (32, 32)})
    model.fit(fan, epochs=300)
    mean = model.mean_streamline(fan)
    assert lengths(fan.mean(axis=0)[None])[0] < 0.8 * 60
    assert 0.85 * 60 < lengths(mean[None])[0] < 1.05 * 60


def test_weights_choose(trained, of_bundle):
    points, values = of_bundle(0)
    weights = np.eye(len(points))[1]
    mean = trained.mean_streamline(points, values, weights=weights)
    found = trained.reconstruct(points[1:2], {"bundle": values["bundle"][:1]})[0]
    gap = min(np.abs(mean - found).max(), np.abs(mean - found[::-1]).max())
    np.testing.assert_allclose(gap, 0, atol=1e-2)
    for wrong in (weights[:-1], -weights, 0 * weights, weights * np.nan):
        with pytest.raises(ValueError, match="give a number of 0 or more for each"):
            trained.mean_streamline(points, values, weights=wrong)
    with pytest.raises(ValueError, match="no streamline to average"):
        trained.mean_streamline(points[:0])


def test_a_streamline_is_its_own_nearest_neighbour(trained, arrays, known):
    points = arrays["held_out"]
    turned = points[::2, ::-1]
    distances, indices = trained.neighbours(
        turned,
        points,
        2,
        values={"bundle": known["bundle"][::2]},
        among_values=known,
    )
    np.testing.assert_array_equal(indices[:, 0], np.arange(len(points))[::2])
    np.testing.assert_allclose(distances[:, 0], 0, atol=1e-2)
    assert (distances[:, 1] > distances[:, 0]).all()
    agreement = known["bundle"][indices[:, 1]] == known["bundle"][::2]
    assert agreement.mean() > 0.9
    if trained.conditions_in_networks:
        assert agreement.all()


def test_impossible_mixtures_are_refused(make, arrays):
    model, points = make(), arrays["points"][:4]
    for given, message in (
        ((points, points, 1), "nb_steps=1: give 2 or more"),
        ((points, points[:3]), "4 streamlines and 3 to mix"),
    ):
        with pytest.raises(ValueError, match=message):
            model.interpolate(*given)
    with pytest.raises(ValueError, match="linear, spherical"):
        model.interpolate(points, points, path="curved")


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
        with pytest.raises(ValueError, match="accepted for this model are z0 to z3"):
            trained.traverse(points, "length", places, values)
        return
    for dimension in ("z4", "z01"):
        with pytest.raises(ValueError, match="z0 to z3"):
            trained.traverse(points, dimension, places, values)
    found = trained.traverse(points, "length", places, values)
    z = trained.encode(points, values)
    for step, place in enumerate(places):
        asked = {**values, "length": np.full(3, place)}
        expected = trained.decode(z, values=asked)
        np.testing.assert_allclose(found[:, step], expected, atol=1e-2)
    with pytest.raises(ValueError, match=r"along='age': accepted .* z0 to z3, length"):
        trained.traverse(points, "age", places, values)


@pytest.mark.parametrize("dimension", [-1, 4])
def test_a_dimension_that_is_not_there_is_refused(make, arrays, dimension):
    with pytest.raises(ValueError, match="accepted for this model are z0 to z3"):
        make().traverse(arrays["held_out"], dimension, [0.0])
