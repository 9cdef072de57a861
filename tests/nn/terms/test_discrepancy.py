"""Maximum mean discrepancy: its formula, what it sees, and the prior after it."""

from itertools import permutations

from keras import ops
import numpy as np
import pytest

from dipy_tractogen.nn import AAE
from dipy_tractogen.streamlines.conditions import Condition, Conditions

CONDITIONS = Conditions(
    [
        Condition("bundle", ("x", "y")),
        Condition("length", mean=60.0, deviation=10.0, low=40.0, high=80.0),
    ]
)
RNG = np.random.default_rng(0)
BUNDLES = np.arange(240) % 2
LENGTHS = RNG.uniform(40, 80, 240)
MATRIX = CONDITIONS.encode({"bundle": np.array(["x", "y"])[BUNDLES], "length": LENGTHS})


def made(**options):
    small = {"hidden_units": (64,)}
    return AAE(
        24,
        2,
        adversarial_loss="mmd",
        backbone_options=small,
        **{"conditions": CONDITIONS, **options},
    )


def discrepancy(model, means, deviations=1e-3, conditions=MATRIX):
    """Discrepancy of normal latents; by default they are almost points."""
    log_var = 2 * np.log(np.broadcast_to(deviations, np.shape(means)))
    given = [np.float32(each) for each in (means, log_var, conditions)]
    return float(model.adversary.discrepancy(*map(ops.convert_to_tensor, given)))


@pytest.fixture(scope="module")
def model():
    return made()


def kernel(one, other):
    """Gaussian kernels of several widths, of pairs of draws (..., 2)."""
    squared = np.sum((one - other) ** 2, axis=-1)
    widths = 2 * np.array([0.25, 0.5, 1, 2, 4])
    return np.exp(-squared[..., None] / (2 * widths)).mean(axis=-1)


def drawn_discrepancy(draw_latents, draw_prior, conditions):
    """The formula of the docstring, pair by pair, with means over many draws."""
    (z, other_z), (p, other_p) = (
        (draw(), draw()) for draw in (draw_latents, draw_prior)
    )
    total = weights = 0.0
    for i, j in permutations(range(len(conditions)), 2):
        squared = np.sum((conditions[i] - conditions[j]) ** 2)
        weight = np.exp(-squared / (3 * 0.6**2))
        alike = kernel(z[i], other_z[j]) + kernel(p[i], other_p[j])
        pair = alike - kernel(z[i], p[j]) - kernel(p[i], z[j])
        total += weight * pair.mean()
        weights += weight
    return total / weights


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_discrepancy_is_that_of_draws(prior):
    age = Condition("age", mean=50.0, deviation=5.0, low=40.0, high=60.0)
    conditions = Conditions([*CONDITIONS, age])
    model = made(conditions=conditions, prior=prior)
    values = {"bundle": ["x", "y"] * 5, "length": LENGTHS[:10]}
    some = conditions.encode({**values, "age": RNG.uniform(40, 60, 10)})
    means = RNG.normal(1, 1, (10, 2))
    deviations = RNG.uniform(0.2, 2, (10, 2))
    centres = np.zeros((2, 2))
    if prior == "mixture":
        centres = model.adversary._prior.means

    def draw_latents():
        return means[:, None] + deviations[:, None] * RNG.normal(size=(10, 4000, 2))

    def draw_prior():
        return centres[np.arange(10) % 2][:, None] + RNG.normal(size=(10, 4000, 2))

    expected = drawn_discrepancy(draw_latents, draw_prior, some)
    assert abs(expected) > 0.02
    found = discrepancy(model, means, deviations, some)
    assert found == pytest.approx(expected, abs=0.004)


def test_roll_is_met_by_places_on_it():
    model = made(prior="swiss_roll")
    adversary = model.adversary
    labels = ops.convert_to_tensor(np.eye(2, dtype=np.float32)[BUNDLES])
    found = [
        discrepancy(model, ops.convert_to_numpy(places))
        for places in (
            adversary._prior.sample(labels, adversary.seed_generator) for _ in range(10)
        )
    ]
    # The deviation of one is 0.006.
    assert abs(np.mean(found)) < 0.01
    assert discrepancy(model, RNG.normal(size=(240, 2))) > 0.03


def test_draws_of_the_prior_have_none_on_average(model):
    found = [discrepancy(model, RNG.normal(size=(240, 2))) for _ in range(30)]
    assert min(found) < 0 < max(found)
    assert abs(np.mean(found)) < 0.005
    assert abs(discrepancy(model, np.zeros((240, 2)), 1.0)) < 1e-5


@pytest.mark.parametrize("told", [BUNDLES, LENGTHS > 60], ids=["bundle", "length"])
def test_latents_are_to_follow_the_prior_whatever_the_conditions(model, told):
    """Together they are normal, but by their sign they tell a condition."""
    z = RNG.normal(size=(240, 2))
    z[:, 0] = np.abs(z[:, 0]) * np.where(told, 1, -1)
    assert discrepancy(model, z) > 0.05


def test_mixture_is_met_by_its_own_component(model):
    mixture = made(prior="mixture")
    z = mixture.adversary._prior.means[BUNDLES] + RNG.normal(size=(240, 2))
    assert abs(discrepancy(mixture, z)) < 0.03
    assert discrepancy(model, z) > 0.2


def test_weight_is_that_of_the_end_when_the_training_settles():
    term = made(adversarial_weight=20.0, adversarial_start=50.0).adversary
    assert term.weight_at(0) == float(term.weight_now) == pytest.approx(1000)
    assert term.weight_at(term.settled_after / 2) == pytest.approx(20 * 50**0.5)
    assert term.weight_at(term.settled_after) == term.weight_at(1) == 20


def test_prior_can_be_drawn_from(lines):
    """Latents follow the prior in each bundle, which a small weight does not make."""
    deviations = {}
    for weight in (1e-3, 3000.0):
        model = made(conditions=None, adversarial_weight=weight, sigma_mm=2.0)
        model.fit(**lines, epochs=150, learning_rate=5e-3)
        posteriors = model.record.density.posteriors
        z = posteriors.means + posteriors.deviations * RNG.normal(size=(192, 2))
        deviations[weight] = [
            np.abs([each.mean(axis=0), each.std(axis=0) - 1]).max()
            for each in (z[lines["labels"] == bundle] for bundle in (0, 1))
        ]
        last = model.record.history[-1]
    assert max(deviations[3000.0]) < 0.3 < min(deviations[1e-3])
    assert last["adversarial_weight"] == 3000
    assert abs(last["discrepancy"]) < 0.02
    assert "val_discrepancy" not in last
    assert not hasattr(model.adversary, "discriminator")
