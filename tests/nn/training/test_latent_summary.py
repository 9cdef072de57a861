import numpy as np

from dipy_tractogen.nn.training import latent_summary as description


def test_decoded_streamlines_are_limited_by_bundle(monkeypatch):
    monkeypatch.setattr(description, "_MOST_DECODED", 30)
    labels = np.repeat([0, 1, 2], [500, 10, 100])
    rows = description._stratified_rows(labels, np.random.default_rng(0))
    assert len(np.unique(rows)) == len(rows)
    np.testing.assert_array_equal(np.bincount(labels[rows]), [30, 10, 30])
