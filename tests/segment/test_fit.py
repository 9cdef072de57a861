"""A filter and labels that are fitted in Python, with a model of three points."""

import numpy as np
import pytest

from dipy_tractogen.segment.filter import LatentFilter
from dipy_tractogen.segment.fit import fit_filter, fit_labels
from dipy_tractogen.segment.label import LatentLabels
from dipy_tractogen.segment.reference import LatentReference
from dipy_tractogen.streamlines.dataset import BundleSet
from dipy_tractogen.streamlines.simulation.invalid import make_invalid
from dipy_tractogen.streamlines.simulation.phantom import simulate_fibercup


class Parabolas:
    """A model whose latents are the two ends and the middle of a streamline."""

    nb_points = 21
    profiles = ()
    conditions_in_networks = False

    def encode_and_decode(self, points, values=None):
        z = points[:, [0, 10, 20]].reshape(len(points), 9)
        return {"z_mean": z, "points": self.decode(z)}

    def decode(self, z, nb_points=21):
        t = np.linspace(-1, 1, nb_points)
        weights = np.stack([t * (t - 1) / 2, 1 - t**2, t * (t + 1) / 2], axis=1)
        return np.einsum("pk,nkd->npd", weights, z.reshape(-1, 3, 3))


@pytest.fixture(scope="module")
def sets():
    """Reference streamlines of three bundles, others of them, and invalid ones."""
    bundles = simulate_fibercup(40, seed=5)
    reference, tracked = bundles.select(bundles.labels < 3).split(0.5, seed=1)
    invalid, _ = make_invalid(tracked.resample(21), seed=2)
    wrong = BundleSet(invalid, tracked.labels, tracked.bundle_names, tracked.reference)
    return reference, tracked, wrong


def test_a_filter_tells_plausible_streamlines_from_others(sets):
    reference, tracked, wrong = sets
    fitted = fit_filter(Parabolas(), reference, seed=3)
    assert set(fitted.report) == {
        *("held_out", "thresholds_mm", "held_out_near", "held_out_found")
    }
    _, _, relative = fitted.compare(Parabolas(), tracked)
    _, _, of_wrong = fitted.compare(Parabolas(), wrong)
    found = fitted.report["held_out"]["recall"]
    assert (relative <= 1).mean() == pytest.approx(found, abs=0.15)
    assert (of_wrong > 1).mean() > 0.8


def test_invalid_streamlines_may_be_given(sets):
    reference, _, wrong = sets
    fitted = fit_filter(Parabolas(), reference, wrong, criterion="balanced_accuracy")
    assert fitted.report["held_out"]["nb_to_reject"] == len(wrong)
    assert "held_out_found" not in fitted.report


def test_labels_are_the_bundles(sets):
    reference, tracked, _ = sets
    fitted = fit_labels(Parabolas(), reference, kept_share=0.95)
    _, nearest, relative = fitted.compare(Parabolas(), tracked)
    assert (nearest == tracked.labels).mean() > 0.95
    assert (relative <= 1).mean() == pytest.approx(0.95, abs=0.1)
    assert fitted.report["held_out"]["accuracy"] > 0.4


def test_what_was_fitted_is_read_again(sets, tmp_path):
    reference, tracked, _ = sets
    fitted = fit_filter(Parabolas(), reference)
    model_file = tmp_path / "model.keras"
    model_file.write_bytes(b"weights")
    fitted.save(tmp_path / "a.npz", model_file)
    again = LatentReference.load(tmp_path / "a.npz", model_file, LatentFilter)
    for one, other in zip(
        fitted.compare(Parabolas(), tracked), again.compare(Parabolas(), tracked)
    ):
        np.testing.assert_array_equal(one, other)
    assert again.place == fitted.place
    with pytest.raises(ValueError, match="give one of the same command"):
        LatentReference.load(tmp_path / "a.npz", model_file, LatentLabels)


def test_impossible_references_are_refused(sets):
    reference, _, _ = sets
    nameless = BundleSet(
        reference.streamlines,
        0 * reference.labels,
        ("unassigned",),
        reference.reference,
    )
    with pytest.raises(ValueError, match="all streamlines are unassigned"):
        fit_filter(Parabolas(), nameless)
    conditional = Parabolas()
    conditional.conditions_in_networks = True
    with pytest.raises(ValueError, match="has to be told the bundle"):
        fit_labels(conditional, reference)
