"""What every model of streamlines does: fit and save, and generate by its base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import os
from pathlib import Path

import keras
from nibabel.streamlines import ArraySequence
import numpy as np

from dipy_tractogen.streamlines.files import replacing

from .arithmetic import LatentArithmetic
from .data import TrainingData
from .generator import StreamlineGenerator
from .options import TrainingOptions
from .record import TrainingRecord
from .settings import keras_defaults
from .trackers import ACTIVE_VARIANCE
from .training import fit_model
from .traversal import LatentTraversal


class StreamlineModel(LatentArithmetic, LatentTraversal, StreamlineGenerator):
    """Base of the models: training and the model's file.

    A subclass makes its layers and says what `call` and `compute_loss` do.

    Parameters
    ----------
    *args, **kwargs
        As `StreamlineReader` takes them.

    Attributes
    ----------
    active_variance : float or None
        Variance of its mean above which a latent dimension counts as active; None where
        all do, as no prior covers those that vary little.
    """

    active_variance: float | None = ACTIVE_VARIANCE

    def fit(
        self,
        points: np.ndarray | ArraySequence,
        labels: np.ndarray | None = None,
        bundle_names: Sequence[str] | None = None,
        *,
        values: Mapping[str, np.ndarray] | None = None,
        units: Mapping[str, str] | None = None,
        held_out: np.ndarray | ArraySequence | None = None,
        held_out_labels: np.ndarray | None = None,
        held_out_values: Mapping[str, np.ndarray] | None = None,
        history_file: str | Path | None = None,
        checkpoint_dir: str | Path | None = None,
        resume: bool = False,
        tensorboard_dir: str | Path | None = None,
        show_progress: bool = False,
        **options,
    ) -> keras.callbacks.History:
        """Train the model, then fit the density of its latents and conditions.

        Bundle and length are conditions of every model, `values` adds others. The
        direction in which a streamline is stored does not matter: within a bundle
        all are made to run the same way. A model that was trained goes on from its
        weights and its standardisation.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3) or ArraySequence
            Training streamlines in RASMM mm. Those of a sequence are resampled, a block
            at a time: a million need not be in memory at once.
        labels : ndarray of shape (n,), optional
            Bundle of each, an index into `bundle_names`; one bundle without it.
        bundle_names : sequence of str, optional
            Names of the bundles; ``bundle_0`` and so on without it.
        values : mapping of str to ndarray of shape (n,), optional
            Further conditions of each, by name: text for categories such as a
            diagnosis, numbers such as an age. Of ``curvature`` and ``tortuosity`` None
            may be given: they are computed.
        units : mapping of str to str, optional
            Units of the numbers.
        held_out : ndarray of shape (m, nb_points, 3) or ArraySequence, optional
            Streamlines that are not trained on: the weights with their best loss are
            kept, and the training stops when it no longer gets better.
        held_out_labels : ndarray of shape (m,), optional
            Bundle of each.
        held_out_values : mapping of str to ndarray of shape (m,), optional
            Further conditions of each, as `values`.
        history_file : str or Path, optional
            CSV file that a row is written to at each look at the held-out loss; it may
            be there only with `resume`.
        checkpoint_dir : str or Path, optional
            Folder where the state of the training is written now and then, from which
            it goes on when it was broken off.
        resume : bool, optional
            Go on from the state in `checkpoint_dir`, with the same data and options;
            the result is that of a training in one go. Starts where there is none.
        tensorboard_dir : str or Path, optional
            Folder for event files that TensorBoard shows.
        show_progress : bool, optional
            Whether to show a progress bar.
        **options
            Those of `TrainingOptions`: ``epochs``, ``max_minutes``, ``batch_size``,
            ``learning_rate``, ``weight_decay``, ``clip_norm``, ``patience``, ``seed``,
            ``balanced``.

        Returns
        -------
        keras.callbacks.History
            History of the training.

        Raises
        ------
        FileExistsError
            If `history_file` exists and `resume` is False.
        ValueError
            If an array or an option is impossible, the loss diverges, or
            `checkpoint_dir` holds another training.
        MemoryError
            If a step needs more memory than there is.
        KeyboardInterrupt
            When it is interrupted. The model then has its best weights so far, and a
            record, and can be used.
        """
        held = None
        if held_out is not None:
            held = TrainingData(held_out, held_out_labels, None, held_out_values)
        return fit_model(
            self,
            TrainingData(points, labels, bundle_names, values, units),
            held if held is not None and len(held.points) else None,
            options=TrainingOptions(**{"seed": self.seed, **options}),
            history_file=history_file,
            checkpoint_dir=checkpoint_dir,
            resume=resume,
            tensorboard_dir=tensorboard_dir,
            show_progress=show_progress,
        )

    @property
    def is_fresh(self) -> bool:
        """Whether the weights are those that the model was made with."""
        return not (self.record.history or "checkpoint" in self.record.data)

    @property
    def settled_after(self) -> float:
        """Share of a training after which what is learnt no longer changes."""
        return 0.0

    def own_callbacks(self, budget, inputs: dict) -> list[keras.callbacks.Callback]:
        """Return what the model itself does during a training; nothing by default.

        Parameters
        ----------
        budget : Budget
            Says how much of the training is behind.
        inputs : dict of str to ndarray
            What the model reads of the training streamlines.

        Returns
        -------
        list of keras.callbacks.Callback
            Such as schedules of the loss.
        """
        return []

    def active_dimensions(self, z_mean: np.ndarray) -> np.ndarray:
        """Find the latent dimensions that say something of a streamline.

        Parameters
        ----------
        z_mean : ndarray of shape (n, latent_dim)
            Means of the latents of the training streamlines.

        Returns
        -------
        ndarray of shape (latent_dim,), bool
            Where their variance is above `active_variance`; all where that is None.
        """
        if self.active_variance is None:
            return np.ones(z_mean.shape[1], dtype=bool)
        return z_mean.var(axis=0) > self.active_variance

    def prior_of(self, streamlines) -> tuple[np.ndarray, float] | None:
        """Return the normal prior that latents are drawn to by the loss, where one is.

        Parameters
        ----------
        streamlines : ndarray of shape (n, p, 3) or ArraySequence
            Points in RASMM mm.

        Returns
        -------
        mean : ndarray of shape (n, latent_dim)
            Its mean for each streamline.
        deviation : float
            Its standard deviation. None in place of both where the loss has no
            divergence.
        """
        return None

    @keras_defaults()
    def save(self, filepath: str | Path, overwrite: bool = True, **kwargs) -> None:
        """Write the model and its record as one ``.keras`` file.

        The file appears under its name only when it is complete.

        Parameters
        ----------
        filepath : str or Path
            Where to; the name ends in ``.keras``.
        overwrite : bool, optional
            Whether a file of that name is replaced.
        **kwargs
            Further arguments of ``keras.Model.save``.

        Raises
        ------
        ValueError
            If the name does not end in ``.keras``.
        FileExistsError
            If the file exists and `overwrite` is False.
        """
        if Path(filepath).suffix != ".keras":
            raise ValueError(f"{filepath}: the name of a model file ends in .keras.")
        with replacing(filepath, force=overwrite) as temporary:
            super().save(os.fspath(temporary), overwrite=True, **kwargs)

    def save_assets(self, dir_path: str) -> None:
        """Write the record beside the weights, when Keras saves the model."""
        self.record.save(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Read the record, when Keras loads the model."""
        sizes = {"latent_dim": self.latent_dim, "nb_points": self.nb_points}
        self.record = TrainingRecord.load(dir_path, sizes)
