import numpy as np
from numpy.testing import assert_array_equal
import pytest

from dipy_tractogen.metrics.agreement import bundle_agreement


def test_streamline_agrees_with_the_bundle_that_it_is_in(lines):
    reference = lines([0, 1, 10, 11])
    reference_labels = np.array([0, 0, 1, 1])
    found = bundle_agreement(
        lines([0.2, 9.0, 10.4])[:, ::-1],
        np.array([0, 0, 1]),
        reference,
        reference_labels,
    )
    assert_array_equal(found, [True, False, True])


def test_nothing_to_agree_with_is_refused(lines):
    with pytest.raises(ValueError, match="among 0 streamlines"):
        bundle_agreement(lines([0]), np.array([0]), lines([]), np.array([]))
