"""Subjects with profiles whose law is known."""

import numpy as np

from dipy_tractogen.norms.design import Design

NB_NODES = 40
NODES = np.linspace(0, 1, NB_NODES)
BETWEEN = 0.02
WITHIN = 0.06


def peaked(ages):
    """Return a quadratic of the age with its peak at 40, (n, 1)."""
    return 0.5 - 0.1 * ((np.asarray(ages)[:, None] - 40) / 30) ** 2


def smooth_draws(rng, nb_draws, deviation):
    """Draw profiles of about a deviation, smooth but for a little."""
    waves = np.cos(np.pi * np.outer(np.arange(6), NODES))
    waves /= np.sqrt((waves**2).sum(axis=0).mean())
    smooth = rng.standard_normal((nb_draws, 6)) @ waves
    return deviation * (smooth + 0.3 * rng.standard_normal((nb_draws, NB_NODES)))


def within_covariance():
    """Return the covariance of the nodes of single streamlines."""
    draws = smooth_draws(np.random.default_rng(99), 4000, WITHIN)
    return np.cov(draws.T)


def draw_subjects(seed, nb_subjects, counts=(20, 200)):
    """Draw conditions, profiles and numbers of streamlines of subjects."""
    rng = np.random.default_rng(seed)
    values = {
        "age": rng.uniform(20, 80, nb_subjects),
        "sex": rng.choice(["F", "M"], nb_subjects),
    }
    numbers = rng.integers(*counts, nb_subjects, endpoint=True)
    profiles = peaked(values["age"]) + 0.02 * np.sin(6 * NODES)
    profiles = profiles + 0.01 * (values["sex"] == "M")[:, None]
    profiles += smooth_draws(rng, nb_subjects, BETWEEN)
    profiles += (
        smooth_draws(rng, nb_subjects, 1.0) * (WITHIN / np.sqrt(numbers))[:, None]
    )
    return values, profiles, numbers


def fit(model, values, profiles, counts=None):
    """Fit a model to subjects; return it with a function that gives designs."""
    design = Design.of(values)
    model.fit(
        design.matrix(values, len(profiles)),
        profiles,
        groups=design.groups,
        nb_streamlines=counts,
        within=within_covariance() if counts is not None else None,
    )
    return model, lambda others, n: design.matrix(others, n)
