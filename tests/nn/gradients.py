"""Gradients on any backend, for tests."""

import keras
from keras import ops
import numpy as np

from dipy_tractogen.nn import backend


def gradient(function, array):
    """Return the gradient of the sum of what a function of a tensor gives, (...)."""
    at = ops.convert_to_tensor(np.asarray(array, dtype="float32"))
    return ops.convert_to_numpy(backend.current().gradient(function, at))


def gradient_of_variable(function, variable):
    """Return the gradient of the sum of what a function gives, for a variable of it."""

    def with_value(value):
        with keras.StatelessScope(state_mapping=[(variable, value)]):
            return function()

    return gradient(with_value, ops.convert_to_numpy(variable))
