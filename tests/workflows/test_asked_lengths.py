import logging

import numpy as np

from dipy_tractogen.workflows.asked_lengths import AskedLengths


def test_streamlines_of_another_length_are_counted(caplog):
    points = np.linspace([0, 0, 0], [100, 0, 0], 11)[None].repeat(4, axis=0)
    lengths = AskedLengths()
    # The tolerance is two per cent, or a millimetre.
    lengths.look(points, np.array([99, 101.5, 103, 90]))
    lengths.look(points[:1] / 100, np.array([1.9]))
    assert (lengths.nb_missed, lengths.nb_streamlines) == (2, 5)
    with caplog.at_level(logging.WARNING, "dipy_tractogen"):
        lengths.warn()
    assert "2 of 5 streamlines miss the asked length" in caplog.text
    assert "by 10 mm at most" in caplog.text


def test_nothing_is_said_where_all_lengths_are_met(caplog):
    lengths = AskedLengths()
    lengths.look(np.zeros((2, 5, 3)), np.zeros(2))
    lengths.warn()
    assert caplog.text == ""
