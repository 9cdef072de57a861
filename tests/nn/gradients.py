"""Gradients on any backend, for tests."""

import keras
from keras import ops
import numpy as np

from dipy_tractogen.nn import backend


def gradient(function, array):
    """Return the gradient of the sum of what a function of a tensor gives, (...)."""
    at = ops.convert_to_tensor(np.asarray(array, dtype="float32"))
    return ops.convert_to_numpy(backend.current().gradient(function, at))


def gradients_of(function, variables):
    """Return the gradients of the sum of what a function gives, one a variable."""
    values = [ops.convert_to_numpy(variable) for variable in variables]
    stops = np.cumsum([value.size for value in values]).tolist()

    def apart(flat):
        return [
            ops.reshape(flat[stop - value.size : stop], value.shape)
            for stop, value in zip(stops, values)
        ]

    def with_values(flat):
        with keras.StatelessScope(state_mapping=list(zip(variables, apart(flat)))):
            # Zero, not nothing, where the function does not depend on the variables.
            return function() + 0 * ops.sum(flat)

    found = gradient(with_values, np.concatenate([np.ravel(each) for each in values]))
    return [ops.convert_to_numpy(each) for each in apart(found)]
