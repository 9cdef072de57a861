import numpy as np

from dipy_tractogen.nn import description


def draws(counts):
    """Rows that are drawn of combinations with so many streamlines, by combination."""
    codes = np.repeat([[0, 0], [0, 1], [2, 0]], counts, axis=0)
    rows = description._draws(codes, np.random.default_rng(0))
    cells = np.repeat([0, 1, 2], counts)[rows]
    return [rows[cells == cell] for cell in range(3)]


def test_rare_combinations_are_always_drawn(monkeypatch):
    """However many streamlines the bundle has."""
    monkeypatch.setattr(description, "_MOST_LATENTS", 50)
    many, one, few = draws([5000, 1, 20])
    assert len(np.unique(many)) == len(many) == 50
    np.testing.assert_array_equal(one, np.full(8, 5000))
    assert len(few) == 160


def test_combinations_with_few_streamlines_give_several_draws():
    some, few, enough = draws([1000, 300, 2000])
    assert [len(part) for part in (some, few, enough)] == [2000, 7 * 300, 2000]
    np.testing.assert_array_equal(np.bincount(some), np.full(1000, 2))


def test_decoded_streamlines_are_limited_by_bundle(monkeypatch):
    monkeypatch.setattr(description, "_MOST_DECODED", 30)
    labels = np.repeat([0, 1, 2], [500, 10, 100])
    rows = description._some_of_each(labels, np.random.default_rng(0))
    assert len(np.unique(rows)) == len(rows)
    np.testing.assert_array_equal(np.bincount(labels[rows]), [30, 10, 30])
