"""What a model's file carries beside its weights: the record of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
import json
from pathlib import Path
import zipfile

import numpy as np

from dipy_tractogen.sampling.density import ConditionalDensity
from dipy_tractogen.sampling.texture.texture import Texture
from dipy_tractogen.streamlines.conditions import Conditions

from .record_schema import LATENTS_FILE, RECORD_FILE, TEXTURE_FILE, read_parts


@dataclass
class TrainingRecord:
    """Record of a training, kept in the model's file as JSON and arrays.

    Attributes
    ----------
    bundle_names : list of str
        Names of the bundles, in the order of the labels.
    bundle_counts : list of int
        Training streamlines of each bundle.
    length_ranges : list of [float, float]
        Shortest and longest training streamline of each bundle, in mm.
    directions : list of list of float
        Odd cosine coefficients of each bundle's mean, the direction it runs in.
    conditions : list of dict
        What is known of the streamlines (`Conditions.to_plain`).
    reference : dict or None
        Header of the training's space (``Reference.to_dict``).
    truncation_mm : float
        Mean point error that the number of coefficients alone causes, in mm.
    held_out_mm : dict
        ``mean`` and ``percentile_95`` of the point error of held-out streamlines.
    active_units : int
        Latent dimensions whose z_mean varies over the training data.
    parameters : dict
        Parameters of the training, whether it was ``interrupted``, ``kept_step``, the
        step whose weights were kept, and ``seconds_to_first_step``, with the reading;
        ``event_files``, why these are not whole, if they are not.
        Of a command also the ``command`` as it was typed and its ``warnings``.
    data : dict
        Files, their digests, numbers of streamlines, those that were ``dropped`` by
        reason, ``held_out_counts`` by bundle, ``seconds_to_read``.
    history : list of dict
        One row for each look at the held-out loss.
    versions : dict
        Versions of what made the model.
    density : ConditionalDensity or None
        Density of the training latents and conditions.
    texture : Texture or None
        What decoded streamlines lack of real ones.
    """

    bundle_names: list[str] = field(default_factory=list)
    bundle_counts: list[int] = field(default_factory=list)
    length_ranges: list[list[float]] = field(default_factory=list)
    directions: list[list[float]] = field(default_factory=list)
    conditions: list[dict] = field(default_factory=list)
    reference: dict | None = None
    truncation_mm: float = 0.0
    held_out_mm: dict = field(default_factory=dict)
    active_units: int = 0
    parameters: dict = field(default_factory=dict)
    data: dict = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    versions: dict = field(default_factory=dict)
    density: ConditionalDensity | None = None
    texture: Texture | None = None

    def save(self, folder: str | Path) -> None:
        """Write the record into a folder.

        Parameters
        ----------
        folder : str or Path
            An existing folder, for Keras the model's assets.
        """
        plain = asdict(replace(self, density=None, texture=None))
        Path(folder, RECORD_FILE).write_text(
            json.dumps(plain, indent=1), encoding="utf-8"
        )
        for name, part in (
            (LATENTS_FILE, self.density),
            (TEXTURE_FILE, self.texture),
        ):
            if part is not None:
                np.savez_compressed(Path(folder, name), **part.to_arrays())

    @classmethod
    def load(
        cls, folder: str | Path | zipfile.Path, sizes: Mapping[str, int] | None = None
    ) -> TrainingRecord:
        """Read a record.

        Parameters
        ----------
        folder : str, Path or zipfile.Path
            Where `save` wrote it.
        sizes : mapping of str to int, optional
            The ``latent_dim`` and the ``nb_points`` of the model.

        Returns
        -------
        TrainingRecord
            The record. Entries of a later version of the package are left out.

        Raises
        ------
        ValueError
            If an entry or an array is not what it has to be, or they do not fit
            together or to the model.
        """
        folder = Path(folder) if isinstance(folder, str) else folder
        plain, latents, texture = read_parts(folder, sizes or {})
        record = cls(**plain)
        if latents:
            conditions = Conditions(record.conditions)
            record.density = ConditionalDensity.from_arrays(latents, conditions)
        if texture:
            record.texture = Texture.from_arrays(texture)
        return record
