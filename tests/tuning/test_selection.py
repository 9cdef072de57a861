from dipy_tractogen.tuning.selection import pareto_front, recommend


def rows(*pairs):
    return [{"point_error_mm": error, "quality": quality} for error, quality in pairs]


def test_front_holds_what_nothing_beats():
    found = pareto_front(
        rows((1, 0.5), (2, 0.9), (2, 0.8), (3, 0.9), (1, 0.5)),
        "point_error_mm",
        "quality",
    )
    assert found == [True, True, False, False, True]


def test_reconstruction_comes_first():
    assert recommend(rows((1.0, 0.5), (1.2, 0.9)), 0.1) == 0


def test_equal_errors_are_decided_by_quality_and_then_by_the_error():
    assert recommend(rows((1.0, 0.5), (1.05, 0.9), (1.2, 1.0)), 0.1) == 1
    assert recommend(rows((1.05, 0.9), (1.0, 0.9)), 0.1) == 1


def test_nothing_is_recommended_of_nothing():
    assert recommend([], 0.1) is None
