"""What scikit-learn expects of its estimators holds for those of latents."""

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks

from dipy_tractogen.segment.filter import LatentFilter
from dipy_tractogen.segment.label import LatentLabels
from dipy_tractogen.segment.metric import LatentMetric

INTEGERS = "labels are indices of bundles, and nothing else"
BOOLEANS = "predictions are True and False, not 1 and -1"
NOT_MET = {
    "Unsupervised": {
        "check_outliers_fit_predict": BOOLEANS,
        "check_outliers_train": BOOLEANS,
    },
    "LatentLabels": {
        "check_dtype_object": INTEGERS,
        "check_estimators_nan_inf": INTEGERS,
        "check_classifiers_one_label": INTEGERS,
        "check_classifiers_classes": INTEGERS,
        "check_classifiers_regression_target": INTEGERS,
        "check_supervised_y_2d": INTEGERS,
        "check_requires_y_none": INTEGERS,
    },
    "LatentMetric": {
        "check_estimators_nan_inf": "infinite latents are as far as can be",
        "check_transformer_preserve_dtypes": "coordinates are in single precision",
    },
}


class Lines:
    """Decoder of latents to lines of as many points, which move one each."""

    def __call__(self, z):
        return z[:, :, None] * np.ones(3)

    def __repr__(self):
        # The name of a test is the same in each process.
        return "Lines()"


class Unsupervised(LatentFilter):
    """Filter that ignores labels, as outlier detectors of scikit-learn do.

    Those of its checks are numbers of classes, which a filter rejects.
    """

    def fit(self, z, y=None):
        return super().fit(z)


@parametrize_with_checks(
    [
        LatentLabels(kept_share=0.9),
        Unsupervised(kept_share=0.9),
        LatentMetric(Lines()),
    ],
    expected_failed_checks=lambda estimator: NOT_MET[type(estimator).__name__],
)
def test_checks_of_sklearn_pass(estimator, check):
    check(estimator)
