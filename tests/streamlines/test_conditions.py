import json

from nibabel.streamlines import ArraySequence
import numpy as np
import pytest

from dipy_tractogen.streamlines.conditions import (
    COMPUTED,
    Condition,
    Conditions,
    measured_values,
)

VALUES = {
    "length": np.array([60.0, 80.0, 100.0, 80.0]),
    "bundle": np.array(["UF", "AF", "UF", "CST"]),
    "age": np.array([20, 40, 60, 40]),
    "sex": np.array(["m", "f", "f", "m"], dtype=object),
}


@pytest.fixture
def conditions():
    return Conditions.of(
        VALUES, categories={"bundle": ("UF", "AF", "CST")}, units={"age": "years"}
    )


def test_kinds_units_and_ranges_are_found(conditions):
    assert conditions.names == ("bundle", "sex", "length", "age")
    assert [one.is_categorical for one in conditions] == [True, True, False, False]
    assert conditions["bundle"].categories == ("UF", "AF", "CST")
    assert conditions["sex"].categories == ("f", "m")
    assert conditions["length"].unit == "mm"
    age = conditions["age"]
    assert (age.mean, age.low, age.high, age.unit) == (40, 20, 60, "years")
    assert age.deviation == pytest.approx(np.sqrt(200))


def test_each_says_what_it_may_be(conditions):
    assert [one.describe() for one in conditions] == [
        "bundle: UF, AF, CST",
        "sex: f, m",
        "length: 60 to 100 mm",
        "age: 20 to 60 years",
    ]


def test_networks_read_ones_and_standardised_numbers(conditions):
    matrix = conditions.encode(VALUES)
    assert matrix.dtype == np.float32
    assert matrix.shape == (4, conditions.width) == (4, 7)
    half = np.sqrt(2)
    np.testing.assert_allclose(
        matrix,
        [
            [1, 0, 0, 0, 1, -half, -half],
            [0, 1, 0, 1, 0, 0, 0],
            [1, 0, 0, 1, 0, half, half],
            [0, 0, 1, 0, 1, 0, 0],
        ],
        atol=1e-6,
    )


def test_columns_are_those_of_the_matrix(conditions):
    matrix = conditions.encode(VALUES)
    assert [conditions.columns(name) for name in conditions.names] == [
        slice(0, 3),
        slice(3, 5),
        slice(5, 6),
        slice(6, 7),
    ]
    bundle = matrix[:, conditions.columns("bundle")].argmax(axis=1)
    np.testing.assert_array_equal(bundle, conditions.codes(VALUES)[:, 0])


def test_bundle_and_what_points_tell_are_left_out(conditions):
    codes, numbers = conditions.codes(VALUES), conditions.standardised(VALUES)
    found = conditions.given_matrix(codes, numbers)
    np.testing.assert_array_equal(found, conditions.encode(VALUES)[:, [3, 4, 6]])
    assert conditions.given_width == 3


def test_numbers_go_there_and_back(conditions):
    back = conditions.restored(conditions.standardised(VALUES))
    assert set(back) == {"length", "age"}
    for name, column in back.items():
        np.testing.assert_allclose(column, VALUES[name])


def test_codes_are_those_of_the_categories(conditions):
    codes = conditions.codes(VALUES)
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(codes, [[0, 1], [1, 0], [0, 0], [2, 1]])


def test_plain_values_give_the_same(conditions):
    copy = Conditions(json.loads(json.dumps(conditions.to_plain())))
    assert copy == conditions
    assert Conditions(conditions) == conditions
    np.testing.assert_array_equal(copy.encode(VALUES), conditions.encode(VALUES))
    assert Conditions.of({**VALUES, "age": [20, 40, 60, 41]}) != conditions


def test_nothing_is_encoded_as_nothing(conditions):
    none = {name: each[:0] for name, each in VALUES.items()}
    assert conditions.encode(none).shape == (0, 7)


def test_what_never_changes_stays_finite():
    same = {"bundle": ["AF"] * 3, "age": [70.1] * 3}
    matrix = Conditions.of(same).encode(same)
    np.testing.assert_allclose(matrix, [[1, 0]] * 3, atol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2, 3], dtype=np.uint8),
        np.array([1.0, 2.0, 3.0], dtype=np.float16),
        np.array([1, 2.0, 3], dtype=object),
        [1, 2, 3],
    ],
    ids=["bytes", "half", "objects", "list"],
)
def test_numbers_of_any_type_are_numbers(values):
    one = Conditions.of({"age": values})["age"]
    assert (one.low, one.high, one.mean) == (1, 3, 2)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "no value of age"),
        ([1.0, np.nan], "age holds NaN"),
        ([1.0, np.inf], "age holds NaN or inf"),
        (np.array([1.0, None]), "age holds NaN"),
        (np.array(["m", None]), "age holds values that are no numbers"),
        (np.array(["m", 1.5], dtype=object), "age holds values that are no numbers"),
        (["m", ""], "age holds empty text"),
        (["m", "  "], "age holds empty text"),
    ],
)
def test_values_that_say_nothing_are_refused(values, said):
    with pytest.raises(ValueError, match=said):
        Conditions.of({"age": values})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bundle": np.array(["UF", "IFOF", "UF", "UF"])}, "bundle IFOF is not in"),
        ({"sex": None}, "values of sex are missing"),
        ({"age": None}, "values of age are missing"),
        ({"age": np.array([1.0, 2.0, np.nan, 3.0])}, "age holds NaN"),
        ({"age": np.array(["old"] * 4)}, "age holds values that are no numbers"),
        ({"age": np.zeros(3)}, "numbers of values differ .* 3 of age"),
        ({"age": 40}, r"age have shape \(\)"),
        ({"sex": "f"}, r"sex have shape \(\)"),
    ],
)
def test_values_that_do_not_fit_are_refused(conditions, changes, said):
    given = {**VALUES, **changes}
    given = {name: each for name, each in given.items() if each is not None}
    with pytest.raises(ValueError, match=said):
        conditions.encode(given)


def test_unknown_and_repeated_names_are_refused(conditions):
    with pytest.raises(ValueError, match=r"iq is no condition .* bundle, sex, length"):
        conditions["iq"]
    with pytest.raises(ValueError, match="iq is no condition"):
        conditions.columns("iq")
    with pytest.raises(ValueError, match="each name once"):
        Conditions([Condition("age"), Condition("age", ("old", "young"))])


def test_computed_values_are_those_of_the_points():
    """Half a circle of 10 mm, and a straight line."""
    angle = np.linspace(0, np.pi, 200)
    circle = np.stack([10 * np.cos(angle), 10 * np.sin(angle), 0 * angle], axis=1)
    line = np.stack([angle, 0 * angle, 0 * angle], axis=1)
    found = measured_values(np.stack([circle, line]), [*COMPUTED, "age"])
    assert set(found) == set(COMPUTED)
    np.testing.assert_allclose(found["length"], [10 * np.pi, np.pi], rtol=1e-3)
    np.testing.assert_allclose(found["curvature"], [0.1, 0], atol=1e-3)
    np.testing.assert_allclose(found["tortuosity"], [np.pi / 2, 1], rtol=1e-3)


def test_texts_of_many_are_counted_in_blocks(monkeypatch):
    texts = np.array(["b", "c", "b", "a", "a", "c", "b"])
    monkeypatch.setattr("dipy_tractogen.streamlines.condition._BLOCK", 3)
    one = Condition.of("kind", texts)
    assert one.categories == ("a", "b", "c")
    assert one.codes(texts).tolist() == [1, 2, 1, 0, 0, 2, 1]
    with pytest.raises(ValueError, match="kind d is not in the model"):
        one.codes(np.append(texts, "d"))


def test_as_many_categories_as_streamlines():
    texts = np.array([f"subject {number:06}" for number in range(100_000)])
    codes = Condition.of("subject", texts).codes(texts)
    np.testing.assert_array_equal(codes, np.arange(100_000))


def arc(radius, nb_points):
    """A half circle."""
    angles = np.linspace(0, np.pi, nb_points)
    return radius * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)


def test_streamlines_are_measured_on_all_of_their_points():
    lines = [arc(10, 40), arc(20, 2), arc(5, 300), arc(10, 40), arc(20, 3)]
    found = measured_values(ArraySequence(lines), ["age", *COMPUTED])
    assert list(found) == list(COMPUTED)
    for row, line in enumerate(lines):
        size = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        chord = np.linalg.norm(line[-1] - line[0])
        np.testing.assert_allclose(found["length"][row], size, rtol=1e-5)
        np.testing.assert_allclose(found["tortuosity"][row], size / chord, rtol=1e-5)
    np.testing.assert_allclose(
        found["curvature"][[0, 1, 2]], [0.1, 0, 0.2], rtol=1e-3, atol=1e-9
    )


def test_an_array_gives_what_its_streamlines_give():
    points = np.stack([arc(10, 30), arc(20, 30)]).astype(np.float32)
    one, other = (
        measured_values(each, COMPUTED) for each in (points, ArraySequence(points))
    )
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-5)
    assert measured_values(points[:, :2], ["curvature"])["curvature"].tolist() == [0, 0]
