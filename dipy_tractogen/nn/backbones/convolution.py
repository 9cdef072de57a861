"""Layers of the convolutional backbone."""

from __future__ import annotations

import keras
from keras import ops

from .winograd import (
    KERNEL_SIZE,
    OUTPUTS_PER_TILE,
    convolution_by_taps,
    fast_convolution,
    narrow_convolution,
)

_PACKAGE = "dipy_tractogen"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class ReflectedConvolution(keras.layers.Layer):
    """Convolution along a streamline whose ends are mirrored.

    `filters` are the channels of the output, `kernel_size` the taps, an odd number so
    that padding keeps the length, and `strides` the points from one output to the next.
    In training, a convolution of three taps without stride is computed with half the
    multiplications (`fast_convolution`). Afterwards the taps are added one by one
    (`convolution_by_taps`), which takes longer and has the smallest rounding errors.
    Raises ValueError if a number is below one or `kernel_size` is even.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        kernel_initializer="he_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if min(filters, kernel_size, strides) < 1 or kernel_size % 2 == 0:
            raise ValueError(
                f"filters={filters}, kernel_size={kernel_size}, strides={strides}: "
                "give numbers >= 1, and an odd kernel_size."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Make kernel and bias."""
        length = input_shape[1]
        if length <= self.kernel_size // 2:
            raise ValueError(
                f"kernel_size={self.kernel_size} mirrors {self.kernel_size // 2} "
                f"points at each end, but only {length} points are left there: give a "
                "smaller kernel_size, more nb_points or fewer filters."
            )
        self.kernel = self.add_weight(
            shape=(self.kernel_size, input_shape[2], self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer="zeros", name="bias"
        )
        unstrided = self.strides == 1
        self._narrow = unstrided and self.kernel_size * self.filters <= input_shape[2]
        self._in_tiles = (
            unstrided
            and self.kernel_size == KERNEL_SIZE
            and length % OUTPUTS_PER_TILE == 0
        )

    def call(self, inputs, training: bool | None = None):
        """Convolve (n, p, c) to (n, p / strides rounded up, filters)."""
        margin = self.kernel_size // 2
        padded = ops.pad(inputs, ((0, 0), (margin, margin), (0, 0)), mode="reflect")
        if self._narrow:
            convolved = narrow_convolution(padded, self.kernel)
        elif training and self._in_tiles:
            convolved = fast_convolution(padded, self.kernel)
        elif training:
            convolved = ops.conv(padded, self.kernel, self.strides, padding="valid")
        else:
            convolved = convolution_by_taps(padded, self.kernel, self.strides)
        return convolved + self.bias

    def compute_output_shape(self, input_shape):
        """Shape of the output."""
        return (input_shape[0], -(-input_shape[1] // self.strides), self.filters)

    def get_config(self) -> dict:
        """Parameters of the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package=_PACKAGE)
class LinearUpsampling(keras.layers.Layer):
    """Double the points of a signal by linear interpolation.

    Points are centres of cells: each becomes the centres of its two halves, a quarter
    of the way to its neighbours, and the outermost keep the value of the end.
    """

    def call(self, inputs):
        """Turn (n, p, c) into (n, 2 p, c)."""
        _, nb_points, nb_channels = inputs.shape
        padded = ops.pad(inputs, ((0, 0), (1, 1), (0, 0)), mode="symmetric")
        before, after = padded[:, :-2], padded[:, 2:]
        halves = [0.75 * inputs + 0.25 * before, 0.75 * inputs + 0.25 * after]
        return ops.reshape(ops.stack(halves, axis=2), (-1, 2 * nb_points, nb_channels))

    def compute_output_shape(self, input_shape):
        """Shape of the output."""
        return (input_shape[0], 2 * input_shape[1], input_shape[2])
