"""Results do not depend on what the user has set in Keras, which stays as it was."""

from functools import cache
from pathlib import Path
import threading

import keras
from keras import config
from keras.src.backend.common import global_state
import numpy as np
import pytest

from dipy_tractogen.nn import (
    AE,
    CVAE,
    LabelRegularizer,
    backend,
    load_model,
)
from dipy_tractogen.nn.backend import forget_graphs, keras_defaults, settings
from dipy_tractogen.nn.backend.settings import check_settings

from ..conftest import NB_POINTS


def _plain_doubles():
    """Set what Keras takes from keras.json: no policy, which then follows floatx."""
    config.set_floatx("float64")
    global_state.set_global_attribute("dtype_policy", None)


def _quantised():
    config.set_floatx("float64")
    config.set_dtype_policy("int8_from_float32")


def _halves():
    config.set_floatx("float16")
    config.set_dtype_policy("mixed_float16")
    config.set_image_data_format("channels_first")
    config.set_epsilon(0.1)
    config.set_max_epochs(1)
    config.set_max_steps_per_epoch(1)


SETTINGS = {
    "halves": _halves,
    "plain doubles": _plain_doubles,
    "quantised": _quantised,
}


@pytest.fixture
def _settings_put_back():
    """Put Keras's own settings back."""
    yield
    config.set_floatx("float32")
    config.set_dtype_policy("float32")
    config.set_image_data_format("channels_last")
    config.set_epsilon(1e-7)
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


def current():
    return (
        config.floatx(),
        config.dtype_policy().name,
        config.image_data_format(),
        config.epsilon(),
        config.max_epochs(),
        config.max_steps_per_epoch(),
    )


@pytest.fixture(scope="module")
def results(arrays, known, tmp_path_factory):
    """Train, reconstruct, generate, save and load a model of either backbone."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "spectral": lambda: CVAE(
            NB_POINTS,
            3,
            backbone_options={"hidden_units": (8,), "batch_normalisation": True},
            deviation="softplus",
            regularizers=[LabelRegularizer()],
        ),
        "conv": lambda: AE(
            NB_POINTS, 3, backbone="conv", backbone_options={"filters": (4, 6)}
        ),
    }

    def results(backbone):
        model = made[backbone]()
        model.fit(**arrays, epochs=1)
        points = model.reconstruct(arrays["held_out"], known)
        drawn, _ = model.generate(5, seed=0)
        path = folder / "model.keras"
        model.save(path)
        by_keras = backbone == "conv"
        loaded = keras.saving.load_model(path).owner if by_keras else load_model(path)
        again = loaded.reconstruct(arrays["held_out"], known)
        np.testing.assert_array_equal(again, points)
        return [*model.network.get_weights(), points, drawn]

    return results


@pytest.fixture(scope="module")
def usual(results):
    """Return a function for the results with Keras's own settings."""
    return cache(results)


# Layers and losses read them by the same code on all backends: on the others, those of
# one backbone show that the steps do so.
CASES = [("spectral", "halves"), ("spectral", "plain doubles")]
if backend.backend_name() == "tensorflow":
    CASES += [("spectral", "quantised"), ("conv", "halves")]


# Keras on JAX, when it reads a file with the user's settings, outside of the package.
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")
@pytest.mark.usefixtures("_settings_put_back")
@pytest.mark.parametrize(("backbone", "name"), CASES)
def test_results_are_those_of_the_defaults(usual, results, backbone, name):
    expected = usual(backbone)
    SETTINGS[name]()
    before = current()
    found = results(backbone)
    assert current() == before
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        if backbone == "spectral":
            np.testing.assert_array_equal(one, other)
        else:
            # Under load, convolutions were once seen to round a weight otherwise.
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("_settings_put_back")
def test_settings_survive_blocks_in_threads_and_what_is_raised():
    _halves()
    before = current()
    inner, outer = threading.Event(), threading.Event()

    def other():
        with keras_defaults():
            inner.set()
            outer.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inner.wait(10)
    with pytest.raises(RuntimeError, match="inside"), keras_defaults():
        raise RuntimeError("inside")
    assert config.floatx() == "float32"
    outer.set()
    thread.join()
    assert current() == before
    forget_graphs()
    assert current() == before


@pytest.mark.parametrize(
    ("content", "variables", "said"),
    [
        ('{"floatx": "float128"}', {}, "floatx is 'float128'; expected one of float16"),
        ('{"epsilon": 1}', {}, "epsilon is 1; expected a number with a decimal point"),
        ("[]", {}, "it is a list of 0; expected an object"),
        ("{}", {"KERAS_MAX_EPOCHS": "few"}, "KERAS_MAX_EPOCHS=few"),
        ("{}", {"KERAS_NNX_ENABLED": "True"}, "KERAS_NNX_ENABLED is set: unset it"),
        ('{"nnx_enabled": true}', {}, r"keras.json: nnx_enabled is true: unset it"),
    ],
)
def test_settings_that_keras_cannot_be_imported_with(
    tmp_path, monkeypatch, content, variables, said
):
    (tmp_path / "keras.json").write_text(content)
    for name, value in {"KERAS_HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImportError, match=said):
        check_settings()


@pytest.mark.parametrize("content", ["{broken", '{"backend": "nothere"}', None])
def test_settings_that_keras_passes_over(tmp_path, monkeypatch, content):
    if content is not None:
        (tmp_path / "keras.json").write_text(content)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    check_settings()


def test_nnx_of_the_file_that_a_variable_switches_off(tmp_path, monkeypatch):
    (tmp_path / "keras.json").write_text('{"nnx_enabled": true}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_NNX_ENABLED", "0")
    check_settings()


@pytest.mark.parametrize(
    ("home", "is_writable", "expected"),
    [
        (None, True, "~/.keras/keras.json"),
        (None, False, "/tmp/.keras/keras.json"),
        ("~/elsewhere", False, "~/elsewhere/keras.json"),
        ("", True, "keras.json"),
    ],
)
def test_file_is_looked_for_where_keras_does(
    tmp_path, monkeypatch, home, is_writable, expected
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("KERAS_HOME", home)
    monkeypatch.setattr("os.access", lambda path, mode: is_writable)
    assert settings._keras_json() == Path(expected).expanduser()


def test_numbers_are_not_rounded_to_tf32_in_the_body(monkeypatch):
    """Of TensorFlow and PyTorch; JAX takes that for each function that it compiles."""
    rounded = {"TF32": True}
    switch = (rounded.copy, rounded.update, {"TF32": False})
    monkeypatch.setattr(backend.current(), "precision_settings", lambda: [switch])
    with keras_defaults():
        assert not rounded["TF32"]
    assert rounded["TF32"]


def test_precision_is_full_in_the_body_and_the_users_afterwards():
    settings = backend.current().precision_settings()
    before = [get() for get, _, _ in settings]
    with keras_defaults():
        assert [get() for get, _, _ in settings] == [full for *_, full in settings]
    assert [get() for get, _, _ in settings] == before
    # On TensorFlow and PyTorch it is a setting of the process.
    assert bool(settings) == (backend.backend_name() != "jax")


@pytest.mark.skipif(backend.backend_name() != "jax", reason="a setting of JAX")
def test_jax_compiles_products_of_decoding_at_full_precision(arrays):
    import jax

    model = AE(NB_POINTS, 3, backbone_options={"hidden_units": (8,)})
    seen, restore = [], model.network.standardise.restore
    model.network.standardise.restore = lambda z: (
        seen.append(jax.config.jax_default_matmul_precision) or restore(z)
    )
    fit = model.network.fit
    model.network.fit = lambda *given, **options: (
        fit(*given, **options),
        seen.append("end of steps"),
    )
    model.fit(arrays["points"], epochs=1)
    model.decode(np.zeros((1, 3)))
    end = seen.index("end of steps")
    assert set(seen[:end]) == {"tensorfloat32"}
    assert set(seen[end + 1 :]) == {"float32"}
    assert jax.config.jax_default_matmul_precision is None
