import re

import numpy as np
import pytest

from dipy_tractogen.nn import load_model
from dipy_tractogen.streamlines.io import load_bundles


def test_attribute_is_predicted_and_the_error_told(regression_folder):
    model = load_model(regression_folder / "model.keras")
    assert (model.attribute, model.attribute_weight) == ("tortuosity", 3)
    said = (regression_folder / "log.txt").read_text(encoding="utf-8")
    error, score = re.search(
        r"Held-out tortuosity: mean absolute error (\S+), R2 (\S+)\n", said
    ).groups()
    points = load_bundles(regression_folder / "held_out.trx").resample(16)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(axis=1)
    actual = steps / np.linalg.norm(points[:, -1] - points[:, 0], axis=-1)
    predicted = model.predict_attribute(points)[0]
    difference = predicted - actual
    assert float(error) == pytest.approx(np.abs(difference).mean(), rel=0.01)
    expected = 1 - np.mean(difference**2) / np.var(actual)
    assert float(score) == pytest.approx(expected, abs=0.002, rel=0.01)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--attribute", "bundle"], "bundle is a category, and a number is needed"),
        (["--attribute", "age"], "no data_per_streamline 'age'"),
        (["--regression_weight", "0"], "--regression_weight 0"),
        (["--kl_variant", "absolute"], "leave it out"),
    ],
)
def test_impossible_regressions_are_refused(bundle_files, refused, options, said):
    assert said in refused("dipy_train_rvae", *bundle_files, *options)
