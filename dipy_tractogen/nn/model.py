"""What every model of streamlines does: fit, generate, save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import os
from pathlib import Path

import keras
import numpy as np

from dipy_tractogen.sampling.generation import generate_batches, share_by_bundle
from dipy_tractogen.streamlines.files import replacing

from .base import StreamlineCoder
from .options import TrainingOptions
from .record import TrainingRecord
from .trackers import ACTIVE_VARIANCE
from .training import fit_model


class StreamlineModel(StreamlineCoder):
    """Base of the models: training, generation and the model's file.

    A subclass makes its layers and says what `call` and `compute_loss` do.

    Parameters
    ----------
    *args, **kwargs
        As `StreamlineCoder` takes them.

    Attributes
    ----------
    record : TrainingRecord
        What the training left: bundles, ranges, density of the latents, history.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.record = TrainingRecord()

    def fit(
        self,
        points: np.ndarray,
        labels: np.ndarray | None = None,
        bundle_names: Sequence[str] | None = None,
        *,
        held_out: np.ndarray | None = None,
        held_out_labels: np.ndarray | None = None,
        history_file: str | Path | None = None,
        checkpoint_dir: str | Path | None = None,
        resume: bool = False,
        tensorboard_dir: str | Path | None = None,
        show_progress: bool = False,
        **options,
    ) -> keras.callbacks.History:
        """Train the model, then fit the density of the latents by bundle.

        The direction in which a streamline is stored does not matter: within a bundle
        all are made to run the same way. A model that was trained goes on from its
        weights and its standardisation.

        Parameters
        ----------
        points : ndarray of shape (n, nb_points, 3)
            Training streamlines in RASMM mm.
        labels : ndarray of shape (n,), optional
            Bundle of each, an index into `bundle_names`; one bundle without it.
        bundle_names : sequence of str, optional
            Names of the bundles; ``bundle_0`` and so on without it.
        held_out : ndarray of shape (m, nb_points, 3), optional
            Streamlines that are not trained on: the weights with their best loss are
            kept, and the training stops when it no longer gets better.
        held_out_labels : ndarray of shape (m,), optional
            Bundle of each.
        history_file : str or Path, optional
            CSV file that a row is written to at each look at the held-out loss.
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
            ``learning_rate``, ``weight_decay``, ``clip_norm``, ``patience``, ``seed``.

        Returns
        -------
        keras.callbacks.History
            History of the training.

        Raises
        ------
        ValueError
            If an array or an option is impossible, the loss diverges, or
            `checkpoint_dir` holds another training.
        MemoryError
            If a step needs more memory than there is.
        KeyboardInterrupt
            When it is interrupted. The model then has its best weights so far, and a
            record, and can be used.
        """
        return fit_model(
            self,
            np.asarray(points, dtype=np.float32),
            labels,
            bundle_names,
            held_out=None if held_out is None else np.asarray(held_out, np.float32),
            held_out_labels=held_out_labels,
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

    def scheduled_callbacks(self, budget) -> list[keras.callbacks.Callback]:
        """Give what changes the model's own weights of loss during a training.

        Parameters
        ----------
        budget : Budget
            Says how much of the training is behind.

        Returns
        -------
        list of keras.callbacks.Callback
            None by default.
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
            Where their variance is above `ACTIVE_VARIANCE`.
        """
        return z_mean.var(axis=0) > ACTIVE_VARIANCE

    def generate(
        self,
        nb_streamlines: int,
        bundles: str | Sequence[str] | None = None,
        *,
        balanced: bool = False,
        nb_points: int | None = None,
        seed: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Generate new streamlines, bundle by bundle.

        Parameters
        ----------
        nb_streamlines : int
            Number of streamlines in all.
        bundles : str or sequence of str, optional
            Names of the bundles; all by default.
        balanced : bool, optional
            As many for each bundle, in place of the proportions of the training.
        nb_points : int, optional
            Points of each streamline, by default those of the model.
        seed : int, optional
            Fixes the draw.

        Returns
        -------
        points : ndarray of shape (nb_streamlines, nb_points, 3), float32
            Points in RASMM mm, sorted by bundle.
        labels : ndarray of shape (nb_streamlines,), int32
            Bundle of each, an index into ``record.bundle_names``.

        Raises
        ------
        ValueError
            If the model is not trained, a bundle is unknown or a number impossible.
        """
        batches = list(
            self.generate_batches(
                nb_streamlines,
                bundles,
                balanced=balanced,
                nb_points=nb_points,
                seed=seed,
            )
        )
        points, labels = zip(*batches)
        return np.concatenate(points), np.concatenate(labels)

    def generate_batches(
        self,
        nb_streamlines: int,
        bundles: str | Sequence[str] | None = None,
        *,
        balanced: bool = False,
        nb_points: int | None = None,
        seed: int = 0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate streamlines a batch at a time, in bounded memory.

        Takes what `generate` takes.

        Yields
        ------
        points : ndarray of shape (m, nb_points, 3), float32
            Points in RASMM mm.
        labels : ndarray of shape (m,), int32
            Bundle of each.
        """
        density = self.record.density
        if density is None:
            raise ValueError("The model is not trained: call fit before generate.")
        counts = share_by_bundle(
            nb_streamlines,
            self.record.bundle_counts,
            self.record.bundle_names,
            bundles=bundles,
            balanced=balanced,
        )
        return generate_batches(
            density, lambda z: self.decode(z, nb_points), counts, seed=seed
        )

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
        self.record = TrainingRecord.load(dir_path)
