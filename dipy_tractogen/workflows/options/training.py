"""The parameters that every training has, and their checks."""

from __future__ import annotations

from pathlib import Path

from .arguments import check_choice, check_int, check_number


def training_parameters(
    backbone="spectral",
    nb_points=256,
    nb_coefficients=None,
    kernel_size=None,
    batch_normalisation=False,
    sigma_mm=1.0,
    reduction="effective",
    reconstruction="squared",
    huber_mm=None,
    epochs=None,
    max_minutes=None,
    batch_size=None,
    learning_rate=None,
    weight_decay=None,
    clip_norm=100.0,
    patience=0.3,
    balanced=False,
    held_out=0.1,
    seed=0,
    resume=False,
    tensorboard=None,
    out_dir="",
    out_model="model.keras",
    out_history="history.csv",
    out_held_out="held_out.trx",
):
    """Name the parameters that every training has, with their defaults.

    Parameters
    ----------
    backbone : string, optional
        Network between a streamline and its latents: spectral (dense layers on cosine
        coefficients, fast) or conv (the published convolutions on the points).
    nb_points : int, optional
        Points that a streamline is resampled to; for conv a multiple of 32.
    nb_coefficients : int, optional
        Cosine coefficients that the spectral backbone keeps of each axis; by
        default 24, or nb_points where those are fewer.
    kernel_size : int, optional
        Taps of the convolutions of the conv backbone, an odd number; by default 3.
    batch_normalisation : bool, optional
        Normalise every hidden layer of the encoder over the batch.
    sigma_mm : float, optional
        Point error that is accepted, in mm.
    reduction : string, optional
        How many independent points a streamline counts as in the likelihood:
        effective (8), sum (all) or mean (1).
    reconstruction : string, optional
        How the distance of a point grows into its error: squared, absolute, or huber
        (squared up to huber_mm, absolute beyond).
    huber_mm : float, optional
        Where huber turns from squared to absolute, in mm; by default sigma_mm.
    epochs : float, optional
        Passes over the training streamlines. Without it and without a limit of
        time, as many as make 6000 steps.
    max_minutes : float, optional
        Limit of the time for optimisation steps, in minutes.
    batch_size : int, optional
        Streamlines in an optimisation step; by default 128 for conv and 256 for
        spectral, which takes up to 4096 with more than 150000 streamlines.
    learning_rate : float, optional
        Learning rate of Adam at the start; it falls along a cosine. By default 6.68e-4
        for conv and 2e-3 for spectral, up to 8e-3 with a larger batch_size.
    weight_decay : float, optional
        Decay of the weights in each step, as a share of the learning rate; none by
        default.
    clip_norm : float, optional
        Largest norm of the gradient of a step; a larger one is scaled down to it.
    patience : float, optional
        Share of the whole training without a better held-out loss that ends it.
    balanced : bool, optional
        Meet every bundle as often in the steps, whatever its number of streamlines;
        what is generated keeps the proportions of the data.
    held_out : float, optional
        Share of every bundle that is not trained on, from 0 to less than 1.
    seed : int, optional
        Fixes the split, the weights and the order of the streamlines.
    resume : bool, optional
        Go on with a training that was broken off, from its last checkpoint; start one
        where there is none.
    tensorboard : string or Path, optional
        Folder for event files that TensorBoard shows; none are written by default.
    out_dir : string or Path, optional
        Output folder.
    out_model : string, optional
        Model file; its name ends in .keras.
    out_history : string, optional
        Table of the losses during the training.
    out_held_out : string, optional
        Tractogram of the streamlines that were held out.
    """


def check_training(training: dict) -> None:
    """Refuse what cannot be, before any work.

    Parameters
    ----------
    training : dict
        Values of `training_parameters`.

    Raises
    ------
    ValueError
        If a value is out of its range, or two do not go together.
    """
    from dipy_tractogen.utils.files import tractogram_extension

    choices = {
        "backbone": ("spectral", "conv"),
        "reduction": ("effective", "sum", "mean"),
        "reconstruction": ("squared", "absolute", "huber"),
    }
    for name, accepted in choices.items():
        check_choice(name, training[name], accepted)
    nb_points = training["nb_points"]
    check_int("nb_points", nb_points, low=2)
    check_int("seed", training["seed"], low=0, high=2**32 - 1)
    check_number("held_out", training["held_out"], low=0, high=1, open_high=True)
    for name in ("sigma_mm", "clip_norm", "patience"):
        check_number(name, training[name], low=0, open_low=True)
    for name in ("learning_rate", "huber_mm", "epochs", "max_minutes", "weight_decay"):
        if training[name] is not None:
            check_number(name, training[name], low=0, open_low=True)
    for name, high in (("batch_size", None), ("nb_coefficients", nb_points)):
        if training[name] is not None:
            check_int(name, training[name], high=high)
    for name, backbone in (("nb_coefficients", "spectral"), ("kernel_size", "conv")):
        if training[name] is not None and training["backbone"] != backbone:
            raise ValueError(
                f"--{name} belongs to the {backbone} backbone: leave it out, or give "
                f"--backbone {backbone}."
            )
    if Path(training["out_model"]).suffix != ".keras":
        raise ValueError(
            f"--out_model {training['out_model']}: give a name ending in .keras."
        )
    if training["held_out"] > 0:
        tractogram_extension(training["out_held_out"])
