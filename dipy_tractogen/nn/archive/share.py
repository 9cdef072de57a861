"""Models that hold nothing of single training streamlines."""

from __future__ import annotations

from dataclasses import replace
import logging
import math

import numpy as np

from dipy_tractogen.sampling.shared import FittedDensity, FittedTexture
from dipy_tractogen.sampling.shared.shrunk_mixture import FEWEST
from dipy_tractogen.streamlines.conditions import LENGTH
from dipy_tractogen.utils.messages import format_count, listed

from .record import TrainingRecord

logger = logging.getLogger("dipy_tractogen")

# Kept of the data beside numbers. Paths name subjects, and a digest tells that a file
# was among those of the training.
_COUNTS = ("held_out_counts", "dropped")


def share_model(model, *, seed: int = 0):
    """Return a model to give away, without data of single training streamlines.

    The record of a model holds posteriors, residuals and ends of training streamlines,
    from which these can be rebuilt. In their place the new one has Gaussian mixtures,
    none of whose components stands for fewer than 20 streamlines; its texture is drawn
    anew. Weights, conditions, grid and history are the same; file names, digests, the
    command and its warnings are left out. Bundles and combinations of categories of
    fewer than 20 streamlines are left out, with a warning; how subjects differ is kept
    of bundles that 20 subjects have.

    This is no guarantee of differential privacy: weights are those of a training
    without noise.

    Parameters
    ----------
    model : StreamlineModel
        A trained model.
    seed : int, optional
        Seed of fits and draws.

    Returns
    -------
    StreamlineModel
        A new model of the same class.

    Raises
    ------
    ValueError
        If the model has no density of latents or is shared already, if no bundle has 20
        streamlines, or if its texture is that of an earlier version.
    """
    record = model.record
    if record.density is None:
        raise ValueError("The model has no density of latents to share: train it.")
    if record.is_shared:
        raise ValueError("The model is shared already: it holds no streamlines.")
    made = type(model)(**model.get_config())
    made.network.set_weights(model.network.get_weights())
    made.record = _shared(record, seed)
    return made


def _shared(record: TrainingRecord, seed: int) -> TrainingRecord:
    """Return a record without data of single streamlines."""
    bundles = np.arange(len(record.bundle_names))
    texture = None
    if record.texture is not None:
        texture = FittedTexture.of(record.texture, seed)
        bundles = texture.mixtures.groups
    density = FittedDensity.of(record.density, bundles, seed)
    if record.density.subjects is not None:
        known = np.unique(density.strata[:, 0])
        density.subjects = record.density.subjects.of_bundles(known, FEWEST)
    _warn_left_out(record.density, density)
    known = {name: record.data[name] for name in _COUNTS if name in record.data}
    known.update(_numbers(record.data))
    if "files" in record.data:
        known["nb_files"] = len(record.data["files"])
    return replace(
        record,
        length_ranges=_length_ranges(density, record),
        directions=[
            direction if count >= FEWEST else [0.0] * len(direction)
            for direction, count in zip(record.directions, record.bundle_counts)
        ],
        parameters=_numbers(record.parameters),
        data=known,
        density=density,
        texture=texture,
        profiles=[_rounded_limits(each) for each in record.profiles],
        norms=_norms(record),
    )


def _rounded_limits(profile: dict) -> dict:
    """Return a profile whose limits are not the values of single points."""
    step = 10.0 ** math.floor(math.log10(profile["deviation"]))
    low = step * math.floor(profile["low"] / step)
    high = step * math.ceil(profile["high"] / step)
    return {**profile, "low": low, "high": high}


def _norms(record: TrainingRecord):
    """Return the norms, if none is of fewer than 20 subjects."""
    norms = record.norms
    if norms is None:
        return None
    fewest = min(model.nb_subjects_ for model in norms.models.values())
    if fewest < FEWEST:
        logger.warning("Left out the norms, some of which are of %d subjects", fewest)
        return None
    return norms


def _numbers(entries: dict) -> dict:
    """Return entries without text, such as a command and warnings that name files."""
    return {
        name: each
        for name, each in entries.items()
        if each is None or isinstance(each, bool | int | float)
    }


def _length_ranges(density: FittedDensity, record: TrainingRecord) -> list:
    """Return percentiles 1 and 99 of the lengths of each bundle in mm."""
    low, high = (
        density.conditions.restored(each)[LENGTH]
        for each in (density.low, density.high)
    )
    ranges = []
    for bundle in range(len(record.bundle_names)):
        own = density.strata[:, 0] == bundle
        found = (low[own].min(), high[own].max()) if own.any() else (0, 0)
        ranges.append([float(each) for each in found])
    return ranges


def _warn_left_out(before, after: FittedDensity) -> None:
    """Warn of strata that are too small."""
    kept = {tuple(one) for one in after.strata}
    names = [
        before.name(index)
        for index, one in enumerate(before.strata)
        if tuple(one) not in kept
    ]
    if names:
        logger.warning(
            "Left out %s of fewer than %d streamlines: %s",
            format_count(len(names), "combination"),
            FEWEST,
            listed(names),
        )
