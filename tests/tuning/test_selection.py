from dipy_tractogen.tuning.selection import pareto_front, recommend


def rows(*triples):
    names = ("point_error_mm", "quality", "kl_nats")
    return [dict(zip(names, triple)) for triple in triples]


def test_front_holds_what_nothing_beats():
    trials = rows((1, 0.5, 9), (2, 0.9, 9), (2, 0.8, 9), (3, 0.9, 9), (1, 0.5, 9))
    assert pareto_front(trials) == [True, True, False, False, True]


def test_smaller_divergence_is_a_reason_to_be_on_the_front():
    assert pareto_front(rows((1, 0.5, 9), (2, 0.4, 8), (3, 0.3, 8))) == [
        True,
        True,
        False,
    ]


def test_reconstruction_comes_first():
    assert recommend(rows((1.0, 0.5, 1), (1.2, 0.9, 1)), 0.1) == 0


def test_equal_errors_are_decided_by_quality_and_then_by_the_error():
    assert recommend(rows((1.0, 0.5, 1), (1.05, 0.9, 1), (1.2, 1.0, 1)), 0.1) == 1
    assert recommend(rows((1.05, 0.9, 1), (1.0, 0.9, 1)), 0.1) == 1


def test_nothing_is_recommended_of_nothing():
    assert recommend([], 0.1) is None
