"""Whether the steps of a training are compiled: after it, a network is not."""

import keras


class Compilation(keras.callbacks.Callback):
    """Notes whether XLA compiles the steps."""

    def on_train_begin(self, logs=None):
        self.is_used = self.model.jit_compile


def watch_compilation(model):
    """Give what notes the compilation of the next training of a model."""
    found, own = Compilation(), model.callbacks
    model.callbacks = lambda *given: [*own(*given), found]
    return found
