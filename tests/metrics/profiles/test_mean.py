from dataclasses import replace

from dipy.io.image import save_nifti
from dipy.stats.analysis import afq_profile, assignment_map
from dipy.stats.analysis import gaussian_weights as dipy_weights
from dipy.tracking.streamline import Streamlines
from dipy.workflows.stats import buan_bundle_profiles
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from dipy_tractogen.metrics.profiles import (
    bundle_profile,
    gaussian_weights,
    streamline_profiles,
)
from dipy_tractogen.streamlines.formats.writers import save_bundles
from dipy_tractogen.streamlines.geometry import resample
from dipy_tractogen.streamlines.io import load_bundles
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

NAME = "bundle_3"


@pytest.fixture(scope="module")
def bundle():
    """One bundle with points every 2 mm, within the centres of the outer voxels."""
    every = simulate_fibercup(12, step=2.0, varying_ends=0.3, thickness=4.0, seed=2)
    return every.select(every.labels == every.bundle_names.index(NAME))


@pytest.fixture(scope="module")
def image(bundle):
    """A smooth map on the grid of the phantom."""
    noise = np.random.default_rng(0).random(bundle.reference.dimensions)
    smooth = gaussian_filter(noise, (2, 2, 0))
    return 0.5 + (smooth - smooth.mean()) / smooth.std() / 20


def at_points(image, affine, points):
    """Values of a map at points, as DIPY samples them."""
    inverse = np.linalg.inv(affine)
    voxels = points @ inverse[:3, :3].T + inverse[:3, 3]
    return map_coordinates(image, voxels.T, order=1)


def sampled(bundle, image):
    return at_points(image, bundle.reference.affine, bundle.streamlines.get_data())


def test_profile_is_linear_between_points():
    # Arc lengths 0, 1 and 4 mm.
    points = np.array([[[0, 0, 0], [1, 0, 0], [1, 3, 0]]], dtype=np.float32)
    found = streamline_profiles(points, [0.0, 1.0, 4.0], 5)
    np.testing.assert_allclose(found, [[0, 1, 2, 3, 4]], rtol=1e-6)


def test_profiles_of_streamlines_do_not_mix(bundle):
    numbers = np.arange(len(bundle), dtype=float)
    values = np.repeat(numbers, bundle.streamlines._lengths)
    found = streamline_profiles(bundle, values[:, None])
    assert len(set(bundle.streamlines._lengths)) > 1
    np.testing.assert_allclose(found, np.tile(numbers[:, None], 100), atol=1e-6)


def test_mean_profile_is_that_of_afq(bundle, image):
    """Of DIPY, on which pyAFQ is built; at points that are the nodes, exactly."""
    affine = bundle.reference.affine
    points = resample(bundle, 100)
    values = at_points(image, affine, points.reshape(-1, 3))
    streamlines = Streamlines(points)
    expected = afq_profile(image, streamlines, affine, n_points=100)
    assert np.ptp(expected) > 0.02
    np.testing.assert_allclose(bundle_profile(points, values), expected, atol=1e-6)
    weights = dipy_weights(streamlines)
    expected = afq_profile(
        image, streamlines, affine, n_points=100, weights=dipy_weights
    )
    weighted = bundle_profile(points, values, weights="gaussian")
    np.testing.assert_allclose(gaussian_weights(points), weights, rtol=1e-3)
    np.testing.assert_allclose(weighted, expected, atol=1e-5)


def test_mean_profile_of_other_points_is_nearly_that_of_afq(bundle, image):
    affine = bundle.reference.affine
    expected = afq_profile(image, bundle.streamlines, affine, n_points=100)
    found = bundle_profile(bundle, sampled(bundle, image))
    # Values at points 2 mm apart, of a map with voxels of 3 mm.
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_dipy_buan_profiles_has_the_same_from_our_files(
    bundle, image, tmp_path, monkeypatch
):
    """What dipy_buan_profiles writes, by a map, of a TRX with our values."""
    values = sampled(bundle, image)
    for name in ("model", "bundles"):
        (tmp_path / name).mkdir()
        save_bundles(
            tmp_path / name / f"{NAME}.trx",
            replace(bundle, data_per_point={"FA": values}),
        )
    (tmp_path / "maps").mkdir()
    save_nifti(str(tmp_path / "maps" / "fa.nii.gz"), image, bundle.reference.affine)
    tables = []

    def keep(path, table):
        # Only the file needs pandas.
        tables.append({**table})

    monkeypatch.setattr("dipy.stats.analysis.save_buan_profiles_hdf5", keep)
    folders = [tmp_path / name for name in ("model", "bundles", "bundles", "maps")]
    buan_bundle_profiles(*folders, 0, "sub-001")
    (table,) = tables
    ours = load_bundles(tmp_path / "bundles" / f"{NAME}.trx", values=["FA"])
    _, index = assignment_map(ours.streamlines, bundle.streamlines, 100)
    np.testing.assert_array_equal(index + 1, table["disk"])
    by_disk = [
        np.bincount(index, each, 100) / np.maximum(np.bincount(index), 1)
        for each in (ours.data_per_point["FA"][:, 0], table["fa"])
    ]
    assert np.ptp(by_disk[1]) > 0.02
    np.testing.assert_allclose(*by_disk, atol=1e-5)


def test_points_without_a_value_have_no_part():
    points = resample(simulate_fibercup(2, seed=0), 10)[:3]
    values = np.tile([1.0, 2.0, 6.0], (10, 1)).T
    values[0, :5] = np.nan
    values[:, 9] = np.nan
    found = bundle_profile(points, values.ravel(), 10)
    np.testing.assert_allclose(found[:5], 4)
    np.testing.assert_allclose(found[6:8], 3)
    assert np.isnan(found[9])


def test_streamlines_count_by_their_weights():
    points = resample(simulate_fibercup(2, seed=0), 10)[:2]
    values = np.repeat([1.0, 3.0], 10)
    weights = np.repeat([[1.0], [3.0]], 4, axis=1)
    found = bundle_profile(points, values, 4, weights=weights)
    np.testing.assert_allclose(found, 2.5)


def test_weights_of_streamlines_in_one_place_are_alike():
    points = np.tile(np.arange(5.0)[:, None], (3, 1, 3))
    np.testing.assert_allclose(gaussian_weights(points), 1 / 3)
    np.testing.assert_allclose(gaussian_weights(points[:1]), 1)


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (np.zeros(19), {}, "are given for 20 points of 2 streamlines"),
        (np.zeros((20, 2)), {}, "one for each point"),
        (np.zeros(20), {"nb_nodes": 1}, "nb_nodes=1"),
        (np.zeros(20), {"weights": "none"}, "weights='none'"),
        (np.zeros(20), {"weights": np.ones(2)}, "one a streamline and node"),
    ],
)
def test_what_does_not_fit_is_refused(values, options, said):
    points = np.random.default_rng(0).random((2, 10, 3))
    with pytest.raises(ValueError, match=said):
        bundle_profile(points, values, **options)


def test_single_points_have_no_profile():
    with pytest.raises(ValueError, match="fewer than two points"):
        streamline_profiles([np.zeros((1, 3))], [0.0])


def test_no_streamline_has_no_profile():
    assert streamline_profiles(np.zeros((0, 5, 3)), np.zeros(0)).shape == (0, 100)
