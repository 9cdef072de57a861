"""Weights of the published network, in a checkpoint as PyTorch names them."""

from contextlib import nullcontext
import sys
from types import SimpleNamespace

from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn.archive.published import load_published
from dipy_tractogen.nn.backend import backend_name

NB_POINTS, LATENTS = 64, 5
FILTERS = (2, 3, 4, 5, 6, 8)


class Tensor:
    """What is used of a tensor of PyTorch."""

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        return self.array.shape

    def detach(self):
        return self

    def float(self):
        return self

    def numpy(self):
        return self.array


def state(filters=FILTERS, kernel_size=3):
    """Random weights of a small network of the same layers."""
    rng = np.random.default_rng(0)
    cells = NB_POINTS // 32
    shapes = {}
    channels = (3, *filters)
    for number in range(1, 7):
        shapes[f"encod_conv{number}"] = (channels[number], channels[number - 1])
        shapes[f"decod_conv{number}"] = (channels[6 - number], channels[7 - number])
    shapes = {name: (*shape, kernel_size) for name, shape in shapes.items()}
    shapes["fc1"] = (LATENTS, filters[-1] * cells)
    shapes["fc2"] = (filters[-1] * cells, LATENTS)
    weights = {}
    for name, shape in shapes.items():
        scale = 2 / np.sqrt(np.prod(shape[1:]))
        weights[f"{name}.weight"] = rng.normal(0, scale, shape).astype("float32")
        weights[f"{name}.bias"] = rng.normal(size=shape[0]).astype("float32")
    return weights


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """Stand in for PyTorch: a file, and a module that reads it."""
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")

    def write(content):
        def load(file, *, map_location, weights_only):
            assert file == path
            assert map_location == "cpu"
            assert weights_only is True
            if isinstance(content, Exception):
                raise content
            return content

        if backend_name() == "torch":
            monkeypatch.setattr("torch.load", load)
            return path
        serialization = SimpleNamespace(safe_globals=lambda allowed: nullcontext())
        torch = SimpleNamespace(
            load=load, serialization=serialization, __version__="2.10.0+cpu"
        )
        monkeypatch.setitem(sys.modules, "torch", torch)
        return path

    return write


def tensors(weights, prefix="", infix=""):
    names = {name: name.rpartition(".") for name in weights}
    return {
        f"{prefix}{layer}{infix}.{kind}": Tensor(weights[name])
        for name, (layer, _, kind) in names.items()
    }


@pytest.mark.parametrize(
    "content",
    [
        tensors(state()),
        tensors(state(), infix=".1"),
        {"epoch": 3, "state_dict": tensors(state(), prefix="module.")},
        {**tensors(state()), "running_loss": 0.5},
        {"net": tensors(state()), "acc": np.float64(3), "optimizer": {"state": {}}},
        {"model_state": {"model": tensors(state(), prefix="_orig_mod.module.")}},
    ],
    ids=["plain", "in a Sequential", "wrapped", "with others", "net", "within others"],
)
def test_sizes_and_weights_are_read(checkpoint, content):
    weights = state()
    model = load_published(checkpoint(content))
    assert model.nb_points == NB_POINTS
    assert model.latent_dim == LATENTS
    assert model.backbone.filters == FILTERS
    np.testing.assert_array_equal(model.network.z_mean.kernel, weights["fc1.weight"].T)
    last = model.network.decoder.layers[-1]
    np.testing.assert_array_equal(last.bias, weights["decod_conv6.bias"])
    np.testing.assert_array_equal(last.kernel, weights["decod_conv6.weight"].T)


def test_points_go_in_as_they_are(checkpoint):
    model = load_published(checkpoint(tensors(state())))
    points = np.full((2, NB_POINTS, 3), 50, dtype="float32")
    np.testing.assert_array_equal(model.network.standardise(points), points)


def test_other_kernel_sizes_are_read(checkpoint):
    model = load_published(checkpoint(tensors(state(kernel_size=1))))
    assert model.backbone.kernel_size == 1


def test_bad_checkpoints_are_refused(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_published(tmp_path / "none.pt")
    for content, said in (
        (RuntimeError("bad magic"), r"PyTorch \(bad magic\)"),
        (EOFError(), r"PyTorch \(EOFError\)"),
        (ValueError("Unsupported GLOBAL a.Net was"), r"it holds a a\.Net"),
        (KeyError("x"), "cannot be read as weights"),
    ):
        with pytest.raises(ValueError, match=said):
            load_published(checkpoint(content))
    incomplete = tensors(state())
    del incomplete["fc2.bias"]
    for content, said in (
        ({"a": 1}, r"lacks encod_conv1\.weight and 27 more: .* it holds a\."),
        ([1, 2], r"and 27 more: .* it holds no dictionary of weights\."),
        (incomplete, r"lacks fc2\.bias: .* encod_conv1\.bias \(2,\), .* and 17 more"),
        ({"net": {"conv.weight": Tensor(np.ones((2, 3)))}}, r"conv\.weight \(2, 3\)"),
    ):
        with pytest.raises(ValueError, match=said):
            load_published(checkpoint(content))


def test_layers_that_do_not_fit_are_refused(checkpoint):
    weights = {**state(), "decod_conv3.weight": np.zeros((4, 9, 3), "float32")}
    with pytest.raises(ValueError, match=r"decod_conv3 has the shape \(4, 9, 3\)"):
        load_published(checkpoint(tensors(weights)))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("encod_conv6.weight", np.zeros(3, "float32"), r"weights of the shape \(3,\)"),
        ("fc1.weight", np.zeros((2, 3, 4), "float32"), "expected 2 dimensions"),
        ("fc2.bias", np.zeros((), "float32"), r"a bias of the shape \(\)"),
        ("fc1.weight", np.zeros((0, 16), "float32"), "expected 2 dimensions"),
        ("fc2.bias", np.full(16, np.nan, "float32"), "NaN or infinite"),
        ("encod_conv6.bias", np.zeros(9, "float32"), "do not fit together"),
        ("fc1.weight", np.zeros((5, 10**6), "float32"), "nb_points=4000000"),
    ],
)
def test_weights_that_no_layer_has_are_refused(checkpoint, name, value, said):
    with pytest.raises(ValueError, match=said):
        load_published(checkpoint(tensors({**state(), name: value})))


def test_pytorch_that_would_run_code_is_refused(checkpoint, monkeypatch):
    path = checkpoint(tensors(state()))
    monkeypatch.setattr("torch.__version__", "2.5.1")
    with pytest.raises(ImportError, match=r"PyTorch 2\.5\.1 .*torch>=2\.6"):
        load_published(path)


def test_absence_of_pytorch_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    with pytest.raises(ImportError, match="pip install torch"):
        load_published(path)


def test_real_checkpoint_gives_the_same_streamlines(tmp_path):
    """Where PyTorch is installed: its own layers, file and result."""
    torch = pytest.importorskip("torch")
    weights = {name: torch.tensor(array) for name, array in state().items()}
    others = {"loss": np.float64(0.5), "epoch": np.int32(3)}
    torch.save({"net": weights, **others}, tmp_path / "weights.pt")
    points = np.cumsum(np.random.default_rng(1).normal(size=(3, NB_POINTS, 3)), axis=1)
    signal = torch.tensor(points.astype("float32")).permute(0, 2, 1)

    def convolve(signal, name, step=1):
        padded = torch.nn.functional.pad(signal, (1, 1), mode="reflect")
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return torch.nn.functional.conv1d(padded, kernel, bias, step)

    for number in range(1, 6):
        signal = torch.relu(convolve(signal, f"encod_conv{number}", 2))
    hidden = convolve(signal, "encod_conv6").flatten(1)
    z = hidden @ weights["fc1.weight"].T + weights["fc1.bias"]
    signal = (z @ weights["fc2.weight"].T + weights["fc2.bias"]).view(3, FILTERS[-1], 2)
    for number in range(1, 6):
        signal = torch.relu(convolve(signal, f"decod_conv{number}"))
        signal = torch.nn.functional.interpolate(signal, scale_factor=2, mode="linear")
    expected = convolve(signal, "decod_conv6").permute(0, 2, 1).numpy()
    model = load_published(tmp_path / "weights.pt")
    given = ops.convert_to_numpy(model.network(points.astype("float32"))["points"])
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_pickles_of_objects_are_refused(tmp_path):
    """A checkpoint could hold code; it is not run."""
    torch = pytest.importorskip("torch")
    torch.save({"encod_conv1.weight": SimpleNamespace(a=1)}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"it holds a types\.SimpleNamespace"):
        load_published(tmp_path / "weights.pt")
