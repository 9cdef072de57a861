"""Learning from reference streamlines, for the commands that compare latents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..options.arguments import check_choice, check_int, check_number
from ..runtime.tables import write_arrays
from .encoding import encoded_blocks

if TYPE_CHECKING:
    from dipy_tractogen.segment.metric import LatentMetric
    from dipy_tractogen.segment.neighbours import NearestLatents
    from dipy_tractogen.streamlines.location import Location


def reference_parameters(
    reference_files=None,
    invalid_files=None,
    thresholds_file=None,
    criterion="f1",
    kept_share=None,
    seed=0,
):
    """Name the parameters of learning thresholds.

    Parameters
    ----------
    reference_files : variable string or Path, optional
        Tractograms of plausible streamlines, a file or a TRX group a bundle; those of
        a bundle called unassigned are of none. Best are streamlines that the model
        was not trained on, such as the held_out.trx of the training.
    invalid_files : variable string or Path, optional
        Tractograms of streamlines that are not plausible, to learn thresholds from.
        Without them, and without unassigned ones, each reference streamline is made
        into one that is broken, looped, cut or shifted.
    thresholds_file : string or Path, optional
        What an earlier run with this model wrote, in place of all reference files.
    criterion : string, optional
        What the thresholds make as large as possible: f1 or balanced_accuracy.
    kept_share : float, optional
        Learn the thresholds such that this share of held-out reference streamlines is
        kept, in place of the criterion.
    seed : int, optional
        Fixes the folds and the invalid streamlines that are made.
    """


def check_reference(given: dict) -> None:
    """Refuse impossible values, before any work.

    Parameters
    ----------
    given : dict
        Values of `reference_parameters`.

    Raises
    ------
    ValueError
        If one is out of its range, or there is not one source of thresholds.
    """
    check_choice("criterion", given["criterion"], ("f1", "balanced_accuracy"))
    if given["kept_share"] is not None:
        limits = {"low": 0, "high": 1, "open_low": True, "open_high": True}
        check_number("kept_share", given["kept_share"], **limits)
    check_int("seed", given["seed"], low=0)
    if given["thresholds_file"] is None:
        if not given["reference_files"]:
            raise ValueError(
                "--reference_files: give tractograms of plausible streamlines, or "
                "--thresholds_file of an earlier run."
            )
        return
    for name in ("reference_files", "invalid_files", "kept_share"):
        if given[name] is not None:
            raise ValueError(
                f"--thresholds_file says already what is near: leave out --{name}."
            )


def check_reads_no_bundle(model, path) -> None:
    """Refuse a model that has to be told the bundle of a streamline.

    Parameters
    ----------
    model : StreamlineModel
        The model.
    path : str or Path
        Its file.

    Raises
    ------
    ValueError
        If its networks read conditions.
    """
    if model.conditions_in_networks:
        raise ValueError(
            f"{path} holds a {type(model).__name__}, which has to be told the bundle "
            "of a streamline, and here that is not known: give a model written by "
            "dipy_train_vae, dipy_train_ae or dipy_train_rvae."
        )


def settle_outputs(flow, out_dir, given: dict, **names: str) -> dict[str, Path]:
    """Settle the outputs of a command; those that are not written are left out.

    Parameters
    ----------
    flow : TractogenFlow
        The command.
    out_dir : str or Path
        Folder of the outputs.
    given : dict
        Values of `reference_parameters`.
    **names : str
        File name of each output, ``out_thresholds`` among them.

    Returns
    -------
    dict of str to Path
        Path of each output that is to be written.

    Raises
    ------
    ValueError, OSError
        If a name has another extension than it needs, or cannot be written.
    """
    from dipy_tractogen.utils.files import split_extension

    if given["thresholds_file"] is not None:
        del names["out_thresholds"]
    elif split_extension(names["out_thresholds"])[1].lower() != ".npz":
        raise ValueError(
            f"--out_thresholds {names['out_thresholds']}: what is learnt is written "
            "to an .npz."
        )
    return flow.outputs(out_dir, **names)


@dataclass
class LatentReference:
    """What is near enough to the latents of reference streamlines.

    Attributes
    ----------
    estimator : NearestLatents
        The filter, or the labels; fitted.
    metric : LatentMetric
        Makes the coordinates that it reads.
    bundle_names : tuple of str
        Names of the bundles.
    place : Place, optional
        How long the reference streamlines are, and where; a file of an earlier version
        does not tell.
    """

    estimator: NearestLatents
    metric: LatentMetric
    bundle_names: tuple[str, ...]
    place: Location | None = None

    def compare(self, model, bundles, *, show_progress: bool):
        """Find the nearest reference streamline of each.

        Parameters
        ----------
        model : StreamlineModel
            The model.
        bundles : BundleSet
            The n streamlines.
        show_progress : bool
            Whether a progress bar is shown.

        Returns
        -------
        distances : ndarray of shape (n,)
            Distance to it, in mm.
        nearest : ndarray of shape (n,), int32
            Its bundle.
        relative : ndarray of shape (n,)
            The distance over the threshold of that bundle.
        """
        import numpy as np

        found = []
        blocks = encoded_blocks(
            model, bundles, description="Comparing", show_progress=show_progress
        )
        for _, points, outputs in blocks:
            coordinates = self.metric.coordinates(*latents_and_errors(points, outputs))
            found.append(self.estimator.nearest(coordinates))
        distances, nearest = (np.concatenate(parts) for parts in zip(*found))
        return distances, nearest, self.estimator.over_thresholds(distances, nearest)

    def save(self, path: Path, model_file, *, force: bool) -> None:
        """Write what is needed to compare others, as arrays.

        Parameters
        ----------
        path : Path
            An .npz file.
        model_file : str or Path
            The model that encoded the reference.
        force : bool
            Whether an existing file may be replaced.
        """
        import numpy as np

        from dipy_tractogen.utils.files import file_digest

        arrays = self.estimator.to_arrays()
        if self.place is not None:
            arrays["place"] = self.place.to_array()
        known = {
            "kind": np.array(type(self.estimator).__name__),
            "model": np.array(file_digest(model_file)),
            "bundle_names": np.array(self.bundle_names),
            "factor": self.metric.factor,
        }
        write_arrays(path, {**known, **arrays}, force=force)

    @classmethod
    def load(cls, path, model_file, kind: type) -> LatentReference:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.
        model_file : str or Path
            The model that is going to encode.
        kind : type
            Class of the estimator.

        Returns
        -------
        LatentReference
            It compares as the one that was saved.

        Raises
        ------
        OSError
            If the file cannot be opened.
        ValueError
            If it is another file, or of another model or command.
        """
        from dipy_tractogen.segment.metric import LatentMetric
        from dipy_tractogen.streamlines.location import Location
        from dipy_tractogen.utils.files import file_digest

        from .thresholds_file import read_thresholds

        try:
            arrays = read_thresholds(path)
            made_by = str(arrays["kind"])
            made = kind.from_arrays(arrays)
            metric = LatentMetric(arrays["factor"])
            names, digest = arrays["bundle_names"].tolist(), str(arrays["model"])
            place = Location.from_array(arrays["place"]) if "place" in arrays else None
        except ValueError as error:
            raise ValueError(
                f"{path} holds no thresholds, or is damaged ({error}): give a whole "
                "file that an earlier run wrote as --out_thresholds."
            ) from error
        if made_by != kind.__name__:
            raise ValueError(
                f"{path} was written by the other of dipy_filter_streamlines and "
                "dipy_label_streamlines: give one of the same command."
            )
        if digest != file_digest(model_file):
            raise ValueError(
                f"{path} was made with another model than {model_file}: give that one, "
                "or --reference_files to learn again."
            )
        return cls(made, metric, tuple(names), place)


def latents_and_errors(points, outputs: dict):
    """Return the latents of streamlines, and what these do not hold of them.

    Parameters
    ----------
    points : ndarray of shape (n, nb_points, 3)
        Points in mm, as the model reads them.
    outputs : dict
        As ``encode_and_decode`` of a model gives it.

    Returns
    -------
    z : ndarray of shape (n, latent_dim)
        Means of the latents.
    error_mm : ndarray of shape (n,)
        Mean point errors.
    """
    from dipy_tractogen.metrics.errors import point_errors

    return outputs["z_mean"], point_errors(points, outputs["points"])
