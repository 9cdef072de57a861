"""Streamlines whose distances are known: parallel straight lines, and real curves."""

import numpy as np
import pytest


def parallel_lines(offsets, *, length=40.0, nb_points=20):
    """Lines along x, shifted along y: their MDF is the difference of the offsets."""
    offsets = np.asarray(offsets, dtype=float)
    points = np.zeros((len(offsets), nb_points, 3), dtype=np.float32)
    points[..., 0] = np.linspace(0, length, nb_points)
    points[..., 1] = offsets[:, None]
    return points


@pytest.fixture
def lines():
    return parallel_lines


@pytest.fixture(scope="session")
def curves():
    """1,050 streamlines of 20 points in seven bundles, half of them reversed."""
    from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup

    points = simulate_fibercup(150, seed=3).resample(20)
    points[::2] = points[::2, ::-1].copy()
    return np.random.default_rng(0).permutation(points)
