"""Reference streamlines that others are compared with, by their latents."""

from __future__ import annotations

from dataclasses import dataclass, field
import logging
from pathlib import Path

import numpy as np

from dipy_tractogen.metrics.errors import point_errors
from dipy_tractogen.streamlines.location import Location, compare_locations
from dipy_tractogen.streamlines.spaces.transform import Transform
from dipy_tractogen.utils.array_schema import Array, read_arrays
from dipy_tractogen.utils.files import file_digest
from dipy_tractogen.utils.schema import SchemaError
from dipy_tractogen.utils.tables import write_arrays

from .metric import LatentMetric
from .neighbours import NEIGHBOURS_ARRAYS, NearestLatents

logger = logging.getLogger("dipy_tractogen")

NEARLY_ALL = 0.9
"""Share of rejected streamlines from which on their space is in doubt."""


@dataclass
class LatentReference:
    """A fitted filter or labelling of streamlines, with the metric of its latents.

    `fit_filter` and `fit_labels` make one.

    Attributes
    ----------
    estimator : NearestLatents
        The filter or the labels, fitted.
    metric : LatentMetric
        Map of latents to the coordinates that the estimator reads.
    bundle_names : tuple of str
        Names of the bundles.
    place : Location or None
        Lengths and place of the reference streamlines; None from a file of an earlier
        version.
    report : dict
        Results of the fit: ``thresholds_mm``, ``held_out`` figures, and the shares of
        held-out examples that are near enough, ``held_out_near`` by bundle, or are
        not, ``held_out_found`` by kind of fault. Empty where it was read from a file.
    """

    estimator: NearestLatents
    metric: LatentMetric
    bundle_names: tuple[str, ...]
    place: Location | None = None
    report: dict = field(default_factory=dict)

    def compare(
        self,
        model,
        bundles,
        *,
        transform: Transform | None = None,
        show_progress: bool = False,
    ):
        """Compare streamlines with the nearest reference streamline of each.

        Parameters
        ----------
        model : StreamlineModel
            The model that encoded the reference.
        bundles : BundleSet
            The n streamlines.
        transform : Transform, optional
            From their space to that of the model, where it is another.
        show_progress : bool, optional
            Show a progress bar.

        Returns
        -------
        distances : ndarray of shape (n,)
            Distance to the nearest reference streamline, in mm of the model's space.
        nearest : ndarray of shape (n,), int32
            Its bundle, an index into `bundle_names`.
        relative : ndarray of shape (n,)
            The distance over the threshold of that bundle: at most one where a
            streamline is plausible.
        """
        from dipy_tractogen.nn.encoding import encoded_blocks

        found = []
        options = {"transform": transform, "show_progress": show_progress}
        for _, points, outputs, _ in encoded_blocks(
            model, bundles, description="Comparing", **options
        ):
            z, error = latents_and_errors(points, outputs)
            found.append(self.estimator.nearest(self.metric.transform(z, error)))
        distances, nearest = (np.concatenate(parts) for parts in zip(*found))
        return distances, nearest, self.estimator.over_thresholds(distances, nearest)

    def compare_locations(
        self,
        bundles,
        nb_rejected: int,
        *,
        nb_streamlines: int | None = None,
        transform: Transform | None = None,
    ) -> dict:
        """Warn where nearly all streamlines are rejected, and compare the places.

        Parameters
        ----------
        bundles : BundleSet
            The streamlines, or some of them.
        nb_rejected : int
            Number of streamlines that are near to no reference streamline.
        nb_streamlines : int, optional
            Number of all streamlines, where `bundles` are some of them.
        transform : Transform, optional
            From the space of the streamlines to that of the model, as of `compare`.

        Returns
        -------
        dict
            Under ``places`` those of ``input`` and ``reference``; empty where fewer
            than nine tenths are rejected.
        """
        number = len(bundles) if nb_streamlines is None else nb_streamlines
        if nb_rejected < NEARLY_ALL * number:
            return {}
        place = Location.of(bundles.streamlines, transform=transform)
        text, places = compare_locations(input=place, reference=self.place)
        logger.warning(
            "%d of the %d streamlines are near to no reference streamline: inputs have "
            "to be in the space of the reference. %s",
            nb_rejected,
            number,
            text,
        )
        return {"places": places}

    def save(self, path: str | Path, model_file, *, force: bool = False) -> None:
        """Write what `compare` needs.

        Parameters
        ----------
        path : str or Path
            An .npz file.
        model_file : str or Path
            File of the model that encoded the reference.
        force : bool, optional
            Replace an existing file.
        """
        arrays = {
            "kind": np.array(type(self.estimator).__name__),
            "model": np.array(file_digest(model_file)),
            "bundle_names": np.array(self.bundle_names),
            "factor": self.metric.factor_,
            **self.estimator.to_arrays(),
        }
        if self.place is not None:
            arrays["place"] = self.place.to_array()
        write_arrays(path, arrays, force=force)

    @classmethod
    def load(cls, path: str | Path, model_file, kind: type) -> LatentReference:
        """Read a file of `save`.

        Parameters
        ----------
        path : str or Path
            The file.
        model_file : str or Path
            File of the model that is going to encode.
        kind : type
            Class of the estimator, `LatentFilter` or `LatentLabels`.

        Returns
        -------
        LatentReference
            The reference, with an empty report.

        Raises
        ------
        OSError
            If the file cannot be opened.
        ValueError
            If it is another file, or of another model or estimator.
        """
        try:
            arrays = read_thresholds(path)
            reference = cls(
                kind.from_arrays(arrays),
                LatentMetric.from_factor(arrays["factor"]),
                tuple(arrays["bundle_names"].tolist()),
                Location.from_array(arrays["place"]) if "place" in arrays else None,
            )
        except ValueError as error:
            raise ValueError(
                f"{path} holds no thresholds, or is damaged ({error}): give a whole "
                "file that an earlier run wrote as out_thresholds."
            ) from error
        if str(arrays["kind"]) != kind.__name__:
            raise ValueError(
                f"{path} was written by the other of dipy_filter_streamlines and "
                "dipy_label_streamlines: give one of the same command."
            )
        if str(arrays["model"]) != file_digest(model_file):
            raise ValueError(
                f"{path} was made with another model than {model_file}: give that one, "
                "or reference_files to learn again."
            )
        return reference


def read_thresholds(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of a file of thresholds, and validate them.

    Raises OSError if the file cannot be opened, ValueError if it is another file or its
    arrays do not fit together.
    """
    arrays = read_arrays(
        path,
        {
            "kind": Array("U"),
            "model": Array("U"),
            "bundle_names": Array("U", ("nb_names",)),
            "factor": Array("f", ("d", "d"), -1e9, 1e9),
            "place": Array("f", (10,), -1e9, 1e9, needed=False),
            **NEIGHBOURS_ARRAYS,
        },
    )
    nb_names, nb_thresholds = len(arrays["bundle_names"]), len(arrays["thresholds"])
    if nb_names < nb_thresholds:
        raise SchemaError(
            "bundle_names", f"{nb_names} names", f"{nb_thresholds} or more"
        )
    # The point error is a coordinate as well.
    width, wanted = arrays["reference"].shape[1], len(arrays["factor"]) + 1
    if width != wanted:
        expected = f"{wanted}, as the factor makes"
        raise SchemaError("reference", f"of {width} coordinates", expected)
    return arrays


def latents_and_errors(points: np.ndarray, outputs: dict):
    """Return the latents (n, d) of encoded points, and the point errors (n,) in mm."""
    return outputs["z_mean"], point_errors(points, outputs["points"])


def check_reads_no_bundle(model, name: str | Path = "the model") -> None:
    """Raise ValueError where a model has to be told the bundle of a streamline."""
    if model.conditions_in_networks:
        raise ValueError(
            f"{name} holds a {type(model).__name__}, which has to be told the bundle "
            "of a streamline, and here that is not known: give a model written by "
            "dipy_train_vae, dipy_train_ae or dipy_train_rvae."
        )
