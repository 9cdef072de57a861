"""What is known of a model's data and latents, once its weights are settled."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib
import logging

import numpy as np

from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.texture import Texture
from dipy_tractogen.streamlines.conditions import (
    BUNDLE,
    COMPUTED,
    LENGTH,
    Conditions,
    computed_values,
)
from dipy_tractogen.streamlines.orientation import bundle_directions, orient
from dipy_tractogen.streamlines.reference import Reference

from .checks import check_bundles
from .data import TrainingData
from .record import TrainingRecord, current_versions

logger = logging.getLogger("dipy_tractogen")

# Latents that a bundle's density is fitted to: draws from each posterior, in all.
_MOST_DRAWS = 8
_ENOUGH_LATENTS = 2000
_MOST_LATENTS = 20000


class OrientedBundles:
    """Streamlines that run as their bundles do, and what the network reads of them.

    Parameters
    ----------
    model : StreamlineModel
        The model. One that has no conditions yet gets those of the data.
    data : TrainingData
        The training streamlines.

    Attributes
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Streamlines in RASMM mm, all of a bundle in one direction.
    labels : ndarray of shape (n,), int32
        Bundle of each streamline.
    names : tuple of str
        Names of the bundles.
    counts : ndarray of int
        Streamlines of each bundle.
    directions : ndarray
        Direction of each bundle.
    conditions : Conditions
        What is known of the streamlines; those of the model if it reads some.
    values : dict of str to ndarray of shape (n,)
        Bundle, length and further conditions of each streamline, by name.
    inputs : dict of str to ndarray
        What the model reads: ``"features"`` in mm, and ``"conditions"``.
    digest : str
        SHA-256 of what was given.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or a bundle has no streamline.
    """

    def __init__(self, model, data: TrainingData):
        self._model = model
        self.labels, self.names = check_bundles(
            data.points, data.labels, data.bundle_names, model.nb_points
        )
        self.counts = np.bincount(self.labels, minlength=len(self.names))
        if not self.counts.all():
            raise ValueError(
                f"bundle_names hold {self.names[int(np.argmin(self.counts))]}, which "
                "has no training streamline: leave it out."
            )
        self.directions = bundle_directions(data.points, self.labels, len(self.names))
        self.points = orient(data.points, self.labels, self.directions)
        self.values = self._all_values(data.points, self.labels, data.values)
        self.conditions = Conditions.of(
            self.values, categories={BUNDLE: self.names}, units=data.units
        )
        if model.reads_conditions:
            model.condition_on(self.conditions)
            self.conditions = model.conditions
        self.inputs = self._inputs(self.points, self.values)
        numbers = self.conditions.standardised(self.values)
        codes = self.conditions.codes(self.values)
        self.digest = digest(data.points, codes, numbers)

    def held_out(self, data: TrainingData) -> HeldOut:
        """Prepare streamlines of the same bundles that are not trained on.

        Parameters
        ----------
        data : TrainingData
            The streamlines; labels are needed where there is more than one bundle.

        Returns
        -------
        HeldOut
            What is read of them.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        if data.labels is None and len(self.names) > 1:
            raise ValueError(
                "held_out_labels is missing: give the bundle of each held-out "
                "streamline, as labels do for points."
            )
        labels, _ = check_bundles(
            data.points, data.labels, self.names, self._model.nb_points
        )
        values = self._all_values(data.points, labels, data.values)
        points = orient(data.points, labels, self.directions)
        return HeldOut(
            data.points,
            values,
            self._inputs(points, values),
            digest(data.points, labels, self.conditions.standardised(values)),
        )

    def length_ranges(self) -> list[list[float]]:
        """Give the shortest and the longest streamline of each bundle, in mm."""
        size = self.values[LENGTH]
        by_bundle = [size[self.labels == label] for label in range(len(self.names))]
        return [[float(part.min()), float(part.max())] for part in by_bundle]

    def _all_values(self, points, labels, values: dict) -> dict[str, np.ndarray]:
        given = {
            name: each for name, each in values.items() if name not in (BUNDLE, LENGTH)
        }
        for name, each in given.items():
            if name not in COMPUTED and np.shape(each) != (len(points),):
                raise ValueError(
                    f"The values of {name} have shape {np.shape(each)}; expected "
                    f"({len(points)},), one for each streamline."
                )
        computed = [LENGTH, *given, *self._model.needed_conditions]
        return {
            BUNDLE: np.array(self.names)[labels],
            **given,
            **computed_values(points, computed),
        }

    def _inputs(self, points, values) -> dict[str, np.ndarray]:
        inputs = {"features": self._model.backbone.analyse(points)}
        if self._model.reads_conditions:
            inputs["conditions"] = self.conditions.encode(values)
        return inputs


@dataclass
class HeldOut:
    """Streamlines that are not trained on.

    Attributes
    ----------
    points : ndarray of shape (m, nb_points, 3)
        Streamlines in RASMM mm, as they were given.
    values : dict of str to ndarray of shape (m,)
        Their conditions, by name.
    inputs : dict of str to ndarray
        What the model reads of them.
    digest : str
        SHA-256 of what was given.
    """

    points: np.ndarray
    values: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    digest: str


def digest(*arrays: np.ndarray | None) -> str:
    """Give the SHA-256 of arrays, one after the other.

    Parameters
    ----------
    *arrays : ndarray or None
        The arrays; None counts as none.

    Returns
    -------
    str
        In hexadecimal.
    """
    result = hashlib.sha256()
    for array in arrays:
        if array is not None:
            result.update(np.ascontiguousarray(array).data)
    return result.hexdigest()


def describe(model, data: TrainingData, *, seed: int = 0) -> None:
    """Fit the density of the latents of streamlines to a model that has its weights.

    `StreamlineModel.fit` does so itself; weights that were imported need it before
    streamlines can be generated.

    Parameters
    ----------
    model : StreamlineModel
        The model; its record is filled.
    data : TrainingData
        The streamlines.
    seed : int, optional
        Seed of the density.

    Raises
    ------
    ValueError
        If an array has another shape or holds values that are not finite.
    """
    model.record = record_of(model, OrientedBundles(model, data), seed)


def record_of(model, bundles: OrientedBundles, seed: int) -> TrainingRecord:
    """Describe data and latents.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    bundles : OrientedBundles
        Its training streamlines.
    seed : int
        Seed of the density.

    Returns
    -------
    TrainingRecord
        With everything but the parameters and the history of a training.
    """
    reference = model.record.reference or Reference.covering(bundles.points).to_dict()
    record = TrainingRecord(
        bundle_names=list(bundles.names),
        bundle_counts=bundles.counts.tolist(),
        length_ranges=bundles.length_ranges(),
        directions=bundles.directions.tolist(),
        conditions=bundles.conditions.to_plain(),
        reference=reference,
        data={**model.record.data, "digest": bundles.digest},
        versions=current_versions(),
    )
    _describe_latents(model, bundles, seed, record)
    record.truncation_mm = float(np.mean(model.truncation_error(bundles.points)))
    return record


def measure_held_out(model, held_out: HeldOut) -> dict[str, float]:
    """Measure the point error of streamlines that were not trained on.

    Parameters
    ----------
    model : StreamlineModel
        The model, trained.
    held_out : HeldOut
        The streamlines.

    Returns
    -------
    dict of str to float
        ``mean`` and ``percentile_95``, in mm.
    """
    points = held_out.points
    error = model.reconstruct(points, held_out.values) - points
    error = np.linalg.norm(error, axis=-1).mean(axis=1)
    return {
        "mean": float(error.mean()),
        "percentile_95": float(np.percentile(error, 95)),
    }


def _describe_latents(model, bundles, seed: int, record: TrainingRecord) -> None:
    """Fit density and texture, and count the active latents."""
    z_mean, deviation = model.posterior_of(bundles.inputs)
    active = model.active_dimensions(z_mean)
    record.active_units = int(active.sum())
    if not active.any():
        logger.warning(
            "The posterior has collapsed: no latent says anything of a streamline; "
            "train longer, or give a smaller beta or sigma_mm."
        )
    rng = np.random.default_rng(seed)
    rows = _draws(bundles.labels, len(bundles.names), rng)
    noise = np.random.default_rng(seed).standard_normal((len(rows), model.latent_dim))
    z = z_mean[rows] + deviation[rows] * noise
    conditions = bundles.conditions
    numbers = conditions.standardised(bundles.values)
    record.density = ConditionalDensity(conditions, seed=seed).fit(
        z, conditions.codes(bundles.values), numbers, rows=rows, active=active
    )
    _describe_texture(model, bundles, seed, record, rows, z)


def _describe_texture(model, bundles, seed, record, rows, z) -> None:
    """Keep what decoded streamlines lack, from one draw of the latents of each."""
    rows, first = np.unique(rows, return_index=True)
    matrix = None
    if model.conditions_in_networks:
        matrix = bundles.inputs["conditions"][rows]
    decoded = model.decode_matrix(z[first].astype(np.float32), matrix)
    record.texture = Texture().fit(
        bundles.points[rows],
        decoded,
        bundles.labels[rows],
        bundles.values[LENGTH][rows],
        seed,
    )


def _draws(labels, nb_bundles: int, rng: np.random.Generator) -> np.ndarray:
    """Choose the streamlines whose posteriors the density is fitted to.

    The density is that of all posteriors together, so a small bundle gives several
    draws of each; a large one gives a part of its streamlines.
    """
    rows = []
    for label in range(nb_bundles):
        members = rng.permutation(np.flatnonzero(labels == label))
        repeats = min(_MOST_DRAWS, -(-_ENOUGH_LATENTS // max(len(members), 1)))
        rows.append(np.tile(members[:_MOST_LATENTS], repeats))
    return np.concatenate(rows)
