import numpy as np
import pytest

from dipy_tractogen.nn import AE, CVAE, RVAE
from dipy_tractogen.nn.training.dataset import TrainingData, TrainingSet
from dipy_tractogen.streamlines.formats.writers import save_bundles

SMALL = {"hidden_units": (8,)}


def oriented(lines, model=None, **changes):
    names = ("points", "labels", "bundle_names", "values", "units")
    given = {**{name: lines[name] for name in names}, **changes}
    return TrainingSet(
        model or AE(24, 2, backbone_options=SMALL), TrainingData(**given)
    )


def held_out(lines, bundles, **changes):
    given = {
        "points": lines["held_out"],
        "labels": lines["held_out_labels"],
        "values": lines["held_out_values"],
        **changes,
    }
    return bundles.held_out(TrainingData(**given))


def test_streamlines_of_a_bundle_run_the_same_way(lines):
    points = lines["points"].copy()
    points[::3] = points[::3, ::-1]
    bundles = oriented(lines, points=points)
    oriented_points = bundles.points(slice(None))
    ends = oriented_points[:, -1] - oriented_points[:, 0]
    for label in (0, 1):
        signs = np.sign(ends[bundles.labels == label, label])
        assert len(set(signs)) == 1


def test_bundle_and_length_are_always_known(lines):
    bundles = oriented(lines, values=None)
    assert bundles.conditions.names == ("bundle", "length")
    assert bundles.conditions["bundle"].categories == ("x", "y")
    given = {"length": np.zeros(192), "bundle": np.repeat("?", 192)}
    again = oriented(lines, values=given)
    assert again.conditions == bundles.conditions


def test_what_a_model_needs_is_computed(lines):
    model = RVAE(24, 2, attribute="tortuosity", backbone_options=SMALL)
    bundles = oriented(lines, model)
    np.testing.assert_allclose(bundles.values["tortuosity"], 1, atol=1e-5)
    assert model.conditions is bundles.conditions
    assert bundles.inputs["conditions"].shape == (192, model.conditions.width)


def test_models_that_read_no_conditions_get_none(lines):
    bundles = oriented(lines)
    assert set(bundles.inputs) == {"features"}
    assert set(held_out(lines, bundles, values=None).inputs) == {"features"}


def test_digest_is_that_of_all_that_was_given(lines):
    ages = {**lines["values"], "age": lines["values"]["age"] + 1}
    groups = {**lines["values"], "group": lines["values"]["group"][::-1]}
    changes = (
        {},
        {"points": lines["points"] + 1},
        {"labels": lines["labels"][::-1]},
        {"values": groups},
        {"values": None},
    )
    digests = [oriented(lines, **change).digest for change in changes]
    assert len(set(digests)) == len(changes)
    assert oriented(lines).digest == digests[0]
    # A number counts by its standardised value; of what trains, nothing changes.
    assert oriented(lines, values=ages).digest == digests[0]


def test_digest_of_held_out_streamlines_has_what_is_read_of_them(lines):
    bundles = oriented(lines, CVAE(24, 2, backbone_options=SMALL))
    values = lines["held_out_values"]
    found = {
        held_out(lines, bundles, values=given).digest
        for given in (
            values,
            {**values, "group": values["group"][::-1]},
            {**values, "age": values["age"] + 1},
        )
    }
    assert len(found) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": None}, "held_out_labels is missing"),
        ({"values": None}, "values of group are missing"),
        ({"values": {"age": np.zeros(3), "group": ["control"] * 48}}, "age have shape"),
        (
            {"values": {"age": np.full(48, np.nan), "group": ["control"] * 48}},
            "age holds NaN",
        ),
        (
            {"values": {"age": np.zeros(48), "group": ["none"] * 48}},
            "group none is not in the model; it has control, patient",
        ),
    ],
)
def test_held_out_streamlines_that_do_not_fit_are_refused(lines, changes, said):
    bundles = oriented(lines, CVAE(24, 2, backbone_options=SMALL))
    with pytest.raises(ValueError, match=said):
        held_out(lines, bundles, **changes)


def test_file_is_read_with_its_bundles(phantom, tmp_path):
    path = tmp_path / "phantom.trx"
    save_bundles(path, phantom)
    data = TrainingData(path)
    assert list(data.bundle_names) == list(phantom.bundle_names)
    np.testing.assert_array_equal(np.bincount(data.labels), np.bincount(phantom.labels))
    assert len(data.points) == len(phantom)
