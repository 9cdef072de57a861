"""Means and covariances of normal subjects, whose posteriors are known."""

import numpy as np
import pytest

from dipy_tractogen.sampling.subject.prior import SubjectPrior

WITHIN = np.array([[4.0, 1.0], [1.0, 2.0]])


@pytest.mark.parametrize("nb_streamlines", [1, 5, 20, 5000])
def test_posterior_of_one_number_is_the_analytic_one(nb_streamlines):
    prior = SubjectPrior(np.eye(1) * 9, np.eye(1) * 4, strength=10)
    scatter = np.eye(1) * 16 * nb_streamlines
    shift, covariance = prior.posterior(nb_streamlines, np.array([3.0]), scatter)
    gain = 4 / (4 + 9 / nb_streamlines)
    assert shift[0] == pytest.approx(3 * gain)
    assert prior.weight(nb_streamlines) == pytest.approx(gain)
    expected = (10 * 9 + nb_streamlines * 16) / (10 + nb_streamlines)
    assert covariance[0, 0] == pytest.approx(expected)


def test_few_streamlines_say_little_and_many_almost_all():
    prior = SubjectPrior.default(WITHIN)
    difference, scatter = np.array([2.0, -1.0]), np.diag([8.0, 1.0])
    weights = {}
    for nb_streamlines in (5, 10, 5000):
        found = prior.posterior(nb_streamlines, difference, scatter * nb_streamlines)
        weight = weights[nb_streamlines] = prior.weight(nb_streamlines)
        np.testing.assert_allclose(found[0], weight * difference)
        own = np.linalg.norm(found[1] - scatter) / np.linalg.norm(WITHIN - scatter)
        assert own == pytest.approx(40 / (40 + nb_streamlines))
    assert weights[5] == pytest.approx(1 / 3)
    assert weights[10] == pytest.approx(0.5)
    assert weights[5000] > 0.99


def test_directions_in_which_subjects_do_not_differ_are_the_models():
    prior = SubjectPrior(np.eye(2), np.diag([1.0, 1e-9]), strength=10)
    shift, _ = prior.posterior(10, np.ones(2), np.eye(2) * 10)
    np.testing.assert_allclose(shift, [10 / 11, 0], atol=1e-6)
