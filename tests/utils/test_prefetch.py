from itertools import count
import threading

import pytest

from dipy_tractogen.utils.prefetch import map_in_order


@pytest.mark.parametrize("nb_threads", [None, 1, 3])
def test_results_come_in_the_order_of_the_tasks(nb_threads):
    """The first task ends last."""
    others_done = threading.Event()

    def work(task):
        if task == 0 and nb_threads == 3:
            assert others_done.wait(20)
        if task == 2:
            others_done.set()
        return task * task

    results = list(map_in_order(work, range(20), nb_threads=nb_threads))
    assert results == [task * task for task in range(20)]


def test_no_more_is_made_than_a_few_ahead():
    taken = []

    def tasks():
        for task in count():
            taken.append(task)
            yield task

    results = map_in_order(lambda task: task, tasks(), nb_threads=2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(taken) <= 5 + 2 * 2
    results.close()
    assert not [one for one in threading.enumerate() if "map_in_order" in one.name]


def test_an_error_comes_where_its_result_would_and_ends_the_rest():
    def work(task):
        if task == 3:
            raise ValueError("three")
        return task

    results = map_in_order(work, count(), nb_threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert list(results) == []


def test_by_default_there_is_a_thread_for_each_core():
    names = set(map_in_order(lambda _: threading.current_thread().name, range(200)))
    assert 1 <= len(names) <= 8
    assert threading.current_thread().name not in names
