"""Models so small that a training takes a moment."""

import keras
import numpy as np
import pytest

from dipy_tractogen import nn
from dipy_tractogen.nn import StreamlineModel

NB_POINTS = 24


def models() -> list[str]:
    """Names of the models that a file may hold."""
    public = {name: getattr(nn, name) for name in nn.__all__}
    return [
        name
        for name, each in public.items()
        if isinstance(each, type)
        and issubclass(each, StreamlineModel)
        and each is not StreamlineModel
    ]


@pytest.fixture(scope="session")
def arrays(phantom):
    """Training and held-out points and labels of the tiny phantom."""
    training, held_out = phantom.split(0.25, seed=0)
    return {
        "points": training.resample(NB_POINTS),
        "labels": training.labels,
        "bundle_names": training.bundle_names,
        "held_out": held_out.resample(NB_POINTS),
        "held_out_labels": held_out.labels,
    }


@pytest.fixture(scope="session")
def known(arrays):
    """What a model that reads conditions must be told of held-out streamlines."""
    return {"bundle": np.array(arrays["bundle_names"])[arrays["held_out_labels"]]}


@pytest.fixture(scope="session", params=models())
def model_class(request):
    """Each model that a file may hold."""
    return getattr(nn, request.param)


@pytest.fixture(scope="session")
def make(model_class):
    """Make a small model of the class under test."""

    def make(**options):
        small = {"hidden_units": (32, 32)}
        return model_class(NB_POINTS, 4, **{"backbone_options": small, **options})

    return make


@pytest.fixture(scope="session")
def already_trained():
    """Models by class: a fixture with parameters is made anew for each file."""
    return {}


@pytest.fixture(scope="session")
def trained(make, model_class, arrays, already_trained):
    """A model of the class under test after some epochs; not to be changed."""
    if model_class not in already_trained:
        model = make()
        model.fit(**arrays, epochs=150)
        already_trained[model_class] = model
    return already_trained[model_class]


@pytest.fixture(autouse=True)
def _forget_graphs(monkeypatch):
    """Let go of the graphs of a training, which make the tracing of others slow."""
    trained = []
    fit = keras.Model.fit

    def watched(*args, **kwargs):
        trained.append(True)
        return fit(*args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", watched)
    yield
    if trained:
        keras.utils.clear_session(free_memory=True)


@pytest.fixture(scope="session")
def lines():
    """Two bundles of lines whose length, age and group say all but one thing.

    They are centred at ``x``, which nothing says, and at a height of a millimetre a
    year; one bundle runs along x, the other along y; patients lie 5 mm apart.
    """
    rng = np.random.default_rng(0)
    nb_lines = 240
    labels = np.arange(nb_lines) % 2
    length, age = rng.uniform(40, 80, nb_lines), rng.uniform(40, 60, nb_lines)
    group = rng.choice(["control", "patient"], nb_lines)
    along = np.linspace(-0.5, 0.5, NB_POINTS) * length[:, None]
    points = np.zeros((nb_lines, NB_POINTS, 3), dtype=np.float32)
    points[np.arange(nb_lines), :, labels] = along
    points[..., 0] += rng.normal(0, 3, (nb_lines, 1))
    points[..., 1] += 5.0 * (group == "patient")[:, None]
    points[..., 2] = age[:, None]
    values = {"age": age, "group": group}
    return {
        "points": points[:192],
        "labels": labels[:192],
        "bundle_names": ("x", "y"),
        "values": {name: each[:192] for name, each in values.items()},
        "units": {"age": "years"},
        "held_out": points[192:],
        "held_out_labels": labels[192:],
        "held_out_values": {name: each[192:] for name, each in values.items()},
    }


@pytest.fixture(scope="session")
def of_held_out(lines):
    """All that is known of the held-out lines, by name."""
    return {
        **lines["held_out_values"],
        "bundle": np.array(["x", "y"])[lines["held_out_labels"]],
    }
