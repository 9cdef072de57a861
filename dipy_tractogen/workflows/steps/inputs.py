"""Reading a trained model for a workflow."""

from __future__ import annotations

from pathlib import Path


def load_trained_model(path: str | Path, *, to_generate: bool = False):
    """Load a model that was trained.

    Parameters
    ----------
    path : str or Path
        A ``.keras`` file.
    to_generate : bool, optional
        Whether the density of its latents is needed, too.

    Returns
    -------
    StreamlineModel
        The model, with the record of its training.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a model of this package, not a trained one, or without the density
        that is needed.
    """
    # TensorFlow takes seconds to load: what is missing is said before.
    if not Path(path).exists():
        raise FileNotFoundError(f"{path} does not exist: give a .keras model file.")

    from dipy_tractogen.nn import load_model

    model = load_model(path)
    if model.is_fresh:
        raise ValueError(
            f"{path} holds a model that is not trained: give one written by a "
            "dipy_train command."
        )
    if to_generate and model.record.density is None:
        raise ValueError(
            f"{path} does not say where the latents of each bundle lie: import the "
            "weights again, with --training_files."
        )
    return model
