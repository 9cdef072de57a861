import numpy as np

from dipy_tractogen.streamlines.conversion import to_sequence
from dipy_tractogen.streamlines.duplicates import (
    count_duplicates,
    describe_duplicates,
    first_occurrences,
)


def curves(nb_streamlines, seed=0):
    """Bent lines, apart by millimetres."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, 25)
    bent = np.stack([40 * t, 8 * np.sin(np.pi * t), 0 * t], axis=1)
    return (bent + rng.normal(0, 3, (nb_streamlines, 1, 3))).astype(np.float32)


def test_copies_are_counted_without_the_first():
    points = curves(30)
    assert count_duplicates(points) == 0
    assert count_duplicates(np.repeat(points, 6, axis=0)) == 150
    assert count_duplicates(np.repeat(points[:1], 9, axis=0)) == 8
    assert count_duplicates(points[:0]) == 0


def test_bundles_may_share_streamlines():
    points = curves(4)[[0, 1, 2, 3, 0, 1]]
    assert count_duplicates(points, np.array([0, 0, 0, 0, 1, 1])) == 0
    assert count_duplicates(points, np.array([0, 1, 0, 0, 0, 0])) == 1


def test_copies_are_found_from_either_end_and_with_other_points():
    points = curves(5)
    assert count_duplicates(np.concatenate([points, points[:3, ::-1]])) == 3
    between = (points[:2, 1:] + points[:2, :-1]) / 2
    finer = np.empty((2, 49, 3), dtype=np.float32)
    finer[:, ::2], finer[:, 1::2] = points[:2], between
    assert count_duplicates(to_sequence([*points, *finer])) == 2


def test_near_streamlines_and_far_ones_are_no_copies():
    points = curves(5)
    assert count_duplicates(np.concatenate([points, points + np.float32(0.05)])) == 0
    assert count_duplicates(points * np.float32(1e5)) == 0


def test_first_of_the_copies_is_told():
    points = curves(3)
    assert first_occurrences(points[[2, 0, 2, 1, 1]]).tolist() == [0, 1, 0, 3, 3]


def test_only_sets_with_copies_are_described():
    points = curves(4)
    copied = np.concatenate([points, points[:1]])
    sets = {
        "real": (points, None),
        "held-out": (copied, None),
        "shared": (copied, np.array([0, 0, 0, 0, 1])),
    }
    assert describe_duplicates(sets) == [
        "Of the 5 held-out streamlines 1 are copies of others of them"
    ]
