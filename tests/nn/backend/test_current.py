"""What each backend needs of its own: the tests are of the one that is in use."""

import ast
from pathlib import Path
import signal

import keras
from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn import backend
from dipy_tractogen.nn.coder import in_batches
from dipy_tractogen.nn.layers import normal_noise, seed_generator
from dipy_tractogen.parameters.model import LARGEST_SEED
from dipy_tractogen.utils import memmap as store

FOLDER = Path(backend.__file__).parent
NB_STREAMLINES, BATCH_SIZE = 23, 4


class Line(keras.Model):
    """Weights that a step of gradient descent lowers by the mean of its batch."""

    def __init__(self):
        super().__init__()
        self.noise = keras.random.SeedGenerator(0)
        self.line = self.add_weight(shape=(2,), initializer="zeros", name="line")
        self.mean = keras.metrics.Mean(name="mean")
        self.built = True

    def call(self, inputs, training=None):
        return ops.matmul(inputs["features"], self.line)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **_):
        self.mean.update_state(x["features"][:, 0])
        return ops.mean(y_pred)


@pytest.fixture
def current():
    return backend.current()


@pytest.fixture
def inputs():
    """Each streamline is a power of two, so that their sums say which they were."""
    features = np.zeros((NB_STREAMLINES, 2), np.float32)
    features[:, 0] = 2.0 ** np.arange(NB_STREAMLINES)
    features[:, 1] = np.arange(NB_STREAMLINES)
    return {"features": features}


def public(path):
    """Names and arguments of what a module offers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: [argument.arg for argument in getattr(node, "args", node).args]
        if isinstance(node, ast.FunctionDef)
        else None
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and "batches" not in node.name
    }


def test_backends_offer_the_same():
    offered = [public(FOLDER / f"{name}.py") for name in backend.BACKENDS]
    assert len(offered[0]) == 10
    assert offered[1] == offered[0]
    assert offered[2] == offered[0]


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_noise(current, kind):
    draw = getattr(current, kind)
    seeds = keras.random.SeedGenerator(3)
    first, second = (ops.convert_to_numpy(draw((2000, 2), seeds)) for _ in range(2))
    again = ops.convert_to_numpy(draw((2000, 2), keras.random.SeedGenerator(3)))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, second).all()
    mean, deviation = {"normal": (0, 1), "uniform": (0.5, 12**-0.5)}[kind]
    assert first.mean() == pytest.approx(mean, abs=0.06)
    assert first.std() == pytest.approx(deviation, abs=0.06)
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.1


@pytest.mark.parametrize("seed", [0, 2**31, LARGEST_SEED, LARGEST_SEED + 1])
def test_seeds_of_32_bits_have_noise_of_their_own(seed):
    def first_two(seed):
        source = seed_generator(seed)
        return [_numpy(normal_noise((8,), source)) for _ in range(2)]

    noise = first_two(seed)
    np.testing.assert_array_equal(noise, first_two(seed % 2**32))
    # The draws of a seed are not those of the next one, moved by one.
    others = [*first_two(seed + 1), *first_two(seed + 2**31)]
    for one in noise:
        assert not any(np.array_equal(one, other) for other in others)


def test_gradient(current):
    inputs = ops.convert_to_tensor(np.array([[1.0, 2.0], [3.0, -1.0]], np.float32))
    slope = current.gradient(lambda x: ops.sum(x**3, axis=1), inputs)
    expected = [[3.0, 12.0], [27.0, 3.0]]
    np.testing.assert_allclose(_numpy(slope), expected)


class Steep(Line):
    """Its loss is the squared gradient of the output, which is that of the weights."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **_):
        def output(features):
            return ops.matmul(features, self.line)

        slope = backend.current().gradient(output, x["features"])
        return ops.mean(ops.sum(ops.square(slope), axis=1))


def test_loss_may_hold_a_gradient(current, inputs):
    """A step of a quarter of the loss's gradient halves the weights."""
    network = Steep()
    network.line.assign([4.0, -2.0])
    fit(current, network, inputs, 3)
    np.testing.assert_allclose(_numpy(network.line), [0.5, -0.25])


@pytest.mark.parametrize("nb_rows", [0, 1, 70, 4096 + 3])
def test_compiled_function_gives_each_row(current, nb_rows):
    network = Line()
    function = current.compiled(
        lambda features: {"out": network({"features": features})}, network
    )
    features = np.arange(2 * nb_rows, dtype=np.float32).reshape(nb_rows, 2)
    for weights in ([1.0, 0.0], [0.0, 2.0]):
        network.line.assign(weights)
        (given,) = in_batches(function, features).values()
        assert given.shape == (nb_rows,)
        np.testing.assert_array_equal(given, features @ weights)


@pytest.mark.skipif(backend.backend_name() != "torch", reason="words of PyTorch")
@pytest.mark.parametrize(
    ("said", "is_lack"),
    [
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("CUDA error: out of memory", True),
        ("CUDA error: device-side assert triggered", False),
    ],
)
def test_lack_of_memory_beside_the_allocator(current, said, is_lack):
    assert current.is_out_of_memory(RuntimeError(said)) == is_lack


def test_memory_error_says_what_to_do(current, monkeypatch):
    monkeypatch.setattr(
        current, "is_out_of_memory", lambda error: isinstance(error, RuntimeError)
    )
    with (
        pytest.raises(MemoryError, match="give less"),
        backend.memory_error("give less"),
    ):
        raise RuntimeError("OOM\nwhen allocating")
    with pytest.raises(KeyError), backend.memory_error("give less"):
        raise KeyError


def test_lack_of_memory_is_told_from_other_errors(current):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        ops.zeros((2**20, 2**22))
    assert current.is_out_of_memory(caught.value)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        ops.matmul(ops.ones((1, 2)), ops.ones((3, 1)))
    assert not current.is_out_of_memory(caught.value)


def fit(current, network, inputs, nb_steps, per_call=1, callbacks=(), **options):
    """Train for some steps; return what streamlines were in them, by step."""
    optimizer = keras.optimizers.SGD(0.25)
    training = current.Training(network, optimizer, BATCH_SIZE, per_call)
    watch = Weights()
    network.fit(
        training.data(inputs, 5, **options),
        shuffle=False,
        steps_per_epoch=training.keras_steps(nb_steps),
        epochs=1,
        verbose=0,
        callbacks=[watch, *callbacks],
    )
    training.close()
    return watch.seen


class Weights(keras.callbacks.Callback):
    """Note the weights and the number of the step, as callbacks see them."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        steps = int(self.model.optimizer.iterations)
        self.seen.append((steps, _numpy(self.model.line)))


def test_steps_meet_every_streamline_once_in_a_pass(current, inputs):
    """Batches run on across the ends of passes, each of which has its own order."""
    network = Line()
    nb_steps = NB_STREAMLINES
    fit(current, network, inputs, nb_steps)
    # Four passes.
    expected = -0.25 * inputs["features"].sum(axis=0)
    np.testing.assert_allclose(_numpy(network.line), expected, rtol=1e-5)


@pytest.mark.parametrize("is_balanced", [False, True])
def test_steps_are_the_same_however_many_are_in_a_call(current, inputs, is_balanced):
    labels = np.repeat([0, 1, 2], [14, 8, 1])
    options = {"balanced": labels if is_balanced else None}
    one = fit(current, Line(), inputs, 12, **options)
    many = fit(current, Line(), inputs, 12, per_call=4, **options)
    assert [steps for steps, _ in one] == list(range(1, 13))
    assert [steps for steps, _ in many] == [4, 8, 12]
    for (_, line), (_, expected) in zip(many, one[3::4], strict=True):
        np.testing.assert_array_equal(line, expected)


def test_streamlines_of_mapped_files_are_those_of_memory(current, inputs, monkeypatch):
    expected = fit(current, Line(), inputs, 12, per_call=3)
    monkeypatch.setattr(store, "LARGE", 0)
    seen = fit(current, Line(), inputs, 12, per_call=3)
    for (_, line), (_, other) in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(line, other)


def test_steps_go_on_where_they_were(current, inputs):
    network, whole = Line(), Line()
    fit(current, network, inputs, 8, per_call=2)
    fit(current, network, inputs, 6, per_call=2, start_step=8)
    fit(current, whole, inputs, 14, per_call=2)
    np.testing.assert_array_equal(_numpy(network.line), _numpy(whole.line))


def test_bundles_that_are_balanced_give_as_many(current, inputs):
    """Two passes of eight streamlines a bundle, one of which has a single one."""
    labels = np.repeat([0, 1, 2], [14, 8, 1])
    features = np.eye(3, dtype=np.float32)[labels][:, 1:]
    network = Line()
    fit(current, network, {"features": features}, 12, balanced=labels)
    np.testing.assert_allclose(_numpy(network.line), [-1.0, -1.0], rtol=1e-6)


@pytest.mark.parametrize("nb_held_out", [3, 8, 9])
@pytest.mark.parametrize("largest_part", [16, store.LARGE])
def test_all_held_out_streamlines_are_looked_at(
    current, inputs, nb_held_out, largest_part, monkeypatch
):
    monkeypatch.setattr(store, "LARGE", largest_part)
    network = Line()
    network.line.assign([0.0, 1.0])
    optimizer = keras.optimizers.SGD(0.25)
    training = current.Training(network, optimizer, BATCH_SIZE, 1)
    held = {"features": inputs["features"][:nb_held_out]}
    data = training.held_out(held)
    for _ in range(2):
        logs = network.evaluate(data, verbose=0, return_dict=True)
        expected = held["features"].mean(axis=0)
        assert logs == {"mean": expected[0], "loss": expected[1]}
    assert _numpy(network.line).tolist() == [0.0, 1.0]


class Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_interrupted_steps_leave_the_last_weights(current, inputs):
    network = Line()
    with pytest.raises(KeyboardInterrupt):
        fit(current, network, inputs, 3, callbacks=[Interrupt()])
    expected = fit(current, Line(), inputs, 1)
    np.testing.assert_array_equal(_numpy(network.line), expected[0][1])


class Slow(Line):
    def compute_loss(self, x, *args, **kwargs):
        # Of no value, and not known to be.
        product = ops.ones((800, 800)) * x["features"][0, 0]
        for _ in range(3):
            product = ops.tanh(ops.matmul(product, product))
        return super().compute_loss(x, *args, **kwargs) + 0 * ops.sum(product)


class Alarm(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            signal.setitimer(signal.ITIMER_REAL, 0.05)


def test_signal_interrupts_the_steps(current, inputs):
    """Libraries may drop what is raised while they wait for a device."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(current, Slow(), inputs, 60, callbacks=[Alarm()])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Broken(Line):
    def compute_loss(self, *_, **__):
        raise KeyboardInterrupt


def test_interrupt_within_a_call_leaves_the_weights_before_it(current, inputs):
    """They are all there, those of metrics and optimiser too."""
    network = Broken()
    network.line.assign([1.0, 2.0])
    with pytest.raises(KeyboardInterrupt):
        fit(current, network, inputs, 3)
    assert _numpy(network.line).tolist() == [1.0, 2.0]
    for variable in [*network.variables, *network.optimizer.variables]:
        assert np.isfinite(_numpy(variable)).all(), variable.path


def test_weights_that_were_kept_stay(current, inputs):
    network = Line()
    network.line.assign([1.0, 2.0])
    kept = current.weights_of(network)
    fit(current, network, inputs, 3)
    assert _numpy(network.line).tolist() != [1.0, 2.0]
    network.set_weights(kept)
    assert _numpy(network.line).tolist() == [1.0, 2.0]
    fit(current, network, inputs, 3)
    network.set_weights(kept)
    assert _numpy(network.line).tolist() == [1.0, 2.0]


def _numpy(variable):
    return np.array(ops.convert_to_numpy(variable))
