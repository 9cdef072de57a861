"""What the terms of a network may not do to one another, and to its weights."""

import keras
from keras import ops
import pytest

from dipy_tractogen.nn import AE, RVAE, VAE, LabelRegularizer, Term


class Odd(Term):
    """A term with layers, and names, that are given."""

    def __init__(self, make=list, outputs=(), **kwargs):
        super().__init__(**kwargs)
        self.make = make
        self.names = outputs

    def build_layers(self, conditions, latent_dim, seed):
        self.heads = self.make()

    def outputs(self, hidden, training):
        for head in self.heads:
            hidden = head(hidden)
        return dict.fromkeys(self.names, hidden)

    def loss(self, inputs, outputs, training):
        return ops.mean(outputs["z"])

    def get_config(self):
        return {**super().get_config(), "make": self.make, "outputs": self.names}


class Unbuilt(Odd):
    """A term whose layer is called in the loss alone."""

    def outputs(self, hidden, training):
        return {}


def small(kind=AE, **options):
    return kind(16, 2, backbone_options={"hidden_units": (4,)}, **options)


def two_of_one_name():
    return [keras.layers.Dense(4, name="head") for _ in range(2)]


# Keras tries the network first, and says that it fails.
@pytest.mark.filterwarnings("ignore:.*unbuilt state")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: small(regularizers=[LabelRegularizer(), LabelRegularizer()]),
            "bundle_accuracy, bundle_weight: twice in the history",
        ),
        (
            lambda: small(RVAE, regularizers=[RVAE(16, 2)._regression]),
            "attribute_error: twice in the history",
        ),
        (
            lambda: small(VAE, regularizers=[Odd(outputs=("z_log_var",))]),
            "z_log_var: twice in the outputs",
        ),
        (
            lambda: small(regularizers=[Odd(two_of_one_name)]),
            "head/bias, .*head/kernel: twice in the weights",
        ),
        (
            lambda: small(regularizers=[Unbuilt(lambda: [keras.layers.Dense(4)])]),
            r"layer 'dense.*' of a term has no weights yet.*call its build\(shape\)",
        ),
    ],
    ids=["measures", "of the class too", "outputs", "weights", "unbuilt"],
)
def test_terms_that_do_not_go_together_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_layers_that_a_term_builds_itself_are_accepted():
    def make():
        layer = keras.layers.Dense(4)
        layer.build((None, 2))
        return [layer]

    assert small(regularizers=[Unbuilt(make), Odd()]).network.built
