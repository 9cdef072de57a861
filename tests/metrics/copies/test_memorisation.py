import numpy as np
import pytest

from dipy_tractogen.metrics.copies.memorisation import (
    copy_distance,
    copy_influence,
    memorisation,
)


@pytest.fixture
def distances():
    """Distances to training: of held-out streamlines, and of as good ones."""
    rng = np.random.default_rng(0)
    return rng.gamma(4, 0.7, 800), rng.gamma(4, 0.7, 3000)


def test_new_streamlines_are_no_copies(distances):
    held_out, generated = distances
    found = memorisation(generated, held_out)
    assert found["copies"] == "none"
    assert found["real"] == pytest.approx(0.01, abs=0.002)
    assert found["generated"] == pytest.approx(0.01, abs=0.01)
    assert found["nearer_than_real"] == pytest.approx(0.5, abs=0.03)
    assert found["threshold_mm"] == copy_distance(held_out)
    assert "No sign" in found["verdict"]


@pytest.mark.parametrize(("share", "copies"), [(0.03, "some"), (0.9, "most")])
def test_copies_with_a_little_noise_are_found(distances, share, copies):
    held_out, generated = distances
    generated[: int(share * len(generated))] = 0.16
    found = memorisation(generated, held_out)
    assert found["copies"] == copies
    assert found["generated"] == pytest.approx(share, abs=0.02)
    assert f"{100 * found['generated']:.3g} %" in found["verdict"]


def test_all_copies_are_nearer_than_all_others():
    found = memorisation(np.zeros(5), np.arange(1.0, 40))
    assert found["nearer_than_real"] == 1
    assert found["generated"] == 1


def test_a_little_nearer_throughout_is_no_copy(distances):
    held_out, generated = distances
    found = memorisation(0.84 * generated, held_out)
    assert found["generated"] > 1.3 * found["real"]
    assert found["nearer_than_real"] > 0.55
    assert found["copies"] == "none"


def test_few_streamlines_prove_nothing():
    # Two of thirty are below, where a third of one is expected.
    generated = np.linspace(0.5, 5, 30)
    generated[:2] = 0.01
    found = memorisation(generated, np.linspace(0.1, 5, 30))
    assert found["copies"] == "none"


def test_without_distances_there_is_nothing_to_say():
    assert memorisation(np.zeros(3), np.zeros(0)) is None
    assert memorisation(np.zeros(0), np.zeros(3)) is None
    assert copy_distance(np.zeros(0)) is None


def test_real_pairs_do_not_hide_copies(distances):
    held_out, generated = distances
    held_out[:24] = 0.0
    assert memorisation(generated, held_out)["copies"] == "none"
    generated[:1500] = 0.16
    assert memorisation(generated, held_out)["copies"] == "some"


def test_held_out_streamlines_that_are_all_in_training_show_no_copies():
    held_out = np.zeros(50)
    assert memorisation(np.zeros(50), held_out)["copies"] == "none"
    assert not copy_influence(np.zeros(50), held_out)[1].any()


def test_parts_are_those_of_both_sets(distances):
    held_out, generated = distances
    ours, theirs = copy_influence(generated, held_out)
    assert ours.shape == (3000,)
    assert theirs.shape == (800,)
    # One more held-out streamline that is near lowers the limit, and the share.
    assert theirs[held_out.argmin()] < 0 < theirs[held_out.argmax()]
    # Copies that are far nearer do not depend on where the limit is.
    generated[:] = 0.01
    assert not copy_influence(generated, held_out)[1].any()
