import numpy as np

from dipy_tractogen.nn.training import latent_summary as description


def test_decoded_streamlines_are_limited_by_bundle():
    labels = np.repeat([0, 1, 2], [500, 10, 100])
    rng = np.random.default_rng(0)
    rows = description._stratified_rows(labels, rng, 30, 28_000)
    assert len(np.unique(rows)) == len(rows)
    np.testing.assert_array_equal(np.bincount(labels[rows]), [30, 10, 30])
